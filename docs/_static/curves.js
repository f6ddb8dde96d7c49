"use strict";
// Learning curves of a page: one measure at a time, subsets shown and hidden, numbers under the pointer and by epoch.
// Without this script all of it stands on the page: both measures, and a table of every number.
addEventListener("DOMContentLoaded", () => {
  for (const figure of document.querySelectorAll("figure.curves")) {
    const all = (selector) => [...figure.querySelectorAll(selector)];
    const rows = JSON.parse(figure.querySelector("script").textContent);
    const panels = all(".curves-panel"), measures = all(".curves-measures button");
    const slider = figure.querySelector("input"), said = figure.querySelector(".curves-said");
    const hidden = new Set();
    const number = (value) => value.toFixed(3).replace(/^(-?)0/, "$1");
    let panel = panels[0];

    // A name in the legend becomes a button.
    const names = all(".curves-keys li").map((key) => key.dataset.line);
    for (const key of all(".curves-keys li")) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(...key.childNodes);
      button.addEventListener("click", () => {
        const line = key.dataset.line;
        if (!hidden.delete(line)) hidden.add(line);
        button.setAttribute("aria-pressed", String(!hidden.has(line)));
        show();
      });
      key.append(button);
    }

    const name = (row) => `${row.stage}, epoch ${row.epoch}`;
    const moments = [...new Map(rows.map((row) => [name(row), row])).values()]
      .sort((one, other) => one.position - other.position);
    // The points of a moment: the axis, and so what is said of a point, counts epochs on over the stages.
    const points = (moment) => [...panel.querySelectorAll("[data-t]")].filter(({ dataset: { t } }) =>
      t.includes(`stage: ${moment.stage};`)
      && (t.endsWith(`epoch of all stages: ${moment.position}`) || t.endsWith(`epoch: ${moment.position}`)));

    // What all shown subsets are at the moment of the slider, and a line there.
    const tell = () => {
      const moment = moments[slider.value];
      const there = rows
        .filter((row) => row.panel === panel.dataset.panel && name(row) === name(moment))
        .filter((row) => !hidden.has(row.line))
        .sort((one, other) => other.mean - one.mean);
      const list = document.createElement("ul");
      for (const row of there) {
        const item = document.createElement("li");
        const spread = row.low === null ? "" : ` (${number(row.low)} to ${number(row.high)})`;
        item.textContent = `${row.line} ${number(row.mean)}${spread}${row.trained ? "" : ", not read yet"}`;
        list.append(item);
      }
      said.replaceChildren(`${name(moment)}: `, list);
      slider.setAttribute("aria-valuetext", name(moment));
      for (const old of all(".curves-now")) old.remove();
      const [mark] = points(moment);
      const place = mark && /translate\(([-\d.]+)/.exec(mark.getAttribute("transform") || "");
      if (!place) return;
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      for (const [key, value] of Object.entries({ class: "curves-now", x1: place[1], x2: place[1], y1: 0, y2: 280 })) {
        line.setAttribute(key, value);
      }
      mark.parentNode.prepend(line);
    };

    const show = () => {
      for (const own of panels) own.hidden = own !== panel;
      for (const button of measures) button.setAttribute("aria-pressed", String(button.value === panel.dataset.panel));
      const here = new Set(rows.filter((row) => row.panel === panel.dataset.panel).map((row) => row.line));
      for (const key of all(".curves-keys li")) key.hidden = !here.has(key.dataset.line);
      for (const mark of all("[data-s]")) mark.classList.toggle("away", hidden.has(names[mark.dataset.s]));
      tell();
    };

    for (const button of measures) {
      button.addEventListener("click", () => {
        panel = panels.find((own) => own.dataset.panel === button.value);
        show();
      });
    }
    slider.max = moments.length - 1;
    slider.value = moments.length - 1;
    slider.addEventListener("input", tell);

    // The nearest point under the pointer or finger.
    const tip = document.createElement("div");
    tip.className = "curves-tip";
    tip.hidden = true;
    figure.append(tip);
    const point = (event) => {
      let nearest = null, least = 24;
      for (const mark of panel.querySelectorAll("[data-t]:not(.away)")) {
        const box = mark.getBoundingClientRect();
        const away = Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
        if (away < least) [nearest, least] = [mark, away];
      }
      tip.hidden = nearest === null;
      if (nearest === null) return;
      tip.textContent = nearest.dataset.t.replaceAll("; ", "\n");
      const box = tip.getBoundingClientRect();
      tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 4))}px`;
      tip.style.top = `${Math.max(4, event.clientY - box.height - 10)}px`;
    };
    for (const own of panels) {
      own.addEventListener("pointermove", point);
      own.addEventListener("pointerdown", point);
      own.addEventListener("pointerleave", () => { tip.hidden = true; });
    }

    figure.classList.add("alive");
    for (const part of all(".curves-measures, .curves-moment")) part.hidden = false;
    show();
  }
});
