"use strict";
// Parallel coordinates: the settings that differ, then the scores, one line for each run.
const LETTER_PX = 7.5; // width of a letter of titles and ticks
const AXIS_PX = 110; // least distance of two axes; where that is wider than the page, the chart scrolls
const SPREAD = 50; // positive settings that spread farther than this factor get a logarithmic axis

function drawParallel() {
  const runs = groups().flatMap((group) => group.runs.map((run) => ({ group, run }))).filter(({ run }) => run.status === "finished");
  const score = find("color").value;
  const value = (entry, key) => entry.run.scores[key]?.[state.moment] ?? null;
  const complete = runs.filter((entry) => value(entry, score) !== null);
  const measured = data.keys.filter(({ key }) => complete.length && complete.every((entry) => value(entry, key) !== null));
  const settings = data.settings.map(({ key, name }) => dimension(name, complete.map(({ group }) => group.settings[key])));
  const scores = measured.map(({ key }) => ({ label: key, values: complete.map((entry) => value(entry, key)) }));
  const axes = [...settings, ...scores];
  find("parallel").style.minWidth = `${AXIS_PX * axes.length}px`;
  const room = find("parallel").clientWidth / Math.max(1, axes.length); // of a title, in pixels
  const titles = axes.map(({ label }) => lines(label, Math.max(6, Math.floor(room / LETTER_PX))));
  axes.forEach((axis, index) => { axis.label = titles[index].map(escaped).join("<br>"); });
  const left = 16 + LETTER_PX * Math.max(8, ...(axes[0]?.ticktext ?? []).map((text) => text.length)); // ticks stand left of their axis
  const top = 26 + 16 * Math.max(1, ...titles.map((title) => title.length));
  const higher = Boolean(data.keys.find(({ key }) => key === score)?.higher);
  const colors = FROM_BEST[document.documentElement.dataset.theme];
  const scale = (higher ? [...colors].reverse() : colors).map((c, index) => [index / (colors.length - 1), c]);
  const trace = {
    type: "parcoords", dimensions: axes, labelangle: 0, labelfont: { size: 13, color: css("--text") }, tickfont: { color: css("--text") }, rangefont: { color: css("--muted") },
    unselected: { line: { color: css("--line"), opacity: 0.5 } },
    line: { color: complete.map((entry) => value(entry, score)), colorscale: scale, showscale: true, colorbar: { title: { text: escaped(score), side: "right" }, thickness: 12 } },
  };
  Plotly.react("parallel", complete.length ? [trace] : [], { ...layout("parallel"), margin: { l: left, r: 30, t: top, b: 30 }, hovermode: false }, { ...CONTROLS, modeBarButtons: [["toImage"]] });
  named("parallel", `Settings and scores of ${complete.length} finished runs, a line for each, colored by ${score}`);
}

// Cut a title into lines of at most so many letters, behind a dot or an underscore where there is one.
function lines(title, letters) {
  const parts = title.split(/(?<=[._/=])/).flatMap((part) => part.match(new RegExp(`.{1,${letters}}`, "gs")) ?? []);
  const made = [""];
  parts.forEach((part) => (made[made.length - 1].length + part.length <= letters ? (made[made.length - 1] += part) : made.push(part)));
  return made.filter(Boolean);
}

function dimension(label, values) {
  const distinct = [...new Set(values)];
  if (!values.every((value) => typeof value === "number")) {
    distinct.sort();
    return { label, values: values.map((value) => distinct.indexOf(value)), tickvals: distinct.map((_, index) => index), ticktext: distinct.map(String), range: [-0.2, distinct.length - 0.8] };
  }
  distinct.sort((a, b) => a - b);
  const logarithmic = distinct[0] > 0 && distinct[distinct.length - 1] / distinct[0] > SPREAD;
  const place = logarithmic ? Math.log10 : (x) => x;
  const apart = (place(distinct[distinct.length - 1]) - place(distinct[0])) / 16; // labels closer than that would overlap
  const spaced = distinct.reduce((kept, value) => (kept.length && place(value) - place(kept[kept.length - 1]) < apart ? kept : [...kept, value]), []);
  const ticks = distinct.length <= 8 ? spaced : undefined;
  return { label: logarithmic && !ticks ? `log10 ${label}` : label, values: values.map(place), tickvals: ticks?.map(place), ticktext: ticks?.map(shown).map(String) };
}

function fillColors() {
  if (!find("parallel")) return;
  const names = data.keys.filter(({ key }) => groups().some((group) => group.scores[key][state.moment])).map(({ key }) => key);
  const runs = (key) => groups().reduce((sum, group) => sum + (group.scores[key][state.moment]?.n ?? 0), 0);
  names.sort((a, b) => runs(b) - runs(a));
  find("color").replaceChildren(...names.map((name) => element("option", { value: name, textContent: name })));
  const used = names.length > 0;
  find("parallel-panel").hidden = !used;
  find("parallel-link").hidden = !used;
}
