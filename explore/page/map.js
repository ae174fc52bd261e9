// The map: what it shows of the state, moving, zooming, pointing and stepping.
const plot = $("plot"), overlay = $("overlay"), tip = $("tip");
const painter = webglPainter($("points")) ?? canvasPainter($("points"));
const view = { k: 1, x: 0, y: 0, w: 1, h: 1, ratio: 1, fit: 1 };
const state = { by: "topic", chosen: null, query: "", pattern: null, hover: -1, pinned: -1, matches: [] };
const highlighted = new Uint8Array(P.n).fill(1);
const MARGIN = 26;
const STRENGTH = P.n > 30000 ? 0.62 : 0.8;
plot.dataset.painter = painter.kind;

const groupOf = (i) => (state.by === "topic" ? topicOf(i) : P.labels[i]);
const markOf = (group) => (state.by === "topic" ? D.topics[group].mark : D.labels[group].mark);

function relook() {
  const query = state.query.trim().toLowerCase();
  const topics = new Set(query ? D.topics.filter((topic) => topic.words.includes(query)).map((topic) => topic.id) : []);
  const searching = query.length > 0, literal = new Set(), pattern = state.pattern = patternOf(query);
  const saying = new Set(D.labels.flatMap((label, number) => (pattern?.test(label.name) ? [number] : [])));
  const all = [];
  for (let i = 0; i < P.n; i++) {
    let shown = state.chosen === null || groupOf(i) === state.chosen;
    if (shown && searching) {
      const said = pattern.test(P.ids[i]) || saying.has(P.labels[i]) || (P.texts[i] !== undefined && pattern.test(P.texts[i]));
      if (said) literal.add(i);
      shown = said || topics.has(topicOf(i));
    }
    highlighted[i] = shown ? (searching ? 2 : 1) : 0;
    if (shown) all.push(i);
  }
  // The list begins with documents that say the word, then those that have most of the topic.
  const narrowed = searching || (state.chosen !== null && state.by === "topic");
  const rank = (i) => (literal.has(i) ? 256 : 0) + P.weights[i * P.told];
  state.matches = narrowed ? all.sort((a, b) => rank(b) - rank(a) || a - b) : all;
  const order = new Uint32Array(P.n);
  let k = 0;
  for (let i = 0; i < P.n; i++) if (!highlighted[i]) order[k++] = i;
  for (const i of state.matches) order[k++] = i;
  painter.load(order, (i) => [...markOf(groupOf(i)), STRENGTH], highlighted);
  redraw();
}

let waiting = false;
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; painter.draw(view); drawOverlay(); });
}

function resize({ clientWidth: w, clientHeight: h } = plot) {
  if (!w || !h) return;
  const first = view.w === 1, ratio = Math.min(window.devicePixelRatio || 1, 2);
  const before = { fit: view.fit, x: view.w / 2, y: view.h / 2 };
  Object.assign(view, { w, h, ratio, fit: Math.min(w, h) - 2 * MARGIN });
  for (const canvas of [$("points"), overlay]) { canvas.width = w * ratio; canvas.height = h * ratio; }
  if (first) showAll();
  else {
    const by = view.fit / before.fit;
    view.x = w / 2 + (view.x - before.x) * by; view.y = h / 2 + (view.y - before.y) * by; view.k *= by;
    redraw();
  }
}

function showAll() {
  // Positions share one scale, so one side of the square may be empty: fit what is there.
  let low = [1, 1], high = [0, 0];
  for (let i = 0; i < P.n; i++) {
    low = [Math.min(low[0], x(i)), Math.min(low[1], y(i))];
    high = [Math.max(high[0], x(i)), Math.max(high[1], y(i))];
  }
  const wide = Math.max(high[0] - low[0], 1e-6), tall = Math.max(high[1] - low[1], 1e-6);
  view.k = view.fit = Math.min((view.w - 2 * MARGIN) / wide, (view.h - 2 * MARGIN) / tall);
  view.x = view.w / 2 - view.k * (low[0] + high[0]) / 2;
  view.y = view.h / 2 - view.k * (low[1] + high[1]) / 2;
  redraw();
}

