// What the page shows, unpacked once, and small helpers that every view uses.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function unpacked(text, Kind) {
  const binary = atob(text), bytes = new Uint8Array(binary.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = binary.charCodeAt(k);
  return new Kind(bytes.buffer);
}

const P = {
  n: D.points.number,
  told: D.points.told,
  positions: unpacked(D.points.positions, Uint16Array),
  topics: unpacked(D.points.topics, Uint16Array),
  weights: unpacked(D.points.weights, Uint8Array),
  labels: unpacked(D.points.labels, Uint16Array),
  ids: D.points.ids,
  near: unpacked(D.points.near, Uint32Array),
  distances: unpacked(D.points.distances, Uint8Array),
  texts: [],
};

// The texts are many times the rest: they are unpacked once the map is there.
async function readTexts() {
  const packed = unpacked($("texts").textContent.trim(), Uint8Array);
  $("texts").remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  P.texts = (await new Response(stream).text()).split("\0");
}

function beginning(i, pattern) {
  const text = P.texts[i] || "", at = pattern ? text.search(pattern) : -1, from = Math.max(0, at - 50);
  return (from ? "…" : "") + text.slice(from, from + 160).replace(/\s+/g, " ").trim();
}

function patternOf(query, flags = "iu") {
  const words = query.trim().replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return words ? new RegExp(words.replace(/\s+/g, "\\s+"), flags) : null;
}
const x = (i) => P.positions[2 * i] / 65535;
const y = (i) => 1 - P.positions[2 * i + 1] / 65535;
const topicOf = (i) => P.topics[i * P.told];
const hasLabels = D.labels.length > 1;

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "role") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const percent = (share) => (share * 100).toFixed(share < 0.0995 ? 1 : 0) + " %";
const count = (number) => number.toLocaleString("en");

// Names that this reader gave, of this model alone.
const KEPT = `topic-names ${D.model}`;
let given = {};
try { given = JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { /* Where the browser keeps nothing, they last as long as the page. */ }
const name = (topic) => given[topic] ?? D.topics[topic].label;
const titled = (topic) => `${topic}  ${name(topic)}`;

// Outlines of the shapes in a square from -1 to 1, for the legend; the map draws the same in its shader.
const OUTLINES = [
  "M-.8 0a.8 .8 0 1 0 1.6 0a.8 .8 0 1 0-1.6 0Z", "M-.72-.72H.72V.72H-.72Z", "M0-.92L.9.7H-.9Z", "M0-1L1 0L0 1L-1 0Z",
  "M-.3-.95H.3V-.3H.95V.3H.3V.95H-.3V.3H-.95V-.3H-.3Z",
];

function markSvg([colour, shape]) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "-1.2 -1.2 2.4 2.4");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", OUTLINES[shape % OUTLINES.length]);
  path.dataset.colour = colour;
  path.dataset.hollow = shape >= OUTLINES.length ? "1" : "";
  paintMark(path);
  svg.append(path);
  return svg;
}

const theme = () => document.documentElement.dataset.theme;
const colours = () => D.palette[theme()];

function paintMark(path) {
  const colour = colours()[path.dataset.colour];
  path.setAttribute("fill", path.dataset.hollow ? "none" : colour);
  path.setAttribute("stroke", colour);
  path.setAttribute("stroke-width", path.dataset.hollow ? ".35" : "0");
}
