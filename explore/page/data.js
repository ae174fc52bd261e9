// What the page shows, unpacked once, and small helpers that every view uses.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);

function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
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
  texts: D.points.texts,
};
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
const name = (topic) => D.topics[topic].label;

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
