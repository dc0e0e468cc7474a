"use strict";
// The table of groups and, below each, of its runs.
let table = null;
const NARROW_PX = 700; // a frozen column would leave no room for the others below this width

const chip = (text, kind) => element("span", { className: `chip ${kind}`, textContent: text }).outerHTML;
const KINDS = { finished: "good", diverged: "bad", failed: "bad", damaged: "bad" };
const missingLast = { alignEmptyValues: "bottom" };

function rowsOfTable() {
  return groups().map((group) => ({
    id: group.id,
    group,
    words: [group.id, group.label, group.name, group.status, Object.keys(group.warnings).join(" ")].join(" ").toLowerCase(),
    label: data.settings.length < 2 ? group.label : group.name || group.id,
    seed: group.seeds,
    ...group,
    warnings: Object.values(group.warnings).reduce((sum, count) => sum + count, 0),
    ...Object.fromEntries(data.settings.map(({ key }) => [`setting:${key}`, group.settings[key]])),
    ...Object.fromEntries(data.keys.map(({ key }) => [`score:${key}`, group.scores[key][state.moment]?.mean ?? null])),
    _children: group.runs.map((run, index) => ({
      id: `${group.id}${index}`,
      run,
      words: [`seed ${run.seed}`, run.place, run.status, run.problem, ...run.warnings].join(" ").toLowerCase(),
      label: `${run.seed ?? ""} ${run.place}`,
      ...run,
      warnings: run.warnings.length,
      ...Object.fromEntries(data.settings.map(({ key }) => [`setting:${key}`, group.settings[key]])),
      ...Object.fromEntries(data.keys.map(({ key }) => [`score:${key}`, run.scores[key][state.moment] ?? null])),
    })),
  }));
}

function scoreCell(key) {
  return (cell) => {
    const { group, run } = cell.getData();
    if (run) return number(run.scores[key][state.moment]);
    const score = group.scores[key][state.moment];
    if (!score) return "–";
    const spread = score.std === null ? "" : ` ± ${Number(score.std.toPrecision(2))}`;
    const title = `best seed ${number(score.best)}; ` + (score.p === null ? (score.mark === "best" ? "best mean" : "not enough seeds for a test") : `p = ${score.p.toPrecision(2)} against the best mean`);
    const beside = group.beside[key].map(({ name, text, note }) => `<small title="${name} ${escaped(note)}">${name} ${escaped(text)}</small>`).join("");
    const interval = score.low === null ? `n = ${score.n}` : `[${number(score.low)}, ${number(score.high)}], best ${number(score.best)}`;
    return `<span class="score ${score.mark === "best" ? "best" : ""}" title="${title}"><b>${number(score.mean)}</b>${spread}<span class="mark">${score.mark}</span><small>${interval}</small>${beside}</span>`;
  };
}

function columnsOfTable() {
  const settings = data.settings.length < 2 ? [] : data.settings.map(({ key, name }) => ({
    title: escaped(name), headerTooltip: escaped(key), field: `setting:${key}`, sorter: "alphanum", headerFilter: "input",
    minWidth: Math.min(180, 30 + 8 * Math.max(name.length, ...groups().map((group) => String(shown(group.settings[key])).length))), formatter: (cell) => (cell.getData().run ? "" : element("span", { textContent: shown(cell.getValue()) }).outerHTML),
  }));
  const wide = innerWidth > NARROW_PX;
  const labels = groups().map((group) => (data.settings.length < 2 ? group.label : group.name));
  const width = Math.min(wide ? 340 : 200, 90 + 8 * Math.max(4, ...labels.map((label) => label.length)));
  return [
    { formatter: "rowSelection", headerSort: false, width: 34, hozAlign: "center", frozen: wide, cellClick: (_, cell) => cell.getData().run && cell.getRow().deselect() },
    { title: data.settings.length < 2 ? "configuration" : "group", field: "label", sorter: "alphanum", frozen: wide, minWidth: width, widthGrow: data.settings.length < 2 ? 2 : 0, formatter: nameCell },
    ...settings,
    ...data.keys.map(({ key, higher }) => ({
      title: `${escaped(key)} ${higher ? "↑" : "↓"}`, headerTooltip: higher ? "higher is better" : "lower is better", field: `score:${key}`,
      sorter: "number", sorterParams: missingLast, headerSortStartingDir: higher ? "desc" : "asc", hozAlign: "right", headerHozAlign: "right", minWidth: 226, formatter: scoreCell(key),
    })),
    { title: "status", field: "status", minWidth: 102, formatter: (cell) => statusCell(cell.getData()) },
    { title: "warnings", field: "warnings", sorter: "number", minWidth: groups().some(({ warnings }) => Object.keys(warnings).length) ? 150 : 108, formatter: (cell) => warningCell(cell.getData()) },
    { title: "kimg", headerTooltip: "thousands of images seen", field: "images_seen", sorter: "number", hozAlign: "right", width: 74, formatter: (cell) => number(cell.getValue() / 1000) },
    { title: "wall time", field: "wall_time_s", sorter: "number", sorterParams: missingLast, hozAlign: "right", width: 98, formatter: (cell) => cell.getData().wall_time },
    { title: "images/s", field: "images_per_second", sorter: "number", sorterParams: missingLast, hozAlign: "right", width: 98, formatter: (cell) => (cell.getValue() === null ? "–" : Math.round(cell.getValue())) },
  ];
}