function zoomAt(px, py, by) {
  const k = Math.max(view.fit * 0.6, Math.min(view.fit * 400, view.k * by)), real = k / view.k;
  view.x = px - (px - view.x) * real; view.y = py - (py - view.y) * real; view.k = k;
  redraw();
}

function centreOn(i) {
  if (view.k < view.fit * 3) view.k = view.fit * 3;
  view.x = view.w / 2 - x(i) * view.k; view.y = view.h / 2 - y(i) * view.k;
}

const CELLS = 128;
const grid = Array.from({ length: CELLS * CELLS }, () => []);
const cell = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(value * CELLS)));
for (let i = 0; i < P.n; i++) grid[cell(y(i)) * CELLS + cell(x(i))].push(i);

function nearest(px, py, reach = 12) {
  const mx = (px - view.x) / view.k, my = (py - view.y) / view.k, r = reach / view.k;
  let best = -1, least = r * r;
  for (let row = cell(my - r); row <= cell(my + r); row++) for (let column = cell(mx - r); column <= cell(mx + r); column++) {
    for (const i of grid[row * CELLS + column]) {
      if (!highlighted[i]) continue;
      const far = (x(i) - mx) ** 2 + (y(i) - my) ** 2;
      if (far < least) { least = far; best = i; }
    }
  }
  return best;
}

const centres = {};
function centresOf(by) {
  if (centres[by]) return centres[by];
  const members = new Map();
  for (let i = 0; i < P.n; i++) {
    const group = by === "topic" ? topicOf(i) : P.labels[i];
    if (!members.has(group)) members.set(group, []);
    members.get(group).push(i);
  }
  const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  centres[by] = [...members].map(([group, all]) => ({ group, n: all.length, x: middle(all.map(x)), y: middle(all.map(y)) }))
    .sort((a, b) => b.n - a.n);
  return centres[by];
}

function drawOverlay({ onPaper = false } = {}) {
  const context = overlay.getContext("2d"), style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--ink"), halo = style.getPropertyValue("--halo");
  context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  context.clearRect(0, 0, view.w, view.h);
  // A printer does not see what WebGL draws, but sees its copy.
  if (onPaper) context.drawImage($("points"), 0, 0, view.w, view.h);
  context.font = "600 12px system-ui, 'DejaVu Sans', sans-serif";
  context.textAlign = "center"; context.textBaseline = "middle"; context.lineJoin = "round";
  const taken = [];
  for (const { group, x: cx, y: cy } of centresOf(state.by)) {
    if (state.chosen !== null && state.chosen !== group) continue;
    const whole = state.by === "topic" ? name(group) : D.labels[group].name;
    if (!whole) continue;
    const text = whole.length > 30 ? whole.slice(0, 29) + "…" : whole;
    const wide = context.measureText(text).width + 8, px = cx * view.k + view.x, middle = cy * view.k + view.y;
    const at = [0, -19, 19].map((off) => [px - wide / 2, middle + off - 9, px + wide / 2, middle + off + 9]);
    const box = at.find((b) => !taken.some((other) => b[0] < other[2] && b[2] > other[0] && b[1] < other[3] && b[3] > other[1]));
    if (!box || box[2] < 0 || box[0] > view.w || box[3] < 0 || box[1] > view.h) continue;
    taken.push(box);
    const py = box[1] + 9;
    context.strokeStyle = halo; context.lineWidth = 4.5;
    context.strokeText(text, px, py);
    context.fillStyle = ink;
    context.fillText(text, px, py);
  }
  const i = state.pinned >= 0 ? state.pinned : state.hover;
  if (i < 0) { tip.hidden = true; return; }
  const px = x(i) * view.k + view.x, py = y(i) * view.k + view.y;
  context.beginPath();
  context.arc(px, py, pointSize(view) / 2 + 4, 0, 7);
  context.strokeStyle = ink; context.lineWidth = 2;
  context.stroke();
  showTip(i, px, py);
}

const strongest = (i) => Array.from({ length: P.told }, (_, rank) => [P.topics[i * P.told + rank], P.weights[i * P.told + rank] / 255])
  .filter(([, weight]) => weight >= 0.03);

