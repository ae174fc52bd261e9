// Legend and search beside the map, and the other views: topics, labels, groups.
const SHOWN_MATCHES = 40;
const say = (text) => { $("found").textContent = text; };

function drawSide() {
  const side = $("side");
  const groups = state.by === "topic"
    ? D.topics.map((topic) => ({ group: topic.id, text: `${topic.id}  ${topic.label}`, share: topic.share }))
    : centresOf("label").map(({ group, n }) => ({ group, text: D.labels[group].name || "no label", share: n / P.n }));
  groups.sort((a, b) => b.share - a.share);
  const legend = groups.map(({ group, text, share }) => element("button", {
    "aria-pressed": String(state.chosen === group), title: text, onclick: () => choose(state.chosen === group ? null : group),
  }, markSvg(markOf(group)), element("span", {}, text), element("span", { className: "share" }, percent(share))));
  const parts = [];
  if (state.query.trim() || state.chosen !== null) {
    parts.push(element("h2", {}, "Documents"), ...state.matches.slice(0, SHOWN_MATCHES).map((i) => element("button", {
      title: P.ids[i], onclick: () => pin(i),
    }, markSvg(markOf(groupOf(i))), element("span", {}, P.texts[i] || P.ids[i]), "")));
  }
  const heading = element("h2", {}, state.by === "topic" ? "Topics, by size" : "Labels, by size");
  side.replaceChildren(...(state.query.trim() ? [...parts, heading, ...legend] : [heading, ...legend, ...parts]));
  if (state.query.trim() || state.chosen !== null) {
    const shown = state.matches.length;
    say(`${count(shown)} of ${count(P.n)} documents${shown > SHOWN_MATCHES ? `, the first ${SHOWN_MATCHES} listed` : ""}`);
  } else say(`${count(P.n)} documents. Choose one below to see it alone.`);
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

const near = (topic, distance) => element("button", { onclick: () => showTopic(topic), title: `Hellinger distance ${distance}` },
  markSvg(D.topics[topic].mark), ` ${topic} ${D.topics[topic].words[0]}`);

function card(topic) {
  const most = Math.max(...topic.probabilities);
  return element("article", { className: "card", id: `topic-${topic.id}`, tabIndex: -1, "aria-label": `Topic ${topic.id}` },
    element("h2", {}, markSvg(topic.mark), ` ${topic.id}  ${topic.label}`),
    element("p", { className: "facts" },
      element("b", {}, percent(topic.share)), " of the text · strongest in ", element("b", {}, count(topic.dominant)), " · coherence ",
      element("b", {}, topic.coherence.toFixed(2)), " · uniqueness ", element("b", {}, topic.uniqueness.toFixed(2))),
    element("div", { className: "words" }, ...topic.words.flatMap((word, rank) => [
      element("span", { title: word }, word),
      element("i", { title: `probability ${topic.probabilities[rank]}`, style: `width:${(100 * topic.probabilities[rank] / most).toFixed(1)}%` }),
    ])),
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
  const fill = (order) => cards.replaceChildren(...[...D.topics].sort(orders[order]).map(card));
  const chooser = element("select", { "aria-label": "Order of the topics", onchange: (event) => fill(event.target.value) },
    ...Object.keys(orders).map((order) => element("option", {}, order)));
  fill("by size");
  $("view-topics").append(
    element("p", { className: "lead" }, "A bar is a word's probability in the topic; words are in the order of the model. Coherence is the mean NPMI of a topic's ten words over these documents (1: always together, 0: by chance); uniqueness is 1 where no other topic lists them."),
    element("div", { className: "toolbar" }, chooser), cards);
}

function drawLabels() {
  const target = $("view-labels"), C = D.confusion;
  if (!C) { target.append(element("p", { className: "lead" }, "These documents have no labels.")); return; }
  const most = Math.max(...C.weights.flat());
  const head = element("tr", {}, element("th", {}, ""), ...D.tree.order.map((topic) =>
    element("th", { scope: "col" }, element("div", { title: D.topics[topic].words.join(", ") }, `${topic} ${D.topics[topic].words.slice(0, 2).join(" ")}`))));
  const rows = C.labels.map((label, row) => element("tr", {}, element("th", { scope: "row", title: `${count(C.sizes[row])} documents` }, label),
    ...C.weights[row].map((weight, column) => element("td", {
      title: `${label}, topic ${D.tree.order[column]} (${name(D.tree.order[column])}): ${percent(weight)}`,
      style: `background:rgba(var(--heat),${(weight / most).toFixed(3)})` + (weight / most > 0.55 ? ";color:var(--ground)" : ""),
    }, weight >= 0.05 ? Math.round(weight * 100) : ""))));
  target.append(
    element("p", { className: "lead" }, "Of which topics the documents of each label are made, in percent; from 5 % on it is written. ",
      "Topics stand in the order of their tree, alike beside alike. A topic's strongest label is right for ", element("b", {}, percent(C.purity)),
      " of the documents (purity); normalised mutual information is ", element("b", {}, C.agreement.toFixed(2)), ". ",
      C.leftOut ? `${count(C.leftOut)} smaller labels are not shown.` : ""),
    element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Labels and topics" },
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))));
}

