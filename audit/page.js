const search = document.getElementById("search"), outcome = document.getElementById("outcome"), count = document.getElementById("count");
const rows = [...document.querySelectorAll("tbody tr")].map(row => ({ row, text: row.textContent.toLowerCase() }));
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { row, text } of rows) {
    const told = row.dataset.outcome;
    const wanted = !outcome.value || (told ?? "").split(" ").includes(outcome.value);
    row.hidden = !(wanted && words.every(word => text.includes(word)));
    shown += !row.hidden;
  }
  for (const section of document.querySelectorAll("main section[data-table]"))
    section.hidden = (words.length || outcome.value) && !section.querySelector("tbody tr:not([hidden])");
  count.textContent = words.length || outcome.value ? `${shown} of ${rows.length} rows` : "";
}
search.addEventListener("input", filter);
outcome.addEventListener("change", filter);
addEventListener("keydown", event => {
  const typing = /INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing) { event.preventDefault(); search.focus(); search.select(); }
  if (event.key === "Escape" && document.activeElement === search) { search.value = ""; filter(); search.blur(); }
});
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const folded = target.closest("details");
  if (folded) folded.open = true;
  const hidden = target.closest("[hidden]");
  if (hidden) { search.value = ""; outcome.value = ""; filter(); }
  target.scrollIntoView({ block: "center" });
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();
for (const row of document.querySelectorAll("tr[id^=flow-]")) {
  const line = document.querySelector(`svg a[href="#${row.id}"]`);
  if (!line) continue;
  for (const [on, lit] of [["mouseenter", true], ["mouseleave", false]]) {
    row.addEventListener(on, () => line.classList.toggle("lit", lit));
    line.addEventListener(on, () => row.classList.toggle("lit", lit));
  }
}
