"use strict";
// Two charts over images seen: the mean of each group, with its seeds as a band.
const FIRST = [["score/"], ["g/loss", "d/loss"]];

function metrics() {
  const names = new Set(groups().flatMap((group) => Object.keys(group.curves)));
  const scores = data.keys.map(({ key }) => `score/${key}`).filter((name) => names.has(name));
  return [...scores, ...[...names].filter((name) => !scores.includes(name)).sort()];
}

function fillMetrics() {
  document.querySelectorAll("select.metric").forEach((select, index) => {
    const names = metrics();
    const wished = names.includes(select.value) ? select.value : names.find((name) => FIRST[index].some((start) => name.startsWith(start))) || names[0];
    select.replaceChildren(...names.map((name) => element("option", { value: name, textContent: name.replace("score/", "score ") })));
    select.value = wished || "";
  });
}

function traces(metric) {
  const single = find("seeds").checked;
  return chosen().filter((group) => group.curves[metric]).flatMap((group) => {
    const curve = group.curves[metric];
    const line = { color: colour(group), dash: dash(group), width: 2 };
    const mode = metric.startsWith("score/") ? "lines+markers" : "lines";
    const common = { x: curve.x, type: "scatter", showlegend: false, hoverinfo: "skip", legendgroup: group.id };
    const own = { ...common, mode, line, connectgaps: true, marker: { size: 5 }, name: escaped(`${group.id} ${group.label}`), hoverinfo: "all", hovertemplate: "%{y:.4~g}" };
    if (!curve.mean) return [{ ...own, y: curve.runs[0] }];
    const seeds = curve.runs.map((y) => ({ ...common, mode: "lines", y, connectgaps: true, opacity: 0.55, line: { ...line, width: 1 } }));
    const edge = { ...common, mode: "lines", connectgaps: true, line: { width: 0 } };
    const band = [{ ...edge, y: curve.low }, { ...edge, y: curve.high, fill: "tonexty", fillcolor: `${colour(group)}2e` }];
    return [...(single ? seeds : band), { ...own, y: curve.mean }];
  });
}

function layout(metric) {
  const axis = { gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--line"), automargin: true };
  return {
    margin: { l: 50, r: 12, t: 8, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--text") },
    hoverlabel: { bgcolor: css("--panel"), bordercolor: css("--line"), font: { color: css("--text") }, namelength: 60 },
    xaxis: { ...axis, title: { text: "images seen" }, tickformat: "~s", hoverformat: ",d" },
    yaxis: { ...axis, type: find("logarithmic").checked ? "log" : "linear" }, uirevision: metric,
  };
}

function drawCurves() {
  find("legend").replaceChildren(...chosen().map((group) => nameOf(group)));
  document.querySelectorAll("select.metric").forEach((select, index) => {
    Plotly.react(`chart-${index}`, traces(select.value), layout(select.value), { responsive: true, displaylogo: false, displayModeBar: false });
  });
}