let told = -1;
function showTip(i, px, py) {
  if (told !== i) {
    told = i;
    const label = D.labels[P.labels[i]].name;
    tip.replaceChildren(
      element("div", { className: "id" }, P.ids[i]),
      ...(label && label !== P.ids[i] ? [element("div", { className: "quiet" }, label)] : []),
      ...strongest(i).map(([topic, weight]) => element("div", { className: "bar" },
        element("b", {}, percent(weight)), element("span", {}, titled(topic)))),
      ...(P.texts[i] ? [element("p", { className: "quiet" }, beginning(i, state.pattern))] : []),
    );
  }
  tip.hidden = false;
  const { offsetWidth: wide, offsetHeight: tall } = tip;
  tip.style.left = Math.max(4, Math.min(view.w - wide - 4, px + 14 + wide > view.w ? px - wide - 14 : px + 14)) + "px";
  tip.style.top = Math.max(4, Math.min(view.h - tall - 4, py + 14)) + "px";
}

function pin(i, { centre = true } = {}) {
  state.pinned = i;
  if (i >= 0 && centre) centreOn(i);
  if (i >= 0) say(`${P.ids[i]}, ${D.labels[P.labels[i]].name}: topic ${topicOf(i)}, ${name(topicOf(i))}`);
  drawDocument();
  redraw();
}

function step(by) {
  const all = state.matches;
  if (!all.length) return;
  const at = all.indexOf(state.pinned);
  pin(all[((at < 0 ? (by > 0 ? -1 : 0) : at) + by + all.length) % all.length]);
}

const at = (event) => { const box = plot.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
const fingers = new Map();
let moved = 0;
plot.addEventListener("pointerdown", (event) => {
  if (event.target.closest("#zoom")) return;
  fingers.set(event.pointerId, at(event));
  plot.setPointerCapture(event.pointerId);
  plot.classList.add("dragging");
  moved = 0;
});
plot.addEventListener("pointermove", (event) => {
  const now = at(event), before = fingers.get(event.pointerId);
  if (!before) {
    const hover = nearest(...now);
    if (hover !== state.hover) { state.hover = hover; redraw(); }
    return;
  }
  const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
  if (others.length) {
    const gap = (a) => Math.hypot(a[0] - others[0][0], a[1] - others[0][1]);
    zoomAt((now[0] + others[0][0]) / 2, (now[1] + others[0][1]) / 2, gap(now) / Math.max(gap(before), 1));
  } else {
    view.x += now[0] - before[0]; view.y += now[1] - before[1];
    redraw();
  }
  moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
  fingers.set(event.pointerId, now);
});
for (const kind of ["pointerup", "pointercancel"]) plot.addEventListener(kind, (event) => {
  if (!fingers.delete(event.pointerId)) return;
  plot.classList.remove("dragging");
  if (moved < 4) pin(nearest(...at(event)), { centre: false });
});
plot.addEventListener("pointerleave", () => { if (state.hover >= 0) { state.hover = -1; redraw(); } });
plot.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(...at(event), Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)));
}, { passive: false });

const MOVES = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
plot.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target !== plot && event.key !== "Escape") return;
  const key = event.key;
  if (MOVES[key]) { view.x += MOVES[key][0]; view.y += MOVES[key][1]; redraw(); }
  else if (key === "+" || key === "=") zoomAt(view.w / 2, view.h / 2, 1.35);
  else if (key === "-" || key === "_") zoomAt(view.w / 2, view.h / 2, 1 / 1.35);
  else if (key === "0") showAll();
  else if (key === "n" || key === "N") step(1);
  else if (key === "p" || key === "P") step(-1);
  else if (key === "Escape") pin(-1);
  else return;
  event.preventDefault();
});
$("zoom-in").addEventListener("click", () => zoomAt(view.w / 2, view.h / 2, 1.6));
$("zoom-out").addEventListener("click", () => zoomAt(view.w / 2, view.h / 2, 1 / 1.6));
$("zoom-all").addEventListener("click", showAll);
