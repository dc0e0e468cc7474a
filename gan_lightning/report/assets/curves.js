"use strict";
// Charts of any scalar: the mean of each group, with its seeds as a band.
const FIRST = [["score/"], ["g/loss", "d/loss"]];
const CONTROLS = {
  responsive: true, displaylogo: false, displayModeBar: true,
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  toImageButtonOptions: { format: "svg", filename: "gan-compare" },
};
const AXES = { images_seen: "images seen", steps: "discriminator updates", wall_time_s: "hours of training" };

const charts = () => [...document.querySelectorAll("figure.plot")];

function metrics() {
  const names = new Set(groups().flatMap((group) => Object.keys(group.curves)));
  const scores = data.keys.map(({ key }) => `score/${key}`).filter((name) => names.has(name));
  return [...scores, ...[...names].filter((name) => !scores.includes(name)).sort()];
}

function fillMetrics() {
  const names = metrics();
  charts().forEach((chart, index) => {
    const select = chart.querySelector("select");
    const first = names.find((name) => (FIRST[index] ?? []).some((start) => name.startsWith(start)));
    const wished = names.includes(select.value) ? select.value : first || names[index % Math.max(1, names.length)];
    select.replaceChildren(...names.map((name) => element("option", { value: name, textContent: name.replace("score/", "score ") })));
    select.value = wished || "";
  });
}

function addChart() {
  const number = charts().length + 1;
  const select = element("select", { className: "metric", ariaLabel: `Scalar of chart ${number}` });
  const remove = element("button", { type: "button", className: "remove", textContent: "Remove", ariaLabel: `Remove chart ${number}` });
  const made = element("figure", { className: "plot" }, element("div", { className: "bar" }, select, remove), element("div", { className: "chart" }));
  const taken = charts().map((chart) => chart.querySelector("select").value);
  find("charts").append(made);
  fillMetrics();
  if (number > FIRST.length) select.value = metrics().find((name) => !taken.includes(name)) ?? select.value;
  select.addEventListener("change", drawCurves);
  remove.addEventListener("click", () => { Plotly.purge(made.querySelector(".chart")); made.remove(); });
}

// Numbers of a packed array, as plotly.js would read them.
function unpacked({ dtype, bdata }) {
  const bytes = Uint8Array.from(atob(bdata), (letter) => letter.charCodeAt(0));
  return Array.from(dtype === "f8" ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer));
}

// Positions on the chosen axis; the time of a position lies between those of the logged rows around it.
function positions(group, x) {
  const axis = find("axis").value;
  if (axis === "images_seen") return x;
  const images = unpacked(x);
  if (axis === "steps") return images.map((seen) => (group.batch_size ? seen / group.batch_size : null));
  const [known, hours] = [unpacked(group.clock.x), unpacked(group.clock.hours)];
  return images.map((seen) => {
    if (known.length < 2) return hours[0] ?? null;
    const later = known.findIndex((place) => place >= seen);
    const after = Math.max(1, later < 0 ? known.length - 1 : later);
    const share = (seen - known[after - 1]) / (known[after] - known[after - 1]);
    return hours[after - 1] + share * (hours[after] - hours[after - 1]);
  });
}

// Exponential moving average without the bias of its begin: a value is a mean over those up to it.
function smoothed(y) {
  const weight = Number(find("smoothing").value);
  if (weight === 0) return y;
  let [sum, total] = [0, 0];
  return unpacked(y).map((value) => {
    if (!Number.isFinite(value)) return null;
    [sum, total] = [weight * sum + value, weight * total + 1];
    return sum / total;
  });
}

