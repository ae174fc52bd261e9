// The view of topics: cards, words by relevance, the topics of a word, and names.
const R = D.relevance;
const shown = { order: "by size", lambda: null };

function showTopic(topic) {
  open("topics");
  for (const card of document.querySelectorAll(".card")) card.classList.toggle("chosen", card.id === `topic-${topic}`);
  const card = $(`topic-${topic}`);
  card.scrollIntoView({ block: "nearest" });
  card.focus();
}

const near = (topic, distance) => element("button", { onclick: () => showTopic(topic), title: `Hellinger distance ${distance}` },
  markSvg(D.topics[topic].mark), ` ${titled(topic)}`);

// Sievert and Shirley (2014): lambda log p(w|t) + (1 - lambda) log(p(w|t) / p(w)).
function relevance([word, probability]) {
  const share = R.words[word][1] / R.tokens;
  return share ? shown.lambda * Math.log(probability) + (1 - shown.lambda) * Math.log(probability / share) : -Infinity;
}

function wordsOf(topic) {
  const all = R.topics[topic.id], most = topic.words.length;
  return shown.lambda === null ? all.slice(0, most) : [...all].sort((a, b) => relevance(b) - relevance(a)).slice(0, most);
}

function drawWords(topic) {
  const listed = wordsOf(topic).map(([word, probability]) => {
    const [text, all, topics] = R.words[word], here = topics.find(([other]) => other === topic.id)?.[1] ?? 0;
    return { word, text, all, here, probability };
  });
  const most = Math.max(...listed.map(({ all }) => all), 1);
  return listed.flatMap(({ word, text, all, here, probability }) => [
    element("button", { title: `${text}: show its topics`, onclick: () => showWord(word) }, text),
    element("i", { title: `${text}: about ${count(Math.round(here))} of its ${count(all)} times in this topic; probability ${probability}` },
      element("i", { className: "all", style: `width:${(100 * all / most).toFixed(1)}%` }), element("i", { className: "here", style: `width:${(100 * here / most).toFixed(1)}%` })),
  ]);
}

function showWord(word) {
  const panel = $("word"), [text, all, topics] = R.words[word];
  const close = () => { panel.hidden = true; panel.replaceChildren(); };
  const rest = all - topics.reduce((sum, [, here]) => sum + here, 0);
  panel.hidden = false;
  panel.onkeydown = (event) => { if (event.key === "Escape") close(); };
  panel.replaceChildren(
    element("button", { className: "close", "aria-label": "Close", title: "Close (Esc)", onclick: close }, "✕"),
    element("h2", {}, text),
    element("p", { className: "quiet" }, all ? `${count(all)} times in these documents, by topic:` : "Not in these documents."),
    ...topics.map(([topic, here]) => shareButton(topic, here / all)),
    all && rest / all >= 0.005 ? element("p", { className: "quiet" }, `and ${percent(rest / all)} in other topics`) : "",
    element("button", { className: "framed", onclick: () => { open("map"); $("search").value = text; search(text); $("search").focus(); } }, "Find its documents"));
  panel.querySelector(".close").focus();
}

function rename(topic, heading) {
  const field = element("input", { value: name(topic.id), maxLength: D.longestName, "aria-label": `Name of topic ${topic.id}` });
  let done = false;
  const end = (keep) => {
    if (done) return;
    done = true;
    const wanted = field.value.replace(/\s+/g, " ").trim();
    if (keep && wanted && wanted !== D.topics[topic.id].label) given[topic.id] = wanted;
    else if (keep) delete given[topic.id];
    try { localStorage.setItem(KEPT, JSON.stringify(given)); } catch { /* See data.js. */ }
    const made = headingOf(topic);
    heading.replaceWith(made);
    tellNames();
    made.querySelector("button").focus();
    for (const view of Object.keys(VIEWS)) if (view !== "topics" && view !== "map") drawn.delete(view);
    drawSide();
    drawDocument();
    redraw();
  };
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") end(true); if (event.key === "Escape") end(false); });
  field.addEventListener("blur", () => end(true));
  heading.replaceChildren(field);
  field.focus();
  field.select();
}