function drawTree() {
  const { steps, order } = D.tree, n = order.length, ROW = 21, LEFT = 14, WIDE = 560, TEXT = 330, TOP = 8;
  const NS = "http://www.w3.org/2000/svg";
  const make = (kind, attributes, text) => {
    const made = document.createElementNS(NS, kind);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const heights = steps.map((step) => step[2]), low = Math.min(...heights) * 0.96, high = Math.max(...heights);
  const across = (height) => LEFT + WIDE * (1 - (Math.max(height, low) - low) / (high - low || 1));
  const tall = n * ROW + 34, svg = make("svg", {
    class: "tree", viewBox: `0 0 ${LEFT + WIDE + TEXT} ${tall}`, width: LEFT + WIDE + TEXT, height: tall, role: "img",
    "aria-label": `Tree of the ${n} topics; the text below it names those advised to be merged.`,
  });
  const nodes = new Map(order.map((topic, row) => [topic, { at: TOP + row * ROW + ROW / 2, height: low }]));
  const advised = new Set(D.advice.map((advice) => [...advice.topics].sort((a, b) => a - b).join()));
  for (let tick = Math.ceil(low * 20) / 20; tick <= high; tick += 0.05) {
    svg.append(make("line", { x1: across(tick), x2: across(tick), y1: TOP, y2: tall - 26 }));
    svg.append(make("text", { x: across(tick), y: tall - 12, "text-anchor": "middle", class: "axis" }, tick.toFixed(2)));
  }
  steps.forEach(([one, other, height], k) => {
    const [a, b] = [nodes.get(one), nodes.get(other)], px = across(height);
    svg.append(make("path", {
      d: `M${across(a.height)} ${a.at}H${px}V${b.at}H${across(b.height)}`,
      class: advised.has([one, other].sort((p, q) => p - q).join()) ? "advised" : "",
    }));
    nodes.set(n + k, { at: (a.at + b.at) / 2, height });
  });
  order.forEach((topic, row) => svg.append(make("text", { x: LEFT + WIDE + 8, y: TOP + row * ROW + ROW / 2 + 4 },
    `${topic}  ${D.topics[topic].label}`)));
  return svg;
}

function drawGroups() {
  const advice = D.advice.map(({ topics, distance, words, reason }) => element("div", { className: "advice" },
    element("h2", {}, `Merge ${topics[0]} (${name(topics[0])}) and ${topics[1]} (${name(topics[1])})?`),
    element("p", {}, reason + ` Hellinger distance ${distance.toFixed(2)}.`),
    element("p", { className: "quiet" }, "As one: " + words.join(", "))));
  $("view-groups").append(
    element("p", { className: "lead" }, "Topics joined step by step, nearest first: average linkage of the Hellinger distances of their words (0: the same words alike, 1: none in common)."),
    element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Tree of topics" }, drawTree()),
    element("h2", { style: "margin-top:18px" }, "Merge advice"),
    ...(advice.length ? advice : [element("p", { className: "lead" }, "No two topics look like one: none are each other's nearest with words in common whose merger would keep their coherence.")]));
}
