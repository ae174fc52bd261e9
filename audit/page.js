const search = document.getElementById("search"), count = document.getElementById("count"), bar = document.querySelector("nav");
const choices = Object.fromEntries(["framework", "stack", "outcome", "severity"].map(name => [name, document.getElementById(name)]));
const rows = [...document.querySelectorAll("main tbody tr")].map(row => ({ row, text: row.textContent.toLowerCase() }));
function chosen(row) {
  const { framework, stack, outcome, severity } = choices;
  // The stack and the outcome must be those of one and the same place.
  const places = (row.dataset.places ?? ":").split(" ").map(place => place.split(":"));
  return (!framework.value || row.dataset.framework === framework.value)
    && (!severity.value || row.dataset.severity === severity.value)
    && places.some(([at, told]) => (!stack.value || at === stack.value) && (!outcome.value || told === outcome.value));
}
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const filtered = words.length > 0 || Object.values(choices).some(choice => choice.value);
  let shown = 0;
  for (const { row, text } of rows) {
    row.hidden = !(chosen(row) && words.every(word => text.includes(word)));
    shown += !row.hidden;
  }
  for (const section of document.querySelectorAll("main section[data-table]"))
    section.hidden = filtered && !section.querySelector("tbody tr:not([hidden])");
  count.textContent = filtered ? `${shown} of ${rows.length} rows` : "";
}
function unfilter() {
  search.value = "";
  for (const choice of Object.values(choices)) choice.value = "";
  filter();
}
search.addEventListener("input", filter);
for (const choice of Object.values(choices)) choice.addEventListener("change", filter);
addEventListener("keydown", event => {
  const typing = /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); search.focus(); search.select(); }
  if (event.key === "Escape" && document.activeElement === search) { search.value = ""; filter(); search.blur(); }
});
// Where a target comes to rest is in the style sheet, so that the browser's own way to an address's target ends there too.
const measure = () => document.documentElement.style.setProperty("--bar", `${getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0}px`);
addEventListener("resize", measure);
measure();
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const folded = target.closest("details");
  if (folded) folded.open = true;
  if (target.closest("[hidden]")) unfilter();
  target.scrollIntoView({ block: "start", behavior: "instant" });
}
addEventListener("hashchange", reveal);
document.addEventListener("click", event => {
  const link = event.target.closest('a[href^="#"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.outcome) {
    unfilter();
    choices.framework.value = link.dataset.framework;
    choices.outcome.value = link.dataset.outcome;
    filter();
  }
  // A click on the link to where one is changes no hash.
  if (link.getAttribute("href") === location.hash) reveal();
  else location.hash = link.getAttribute("href");
});
if (location.hash) reveal();
for (const row of document.querySelectorAll("tr[id^=flow-]")) {
  const line = document.querySelector(`svg a[href="#${row.id}"]`);
  if (!line) continue;
  for (const [on, lit] of [["mouseenter", true], ["mouseleave", false]]) {
    row.addEventListener(on, () => line.classList.toggle("lit", lit));
    line.addEventListener(on, () => row.classList.toggle("lit", lit));
  }
}