function headingOf(topic) {
  const heading = element("h2", {}, markSvg(topic.mark), element("span", {}, ` ${titled(topic.id)}`),
    element("button", { className: "rename", "aria-label": `Rename topic ${topic.id}`, title: "Give the topic a name of your own", onclick: () => rename(topic, heading) }, "✎"));
  return heading;
}

function tellNames() {
  const number = Object.keys(given).length;
  $("export").disabled = !number;
  $("export").textContent = number ? `Export ${number} of your names` : "Export names";
}

function exportNames() {
  const content = JSON.stringify({ model: D.model, names: given }, null, 1) + "\n";
  const link = element("a", { href: URL.createObjectURL(new Blob([content], { type: "application/json" })), download: "names.json" });
  link.click();
  // Not at once: the browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function card(topic) {
  return element("article", { className: "card", id: `topic-${topic.id}`, tabIndex: -1, "aria-label": `Topic ${topic.id}` },
    headingOf(topic),
    element("p", { className: "facts" },
      element("b", {}, percent(topic.share)), " of the text · strongest in ", element("b", {}, count(topic.dominant)), " · coherence ",
      element("b", {}, topic.coherence.toFixed(2)), " · uniqueness ", element("b", {}, topic.uniqueness.toFixed(2))),
    element("div", { className: "words" }, ...drawWords(topic)),
    element("h3", {}, "Most typical documents"),
    element("ul", {}, ...topic.typical.map((document) => element("li", {}, element("button", {
      disabled: document.point === null, title: `${document.id} ${document.label}, ${percent(document.weight)} of this topic`,
      onclick: () => showOnMap(document.point),
    }, document.text || document.id)))),
    element("h3", {}, "Nearest topics"),
    element("div", { className: "near" }, ...topic.nearest.map(([other, distance]) => near(other, distance))));
}

function drawTopics() {
  const orders = {
    "by size": (a, b) => b.share - a.share, "by coherence": (a, b) => b.coherence - a.coherence,
    "by uniqueness": (a, b) => b.uniqueness - a.uniqueness, "by number": (a, b) => a.id - b.id,
  };
  const cards = element("div", { className: "cards" });
  const fill = () => cards.replaceChildren(...[...D.topics].sort(orders[shown.order]).map(card));
  const words = () => { for (const topic of D.topics) $(`topic-${topic.id}`).querySelector(".words").replaceChildren(...drawWords(topic)); };
  const weight = element("output", { id: "lambda-told" });
  const tell = () => { weight.textContent = shown.lambda === null ? "as the model ranks them" : `λ = ${shown.lambda.toFixed(2)}`; };
  const slider = element("input", {
    id: "lambda", type: "range", min: 0, max: 1, step: R.step, value: 1, "aria-describedby": "lambda-told",
    oninput: () => { shown.lambda = Number(slider.value); tell(); words(); },
  });
  tell();
  fill();
  $("view-topics").replaceChildren(
    element("p", { className: "lead" }, "Bars: how often a word is in these documents (the pale bar), and about how often it is of this topic (the strong bar). Relevance is λ log p(w|t) + (1−λ) log(p(w|t)/p(w)), by Sievert and Shirley (2014): at 1 the most probable words come first, near 0 those that hardly any other topic has. Coherence is the mean NPMI of a topic's ten words over these documents (1: always together, 0: by chance); uniqueness is 1 where no other topic lists them."),
    element("div", { className: "toolbar" },
      element("select", { "aria-label": "Order of the topics", onchange: (event) => { shown.order = event.target.value; fill(); } },
        ...Object.keys(orders).map((order) => element("option", {}, order))),
      element("label", {}, "Relevance ", slider), weight,
      element("button", { className: "framed", onclick: () => { shown.lambda = null; slider.value = 1; tell(); words(); } }, "As the model"),
      element("button", { className: "framed", id: "export", title: "python -m operations.name_topics names.json applies them", onclick: exportNames })),
    element("div", { id: "word", hidden: true, role: "region", "aria-label": "Topics of a word" }), cards);
  tellNames();
}
