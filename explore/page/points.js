// Draws the points: by WebGL, or where there is none on a 2-D canvas.
const VERTEX = `
attribute vec2 place; attribute vec3 look; attribute float state;
uniform vec2 scale, shift; uniform float size; uniform vec3 palette[6];
varying vec3 colour; varying float shape; varying float strength;
void main() {
  gl_Position = vec4(place * scale + shift, 0.0, 1.0);
  gl_PointSize = size * (state > 1.5 ? 1.6 : 1.0);
  int wanted = int(look.x + 0.5);
  colour = palette[0];
  for (int i = 1; i < 6; i++) if (i == wanted) colour = palette[i];
  shape = look.y; strength = state > 0.5 ? look.z : 0.07;
}`;
const FRAGMENT = `
precision mediump float;
varying vec3 colour; varying float shape; varying float strength;
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  bool hollow = shape > 4.5;
  float kind = hollow ? shape - 5.0 : shape;
  float far;
  if (kind < 0.5) far = length(p) / 0.8;
  else if (kind < 1.5) far = max(abs(p.x), abs(p.y)) / 0.72;
  else if (kind < 2.5) far = max(p.y / 0.7, (abs(p.x) * 1.8 - p.y) / 0.92);
  else if (kind < 3.5) far = abs(p.x) + abs(p.y);
  else far = min(max(abs(p.x) / 0.3, abs(p.y) / 0.95), max(abs(p.x) / 0.95, abs(p.y) / 0.3));
  if (far > 1.0 || (hollow && far < 0.55)) discard;
  gl_FragColor = vec4(colour * strength, strength);
}`;

function webglPainter(canvas) {
  const gl = canvas.getContext("webgl", { antialias: false, premultipliedAlpha: true });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) return null;
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  const at = (uniform) => gl.getUniformLocation(program, uniform);
  const [scale, shift, size, palette] = ["scale", "shift", "size", "palette"].map(at);
  const buffers = {};
  function fill(attribute, width, type, values, normalised = false) {
    const place = gl.getAttribLocation(program, attribute);
    buffers[attribute] ??= gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers[attribute]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, width, type, normalised, 0, 0);
  }
  const places = new Float32Array(2 * P.n);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  return {
    kind: "webgl",
    // In the order of drawing, so that what is chosen lies on top.
    load(order, look, state) {
      const looks = new Float32Array(3 * P.n), states = new Float32Array(P.n);
      for (let k = 0; k < P.n; k++) {
        const i = order[k];
        places[2 * k] = x(i); places[2 * k + 1] = y(i);
        looks.set(look(i), 3 * k);
        states[k] = state[i];
      }
      fill("place", 2, gl.FLOAT, places);
      fill("look", 3, gl.FLOAT, looks);
      fill("state", 1, gl.FLOAT, states);
    },
    draw(view) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(scale, 2 * view.k / view.w, -2 * view.k / view.h);
      gl.uniform2f(shift, 2 * view.x / view.w - 1, 1 - 2 * view.y / view.h);
      gl.uniform1f(size, pointSize(view) * view.ratio);
      gl.uniform3fv(palette, colours().flatMap((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)));
      gl.drawArrays(gl.POINTS, 0, P.n);
    },
  };
}

function canvasPainter(canvas) {
  const context = canvas.getContext("2d");
  let kept = null;
  return {
    kind: "canvas",
    load(order, look, state) { kept = { order, look, state }; },
    draw(view) {
      context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
      context.clearRect(0, 0, view.w, view.h);
      const half = pointSize(view) / 2, shown = colours();
      for (let k = 0; k < P.n; k++) {
        const i = kept.order[k], px = x(i) * view.k + view.x, py = y(i) * view.k + view.y;
        if (px < -9 || py < -9 || px > view.w + 9 || py > view.h + 9) continue;
        const [colour, shape, strength] = kept.look(i);
        context.fillStyle = shown[colour];
        context.globalAlpha = kept.state[i] ? strength : 0.07;
        context.beginPath();
        if (shape % 5 === 0) context.arc(px, py, half * 0.8, 0, 7);
        else if (shape % 5 === 2) { context.moveTo(px, py - half); context.lineTo(px + half, py + half * 0.7); context.lineTo(px - half, py + half * 0.7); }
        else if (shape % 5 === 3) { context.moveTo(px, py - half); context.lineTo(px + half, py); context.lineTo(px, py + half); context.lineTo(px - half, py); }
        else if (shape % 5 === 4) { context.rect(px - half * 0.3, py - half, half * 0.6, half * 2); context.rect(px - half, py - half * 0.3, half * 2, half * 0.6); }
        else context.rect(px - half * 0.7, py - half * 0.7, half * 1.4, half * 1.4);
        context.fill();
      }
    },
  };
}

const fewer = Math.min(1, Math.sqrt(12000 / Math.max(P.n, 1)));
const pointSize = (view) => Math.max(3, Math.min(16, (3.6 + 2.6 * fewer) * Math.pow(view.k / view.fit, 0.42)));
