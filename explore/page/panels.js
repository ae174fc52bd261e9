// The views of labels, of groups, and of topics over time.
const LISTED_TOPICS = 4;
const NS = "http://www.w3.org/2000/svg";
function drawing(kind, attributes, ...children) {
  const made = document.createElementNS(NS, kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// A topic with a bar of its share.
const shareButton = (topic, share) => element("button", { className: "topic-share", onclick: () => showTopic(topic), style: `--here:${(100 * share).toFixed(1)}%` },
  markSvg(D.topics[topic].mark), element("span", {}, titled(topic)), element("span", { className: "share" }, percent(share)));

function drawLabels() {
  const target = $("view-labels"), C = D.confusion;
  if (!C) { target.replaceChildren(element("p", { className: "lead" }, "These documents have no labels.")); return; }
  const most = Math.max(...C.weights.flat());
  const head = element("tr", {}, element("th", {}, ""), ...D.tree.order.map((topic) =>
    element("th", { scope: "col" }, element("div", { title: D.topics[topic].words.join(", ") }, titled(topic)))));
  const rows = C.labels.map((label, row) => element("tr", {}, element("th", { scope: "row", title: `${count(C.sizes[row])} documents` }, label),
    ...C.weights[row].map((weight, column) => element("td", {
      title: `${label}, topic ${D.tree.order[column]} (${name(D.tree.order[column])}): ${percent(weight)}`,
      style: `background:rgba(var(--heat),${(weight / most).toFixed(3)})` + (weight / most > 0.7 ? ";color:var(--ground)" : ""),
    }, weight >= 0.05 ? Math.round(weight * 100) : ""))));
  // A screen that is too narrow for the table, and paper, have each label's strongest topics.
  const list = C.labels.map((label, row) => element("li", {}, element("b", {}, label), element("span", { className: "quiet" }, ` ${count(C.sizes[row])} documents`),
    ...C.weights[row].map((weight, column) => ({ weight, topic: D.tree.order[column] })).sort((a, b) => b.weight - a.weight).slice(0, LISTED_TOPICS)
      .map(({ weight, topic }) => shareButton(topic, weight))));
  target.replaceChildren(
    element("p", { className: "lead" }, "Of which topics the documents of each label are made, in percent; from 5 % on it is written. ",
      "Topics stand in the order of their tree, alike beside alike. A topic's strongest label is right for ", element("b", {}, percent(C.purity)),
      " of the documents (purity); normalised mutual information is ", element("b", {}, C.agreement.toFixed(2)), ". ",
      C.leftOut ? `${count(C.leftOut)} smaller labels are not shown.` : ""),
    element("ul", { className: "strongest" }, ...list),
    element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Labels and topics" },
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))));
}

const ROW = 25;
function drawTree() {
  const { steps, order } = D.tree, n = order.length, WIDE = $("view-groups").clientWidth < 640 ? 110 : 480, TOP = 8, LEFT = 14;
  const heights = steps.map((step) => step[2]), low = Math.min(...heights) * 0.96, high = Math.max(...heights);
  const across = (height) => LEFT + WIDE * (1 - (Math.max(height, low) - low) / (high - low || 1));
  const tall = TOP + n * ROW + 26, svg = drawing("svg", {
    viewBox: `0 0 ${LEFT + WIDE + 6} ${tall}`, width: LEFT + WIDE + 6, height: tall, role: "img",
    "aria-label": `Tree of the ${n} topics; the text below it names those advised to be merged.`,
  });
  const nodes = new Map(order.map((topic, row) => [topic, { at: TOP + row * ROW + ROW / 2, height: low }]));
  const advised = new Set(D.advice.map((advice) => [...advice.topics].sort((a, b) => a - b).join()));
  // As many lines as there is room for their numbers.
  const apart = [0.05, 0.1, 0.2, 0.5].find((each) => (high - low) / each * 40 <= WIDE) ?? 1;
  for (let tick = Math.ceil(low / apart) * apart; tick <= high; tick += apart) {
    svg.append(drawing("line", { x1: across(tick), x2: across(tick), y1: TOP, y2: tall - 24 }),
      drawing("text", { x: across(tick), y: tall - 10, "text-anchor": "middle", class: "axis" }, tick.toFixed(2)));
  }
  steps.forEach(([one, other, height], k) => {
    const [a, b] = [nodes.get(one), nodes.get(other)], px = across(height);
    svg.append(drawing("path", {
      d: `M${across(a.height)} ${a.at}H${px}V${b.at}H${across(b.height)}`,
      class: advised.has([one, other].sort((p, q) => p - q).join()) ? "advised" : "",
    }));
    nodes.set(n + k, { at: (a.at + b.at) / 2, height });
  });
  return element("div", { className: "tree" }, svg, element("div", { className: "leaves", style: `--row:${ROW}px;padding-top:${TOP}px` },
    ...order.map((topic) => element("button", { title: titled(topic), onclick: () => showTopic(topic) }, titled(topic)))));
}

