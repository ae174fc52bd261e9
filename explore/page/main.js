// Puts the views together.
const VIEWS = { map: null, topics: drawTopics, labels: drawLabels, groups: drawGroups, ...(D.time ? { time: drawTime } : {}) };
$("tab-time").hidden = !D.time;
const drawn = new Set(["map"]);

function open(wanted) {
  for (const view of Object.keys(VIEWS)) {
    const tab = $(`tab-${view}`), chosen = view === wanted;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(`view-${view}`).hidden = !chosen;
  }
  if (!drawn.has(wanted)) { drawn.add(wanted); VIEWS[wanted](); }
  if (wanted === "map") resize();
}

$("tabs").addEventListener("click", (event) => { if (event.target.role === "tab" || event.target.id.startsWith("tab-")) open(event.target.id.slice(4)); });
$("tabs").addEventListener("keydown", (event) => {
  const names = Object.keys(VIEWS), here = names.indexOf(document.activeElement.id.slice(4));
  const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: names.length - 1 }[event.key];
  if (to === undefined) return;
  const wanted = names[(to + names.length) % names.length];
  open(wanted);
  $(`tab-${wanted}`).focus();
  event.preventDefault();
});

function setTheme(wanted) {
  document.documentElement.dataset.theme = wanted;
  $("theme").textContent = wanted === "dark" ? "Light" : "Dark";
  for (const path of document.querySelectorAll("svg.mark path")) paintMark(path);
  redraw();
}
const preferred = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.dataset.theme = preferred.matches ? "dark" : "light";
preferred.addEventListener("change", () => setTheme(preferred.matches ? "dark" : "light"));
$("theme").addEventListener("click", () => setTheme(theme() === "dark" ? "light" : "dark"));

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !(event.target.tagName === "INPUT" && event.target.type !== "radio" && event.target.type !== "range")) { open("map"); $("search").focus(); event.preventDefault(); }
});
let pause = 0;
$("search").addEventListener("input", (event) => { clearTimeout(pause); pause = setTimeout(() => search(event.target.value), 120); });
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") { clearTimeout(pause); search(event.target.value); if (state.matches.length) { pin(state.matches[0]); plot.focus(); } }
  if (event.key === "Escape") { event.target.value = ""; search(""); }
});
if (!hasLabels) $("colour-by").hidden = true;
for (const radio of document.querySelectorAll("[name=colour]")) radio.addEventListener("change", () => colourBy(radio.value));

const title = `${D.topics.length} topics of ${count(D.documents)} documents`;
document.title = title;
$("title").textContent = title;
$("provenance").textContent = `model ${D.model} · corpus ${D.corpus.slice(0, 12)} · map by ${D.method === "umap" ? "UMAP" : "t-SNE"} of the square roots of topic weights`
  + (P.n < D.documents ? ` · ${count(P.n)} of ${count(D.documents)} documents on the map, a random sample` : "")
  + (D.without ? ` · ${count(D.without)} documents without a known word` : "");

// On paper stands all of it, as on light ground: the map in a size that fits, then each view.
const PAPER = { clientWidth: 680, clientHeight: 560 };
let before = null;
addEventListener("beforeprint", () => {
  before = { view: { ...view }, theme: theme() };
  setTheme("light");
  for (const [view, draw] of Object.entries(VIEWS)) if (draw && !drawn.has(view)) { drawn.add(view); draw(); }
  resize(PAPER);
  showAll();
  painter.draw(view);
  drawOverlay({ onPaper: true });
});
addEventListener("afterprint", () => {
  setTheme(before.theme);
  resize();
  Object.assign(view, before.view);
  redraw();
});

setTheme(theme());
new ResizeObserver(() => resize()).observe(plot);
resize();
relook();
drawSide();
requestAnimationFrame(() => requestAnimationFrame(() => {
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  if (!D.texts) return tellReach();
  readTexts().then(() => { told = -1; if (state.query.trim()) relook(); drawSide(); drawDocument(); redraw(); tellReach(); },
    () => { $("reach").textContent = "This browser cannot unpack the texts: searches ids, labels and topic words."; });
}));
