// Beside the map: the legend, what a search finds, and the document that is chosen.
const SHOWN_MATCHES = 40;
const say = (text) => { $("found").textContent = text; };

function drawSide() {
  const side = $("side"), narrowed = state.query.trim() || state.chosen !== null;
  const groups = state.by === "topic"
    ? D.topics.map((topic) => ({ group: topic.id, text: titled(topic.id), share: topic.share }))
    : centresOf("label").map(({ group, n }) => ({ group, text: D.labels[group].name || "no label", share: n / P.n }));
  groups.sort((a, b) => b.share - a.share);
  const legend = groups.map(({ group, text, share }) => element("button", {
    "aria-pressed": String(state.chosen === group), title: text, onclick: () => choose(state.chosen === group ? null : group),
  }, markSvg(markOf(group)), element("span", {}, text), element("span", { className: "share" }, percent(share))));
  const parts = narrowed ? [element("h2", {}, "Documents"), ...state.matches.slice(0, SHOWN_MATCHES).map((i) => documentButton(i))] : [];
  const heading = element("h2", {}, state.by === "topic" ? "Topics, by size" : "Labels, by size");
  side.replaceChildren(...(state.query.trim() ? [...parts, heading, ...legend] : [heading, ...legend, ...parts]));
  if (narrowed) {
    const shown = state.matches.length;
    say(`${count(shown)} of ${count(P.n)} documents${shown > SHOWN_MATCHES ? `, the first ${SHOWN_MATCHES} listed` : ""}`);
  } else say(`${count(P.n)} documents. Choose one below to see it alone.`);
}

const documentButton = (i, share = "") => element("button", { title: P.ids[i], onclick: () => pin(i) },
  markSvg(markOf(groupOf(i))), element("span", {}, beginning(i, state.pattern) || P.ids[i]), element("span", { className: "share" }, share));

function marked(text) {
  const parts = [];
  let from = 0;
  for (const match of state.query.trim() ? text.matchAll(patternOf(state.query, "giu")) : []) {
    parts.push(text.slice(from, match.index), element("mark", {}, match[0]));
    from = match.index + match[0].length;
  }
  return [...parts, text.slice(from)];
}

// The chosen document in full, and the documents of the most similar topics.
function drawDocument() {
  const panel = $("document"), i = state.pinned;
  panel.hidden = i < 0;
  if (i < 0) { panel.replaceChildren(); return; }
  const label = D.labels[P.labels[i]].name, near = P.near.length / P.n;
  panel.replaceChildren(
    element("button", { className: "close", "aria-label": "Let go of the document", title: "Let go (Esc)", onclick: () => { pin(-1); plot.focus(); } }, "✕"),
    element("h2", { className: "id" }, P.ids[i]),
    label && label !== P.ids[i] ? element("p", { className: "quiet" }, label) : "",
    ...strongest(i).map(([topic, weight]) => element("button", { onclick: () => showTopic(topic), title: "Show the topic" },
      markSvg(D.topics[topic].mark), element("span", {}, titled(topic)), element("span", { className: "share" }, percent(weight)))),
    element("div", { className: "text", tabIndex: 0, role: "region", "aria-label": "Text" }, ...(P.texts[i]
      ? marked(P.texts[i] + (D.texts?.excerpt && [...P.texts[i]].length >= D.texts.excerpt ? "…" : ""))
      : [element("span", { className: "quiet" }, D.texts ? "This document has no text." : "This page was made from counts: python -m explore shows the texts with --source.")])),
    element("h2", {}, "Nearest documents"),
    ...Array.from({ length: near }, (_, rank) => documentButton(P.near[i * near + rank], (P.distances[i * near + rank] / 255).toFixed(2))));
  panel.parentElement.scrollTop = 0;
  const text = panel.querySelector(".text"), first = text.querySelector("mark");
  if (first) text.scrollTop = first.offsetTop - text.offsetTop - 40;
}

function tellReach() {
  const whole = D.texts && !D.texts.excerpt;
  $("reach").textContent = "Searches ids, labels, topic words and " + (whole ? "whole texts."
    : D.texts ? `the first ${count(D.texts.excerpt)} characters of each text: whole texts would be over ${D.texts.most / 1e6} MB.` : "no texts: this page was made from counts.");
}

function choose(group) {
  state.chosen = group;
  const held = document.activeElement?.title;
  relook();
  drawSide();
  // The legend was drawn anew: the keyboard stays where it was.
  if (held) [...$("side").children].find((button) => button.title === held)?.focus();
}

function search(text) {
  state.query = text;
  state.pinned = -1;
  relook();
  drawSide();
  drawDocument();
}

function colourBy(by) {
  state.by = by;
  state.chosen = null;
  relook();
  drawSide();
}

function showOnMap(point) {
  open("map");
  state.chosen = null;
  search("");
  $("search").value = "";
  pin(point);
  plot.focus();
}

function showTopic(topic) {
  open("topics");
  for (const card of document.querySelectorAll(".card")) card.classList.toggle("chosen", card.id === `topic-${topic}`);
  const card = $(`topic-${topic}`);
  card.scrollIntoView({ block: "nearest" });
  card.focus();
}
