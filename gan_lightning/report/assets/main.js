"use strict";
// Connects the controls with the panels.
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  find("theme").textContent = theme === "dark" ? "Light" : "Dark";
}

function showSection(index) {
  state.section = data.sections[index] || { groups: [] };
  find("protocol").textContent = state.section.label ? `Only what was measured in the same way is compared here: ${state.section.label}.` : "";
  find("protocol").hidden = !state.section.label;
  fillMetrics();
  fillColors();
  state.chosen = new Set(best(TOP).map((group) => group.id));
  if (table) { table.destroy(); find("search").value = ""; }
  makeTable();
  refresh();
}

panels.set("curves", drawCurves).set("samples", drawSamples);
if (find("parallel-panel")) panels.set("parallel-panel", drawParallel);
panels.forEach((_, id) => sight.observe(find(id)));
setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
find("moment").value = state.moment;
find("section-choice").hidden = data.sections.length < 2;
find("section").replaceChildren(...data.sections.map((section, index) => element("option", { value: index, textContent: `section ${index + 1}` })));
FIRST.forEach(addChart);
showSection(0);

find("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); refresh(); });
find("section").addEventListener("change", (event) => showSection(Number(event.target.value)));
find("moment").addEventListener("change", (event) => { state.moment = event.target.value; fillColors(); table.replaceData(rowsOfTable()).then(() => table.selectRow([...state.chosen])); refresh(); });
find("search").addEventListener("input", filterTable);
find("select-top").addEventListener("click", () => selectInTable(best(TOP)));
find("select-all").addEventListener("click", () => selectInTable(groups()));
find("expand").addEventListener("click", (event) => {
  const open = event.target.getAttribute("aria-pressed") !== "true";
  event.target.setAttribute("aria-pressed", String(open));
  event.target.textContent = open ? "Close all seeds" : "Open all seeds";
  table.getRows().forEach((row) => (open ? row.treeExpand() : row.treeCollapse()));
});
["seeds", "logarithmic", "axis"].forEach((id) => find(id).addEventListener("change", drawCurves));
find("smoothing").addEventListener("input", drawCurves);
find("add-chart").addEventListener("click", () => { addChart(); drawCurves(); });
find("time").addEventListener("input", moveTo);
find("play").addEventListener("click", togglePlay);
if (find("color")) find("color").addEventListener("change", drawParallel);
