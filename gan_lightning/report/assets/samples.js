"use strict";
// Pictures of the same noise side by side, moved through training by one slider.
let moments = [];
let playing = null;

function drawSamples() {
  const shown = chosen().filter((group) => group.pictures.length);
  const now = moments[Number(find("time").value)];
  const last = Number(find("time").value) === moments.length - 1;
  moments = [...new Set(shown.flatMap((group) => group.pictures.flatMap((strip) => strip.moments)))].sort((a, b) => a - b);
  const time = find("time");
  time.max = Math.max(0, moments.length - 1);
  time.value = now === undefined || last ? time.max : moments.filter((moment) => moment <= now).length - 1;
  find("cards").replaceChildren(...realCards(shown), ...shown.map(card));
  if (!shown.length) find("cards").append(element("p", { className: "empty", textContent: "The runs that are ticked have no pictures." }));
  [time, find("play")].forEach((control) => { control.disabled = moments.length < 2; });
  moveTo();
}

// Real images of the same number and size, once for all groups that were trained on the same ones.
function realCards(shown) {
  const places = [...new Set(shown.map((group) => group.real).filter((place) => place !== null))];
  return places.map((place) => {
    const of = shown.filter((group) => group.real === place).map((group) => group.id);
    const name = places.length === 1 ? "Real images" : `Real images of ${of.join(", ")}`;
    return element("article", { className: "card real" }, element("header", {}, name), element("img", { alt: name, src: data.real[place] }), element("footer", { textContent: "held out, where there are any" }));
  });
}

function card(group) {
  const seed = element("select", { ariaLabel: `Seed of ${group.id}` }, ...group.pictures.map((strip, index) => element("option", { value: index, textContent: `seed ${strip.seed ?? "–"}` })));
  const made = element("article", { className: "card" }, element("header", {}, nameOf(group), seed), element("img", { alt: `Samples of ${group.label}` }), element("footer"));
  made.show = (moment) => {
    const strip = group.pictures[seed.value];
    const index = Math.max(0, strip.moments.filter((known) => known <= moment).length - 1);
    made.querySelector("img").src = strip.sources[index];
    made.querySelector("footer").textContent = `at ${thousands(strip.moments[index])}`;
  };
  seed.addEventListener("change", moveTo);
  return made;
}

function moveTo() {
  const moment = moments[Number(find("time").value)];
  find("time-text").textContent = moment === undefined ? "" : thousands(moment);
  document.querySelectorAll(".card").forEach((made) => made.show?.(moment));
}

function togglePlay() {
  const time = find("time");
  if (playing !== null) { clearInterval(playing); playing = null; }
  else {
    if (time.value === time.max) time.value = 0;
    moveTo();
    playing = setInterval(() => { time.value = Number(time.value) + 1; moveTo(); if (time.value === time.max) togglePlay(); }, 450);
  }
  find("play").textContent = playing === null ? "Play" : "Pause";
}