function drawGroups() {
  const advice = D.advice.map(({ topics, distance, words, reason }) => element("div", { className: "advice" },
    element("h2", {}, `Merge ${topics[0]} (${name(topics[0])}) and ${topics[1]} (${name(topics[1])})?`),
    element("p", {}, reason + ` Hellinger distance ${distance.toFixed(2)}.`),
    element("p", { className: "quiet" }, "As one: " + words.join(", "))));
  $("view-groups").replaceChildren(
    element("p", { className: "lead" }, "Topics joined step by step, nearest first: average linkage of the Hellinger distances of their words (0: the same words alike, 1: none in common)."),
    drawTree(),
    element("h2", { style: "margin-top:18px" }, "Merge advice"),
    ...(advice.length ? advice : [element("p", { className: "lead" }, "No two topics look like one: none are each other's nearest with words in common whose merger would keep their coherence.")]));
}

const FEW = 10;
function bars(values, told, most) {
  return drawing("svg", { viewBox: `0 0 ${values.length} 100`, preserveAspectRatio: "none", class: "bars", "aria-hidden": "true" },
    ...values.map((value, k) => drawing("rect", {
      x: k + 0.06, width: 0.88, y: 100 - 100 * Math.min(1, value / (most || 1)), height: 100 * Math.min(1, value / (most || 1)), class: D.time.documents[k] < FEW ? "few" : "",
    }, drawing("title", {}, told(k)))));
}

function drawTime() {
  const T = D.time, last = T.bins.length - 1, least = Math.min(FEW, Math.max(...T.documents)), enough = (k) => T.documents[k] >= least;
  const chart = (heading, values, told, written) => {
    // Few documents say little: they set no scale.
    const most = Math.max(...values.filter((_, k) => enough(k))), at = T.bins[values.findIndex((value, k) => value === most && enough(k))];
    return element("figure", { className: "time", tabIndex: 0, role: "img", "aria-label": `${heading}: most in ${at}, ${written(most)}` },
      element("figcaption", {}, element("b", {}, heading), element("span", { className: "share" }, `most ${written(most)}, ${at}`)),
      bars(values, told, most), element("div", { className: "ends quiet" }, element("span", {}, T.bins[0]), element("span", {}, T.bins[last])));
  };
  const topics = [...D.topics].sort((a, b) => b.share - a.share).map(({ id }) => chart(titled(id), T.means[id].map((mean) => mean ?? 0),
    (k) => `${T.bins[k]}: ${T.means[id][k] === null ? "no documents" : `${percent(T.means[id][k])} of ${count(T.documents[k])} documents`}`, percent));
  $("view-time").replaceChildren(
    element("p", { className: "lead" }, `Mean weight of each topic by ${T.unit}, over the ${count(T.dated)} of ${count(D.documents)} documents that have a date. Each topic has a scale of its own; a ${T.unit} of fewer than ${FEW} documents is pale.`),
    element("div", { className: "times" }, chart("Documents", T.documents, (k) => `${T.bins[k]}: ${count(T.documents[k])} documents`, count), ...topics));
}