function nameCell(cell) {
  const { group, run } = cell.getData();
  if (run) {
    const name = element("span", { textContent: run.seed === null ? run.place.split("/").pop() : `seed ${run.seed}`, title: run.place });
    const copies = Object.entries(run.copies).map(([what, text]) => copyButton(what, text));
    const link = run.tracker ? [element("a", { href: run.tracker, textContent: "tracker", target: "_blank", rel: "noopener" })] : [];
    return element("span", {}, name, " ", ...copies, " ", ...link);
  }
  return nameOf(group, { long: data.settings.length < 2 });
}

// A button that puts a command or a path onto the clipboard, or into a box to copy it from where there is none.
function copyButton(what, text) {
  const made = element("button", { type: "button", className: "copy", textContent: what, title: text, ariaLabel: `Copy: ${text}` });
  made.addEventListener("click", async (event) => {
    event.stopPropagation();
    try { await navigator.clipboard.writeText(text); made.textContent = "copied"; } catch { prompt("", text); }
    setTimeout(() => { made.textContent = what; }, 1200);
  });
  return made;
}

function statusCell({ group, run }) {
  if (run) return chip(run.status, KINDS[run.status] || "warn");
  return group.status.split(", ").map((part) => chip(part, KINDS[part.split(" ")[1]] || "warn")).join(" ");
}

function warningCell({ group, run }) {
  const entries = run ? run.warnings.map((kind) => [kind, ""]) : Object.entries(group.warnings);
  return entries.map(([kind, count]) => chip(count > 1 ? `${kind} ×${count}` : kind, "warn")).join(" ") || "–";
}

function filterTable() {
  const wanted = find("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row) => wanted.every((word) => row.words.includes(word));
  const within = (row) => fits(row) || (row._children || []).some((child) => wanted.every((word) => `${row.words} ${child.words}`.includes(word)));
  if (wanted.length) table.setFilter(within); else table.clearFilter();
}

function makeTable() {
  table = new Tabulator("#table", {
    data: rowsOfTable(), columns: columnsOfTable(), layout: "fitColumns", maxHeight: "70vh", placeholder: "Nothing fits the filter",
    dataTree: true, dataTreeStartExpanded: false, dataTreeFilter: false, dataTreeElementColumn: "label", dataTreeSelectPropagate: false,
    rowFormatter: nameBox, nestedFieldSeparator: false, selectableRows: true, selectableRowsCheck: (row) => !row.getData().run, selectableRowsPersistence: true, rowHeader: false, columnDefaults: { resizable: true },
  });
  table.on("tableBuilt", () => { table.selectRow([...state.chosen]); sayShown(); });
  table.on("rowSelectionChanged", (rows) => {
    const ids = new Set(rows.filter((row) => row.group).map((row) => row.id));
    if (ids.size === state.chosen.size && [...ids].every((id) => state.chosen.has(id))) return;
    choose(groups().filter((group) => ids.has(group.id)));
  });
  table.on("tableBuilt", () => reachable(table.getColumns()));
  table.on("dataFiltered", (_, rows) => sayShown(rows.length));
}

function nameBox(row) {
  const { group, run } = row.getData();
  const box = row.getElement().querySelector("input[type=checkbox]");
  if (box) box.setAttribute("aria-label", group ? `Show ${group.id}: ${group.label}` : `Seed ${run.seed}`);
}

// Titles can be reached by Tab, and sort with Enter or the space bar; a filter is named after its column.
function reachable(columns) {
  columns.forEach((column) => column.getElement().querySelector(".tabulator-header-filter input")?.setAttribute("aria-label", `Filter ${column.getField()}`));
  columns.map((column) => column.getElement()).filter((title) => title.classList.contains("tabulator-sortable")).forEach((title) => {
    title.tabIndex = 0;
    title.onkeydown = (event) => {
      if (event.target !== title || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      title.click();
    };
  });
}

function sayShown(count = groups().length) {
  find("shown").textContent = count === groups().length ? "" : `${count} of ${groups().length} configurations`;
}

function selectInTable(some) {
  table.deselectRow();
  table.selectRow(some.map((group) => group.id));
}
