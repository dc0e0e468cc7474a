"use strict";
// What the page shows at present; every panel reads it, and draws itself again when it changes.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
// After Okabe and Ito, told apart by the color-blind; each has a contrast of 3:1 to the panels of both themes.
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#3d96cc", "#8c6bd1", "#8a8f98"];
const FROM_BEST = { // of the scale from the best to the worst run
  light: ["#0d0887", "#6a00a8", "#b12a90", "#e16462"],
  dark: ["#f0f921", "#fca636", "#e16462", "#d6557e"],
};
const DASHES = ["solid", "dash", "dot", "dashdot"];
const TOP = 8;
const state = { section: data.sections[0] || { groups: [] }, moment: data.moment, chosen: new Set() };
const panels = new Map(); // id of a section to the function that draws the chosen groups in it
const stale = new Set(); // those that are out of sight and out of date
const visible = new Set();

const groups = () => state.section.groups;
const chosen = () => groups().filter((group) => state.chosen.has(group.id));
const color = (group) => COLORS[groups().indexOf(group) % COLORS.length];
const dash = (group) => DASHES[Math.floor(groups().indexOf(group) / COLORS.length) % DASHES.length];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const thousands = (images) => `${(images / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} kimg`;
const number = (value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(4)).toString());

const shown = (value) => (typeof value === "number" ? Number(value.toPrecision(6)).toString() : value);

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

// Runs may be called anything: what reaches a library that reads HTML is escaped.
const escaped = (text) => element("span", { textContent: text }).innerHTML;

function nameOf(group, { long = true } = {}) {
  const swatch = element("span", { className: "swatch" });
  swatch.style.background = color(group);
  return element("span", { className: "key" }, swatch, element("span", { className: "letter", textContent: group.id }), long ? group.label : group.name);
}

function best(count) {
  const key = data.keys.find(({ key }) => groups().some((group) => group.scores[key][state.moment]));
  if (!key) return groups().slice(0, count);
  const sign = key.higher ? -1 : 1;
  const mean = (group) => group.scores[key.key][state.moment]?.mean ?? null;
  const ranked = groups().filter((group) => mean(group) !== null).sort((a, b) => sign * (mean(a) - mean(b)));
  return [...ranked, ...groups().filter((group) => mean(group) === null)].slice(0, count);
}

function choose(some) {
  state.chosen = new Set(some.map((group) => group.id));
  refresh();
}

function refresh() {
  panels.forEach((_, id) => stale.add(id));
  drawVisible();
}

function drawVisible() {
  [...stale].filter((id) => visible.has(id)).forEach((id) => { stale.delete(id); panels.get(id)(); });
}

const sight = new IntersectionObserver((entries) => {
  entries.forEach(({ target, isIntersecting }) => (isIntersecting ? visible.add(target.id) : visible.delete(target.id)));
  drawVisible();
}, { rootMargin: "250px" });
