"use strict";
// Parallel coordinates: the settings that differ, then the scores, one line for each run.
const SPREAD = 50; // positive settings that spread farther than this factor get a logarithmic axis

function drawParallel() {
  const runs = groups().flatMap((group) => group.runs.map((run) => ({ group, run }))).filter(({ run }) => run.status === "finished");
  const score = find("colour").value;
  const value = (entry, key) => entry.run.scores[key]?.[state.moment] ?? null;
  const complete = runs.filter((entry) => value(entry, score) !== null);
  const measured = data.keys.filter(({ key }) => complete.length && complete.every((entry) => value(entry, key) !== null));
  const settings = data.settings.map(({ key, name }) => dimension(escaped(name), complete.map(({ group }) => group.settings[key])));
  const scores = measured.map(({ key }) => ({ label: escaped(key), values: complete.map((entry) => value(entry, key)) }));
  const higher = Boolean(data.keys.find(({ key }) => key === score)?.higher);
  const dark = document.documentElement.dataset.theme === "dark"; // the best stands out from the ground
  const trace = {
    type: "parcoords", dimensions: [...settings, ...scores], labelangle: 0, labelfont: { size: 13, color: css("--text") }, tickfont: { color: css("--text") }, rangefont: { color: css("--muted") },
    unselected: { line: { color: css("--line"), opacity: 0.5 } },
    line: { color: complete.map((entry) => value(entry, score)), colorscale: "Viridis", reversescale: higher !== dark, showscale: true, colorbar: { title: { text: escaped(score), side: "right" }, thickness: 12 } },
  };
  Plotly.react("parallel", complete.length ? [trace] : [], { ...layout("parallel"), margin: { l: 110, r: 30, t: 60, b: 30 }, hovermode: false }, { responsive: true, displaylogo: false, displayModeBar: false });
}

function dimension(label, values) {
  const distinct = [...new Set(values)];
  if (!values.every((value) => typeof value === "number")) {
    distinct.sort();
    return { label, values: values.map((value) => distinct.indexOf(value)), tickvals: distinct.map((_, index) => index), ticktext: distinct.map(String), range: [-0.2, distinct.length - 0.8] };
  }
  distinct.sort((a, b) => a - b);
  const ticks = distinct.length <= 8 ? distinct : undefined;
  const logarithmic = distinct[0] > 0 && distinct[distinct.length - 1] / distinct[0] > SPREAD;
  const place = logarithmic ? Math.log10 : (x) => x;
  return { label: logarithmic && !ticks ? `log10 ${label}` : label, values: values.map(place), tickvals: ticks?.map(place), ticktext: ticks?.map(shown).map(String) };
}

function fillColours() {
  if (!find("parallel")) return;
  const names = data.keys.filter(({ key }) => groups().some((group) => group.scores[key][state.moment])).map(({ key }) => key);
  const runs = (key) => groups().reduce((sum, group) => sum + (group.scores[key][state.moment]?.n ?? 0), 0);
  names.sort((a, b) => runs(b) - runs(a));
  find("colour").replaceChildren(...names.map((name) => element("option", { value: name, textContent: name })));
  const used = names.length > 0;
  find("parallel-panel").hidden = !used;
  find("parallel-link").hidden = !used;
}