function traces(metric) {
  const onePosition = onlyPosition(metric) !== null; // of which a line would not be seen
  const single = find("seeds").checked;
  return chosen().filter((group) => group.curves[metric]).flatMap((group) => {
    const curve = group.curves[metric];
    const line = { color: color(group), dash: dash(group), width: 2 };
    const mode = metric.startsWith("score/") || onePosition ? "lines+markers" : "lines";
    const common = { x: positions(group, curve.x), type: "scatter", showlegend: false, hoverinfo: "skip", legendgroup: group.id };
    const own = { ...common, mode, line, connectgaps: true, marker: { size: 5 }, name: escaped(`${group.id} ${group.label}`), hoverinfo: "all", hovertemplate: "%{y:.4~g}" };
    if (!curve.mean) return [{ ...own, y: smoothed(curve.runs[0]) }];
    const seeds = curve.runs.map((y) => ({ ...common, mode: "lines", y: smoothed(y), connectgaps: true, opacity: 0.55, line: { ...line, width: 1 } }));
    const edge = { ...common, mode: "lines", connectgaps: true, line: { width: 0 } };
    const band = [{ ...edge, y: smoothed(curve.low) }, { ...edge, y: smoothed(curve.high), fill: "tonexty", fillcolor: `${color(group)}2e` }];
    return [...(single ? seeds : band), { ...own, y: smoothed(curve.mean) }];
  });
}

// What a score is set beside, as a dotted line over the width of the chart; equal ones once.
function referenceTraces(metric, drawn) {
  const key = metric.startsWith("score/") ? metric.slice("score/".length) : null;
  const all = chosen().flatMap((group) => group.beside[key] ?? []);
  const places = drawn.flatMap(({ x }) => (Array.isArray(x) ? x : unpacked(x))).filter(Number.isFinite);
  if (!places.length) return [];
  const x = [Math.min(...places), Math.max(...places)];
  return [...new Map(all.map((beside) => [`${beside.name} ${beside.value}`, beside])).values()].map(({ name, value, text, note }) => ({
    x, y: [value, value], type: "scatter", mode: "lines+text", text: [name, ""], textposition: "top right", textfont: { color: css("--muted"), size: 11 },
    line: { color: css("--muted"), dash: "dot", width: 1.5 }, showlegend: false, name: escaped(`${name} ${text} ${note && `(${note})`}`), hoverinfo: "name", cliponaxis: false,
  }));
}

// The position of the chosen groups, where they have a single one: an axis around it would count thousandths.
function onlyPosition(metric) {
  const drawn = chosen().filter((group) => group.curves[metric]);
  if (drawn.some((group) => group.curves[metric].x.bdata.length > 12)) return null; // of eight bytes in base64
  const places = new Set(drawn.flatMap((group) => {
    const x = positions(group, group.curves[metric].x);
    return Array.isArray(x) ? x : unpacked(x);
  }));
  return places.size === 1 ? [...places][0] : null;
}

function layout(metric) {
  const axis = { gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--line"), automargin: true };
  const only = onlyPosition(metric);
  return {
    margin: { l: 50, r: 12, t: 28, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", hovermode: "x unified",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css("--text") },
    hoverlabel: { bgcolor: css("--panel"), bordercolor: css("--line"), font: { color: css("--text") }, namelength: 60 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--muted"), activecolor: css("--accent") },
    xaxis: { ...axis, title: { text: AXES[find("axis").value] }, tickformat: "~s", hoverformat: find("axis").value === "wall_time_s" ? ".3~g" : ",d", ...(only === null ? {} : { range: [0, 2 * only || 1] }) },
    yaxis: { ...axis, type: find("logarithmic").checked ? "log" : "linear" }, uirevision: `${metric} ${find("axis").value}`,
  };
}

// What a screen reader says of a drawing.
function named(drawing, text) {
  const place = typeof drawing === "string" ? find(drawing) : drawing;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", text);
}

function drawCurves() {
  find("legend").replaceChildren(...chosen().map((group) => nameOf(group)));
  charts().forEach((chart) => {
    const [metric, place] = [chart.querySelector("select").value, chart.querySelector(".chart")];
    const drawn = traces(metric);
    Plotly.react(place, [...drawn, ...referenceTraces(metric, drawn)], layout(metric), CONTROLS);
    named(place, `${metric} over ${AXES[find("axis").value]}, ${chosen().length} configurations: ${chosen().map((group) => group.id).join(", ")}`);
  });
}
