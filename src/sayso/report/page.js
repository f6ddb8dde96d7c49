"use strict";
// Values under the pointer, subsets picked out, filters, boxes that scroll, and print. The page says all of it without.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Values of a mark, beside the pointer.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  document.addEventListener("pointermove", (event) => {
    const mark = event.target instanceof Element ? event.target.closest("[data-t]") : null;
    tip.hidden = mark === null;
    if (mark === null) return;
    tip.textContent = mark.dataset.t.replaceAll("; ", "\n");
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 4))}px`;
    tip.style.top = `${Math.max(4, event.clientY - box.height - 10)}px`;
  });

  // Buttons that pick one subset out of a chart.
  for (const group of all(".picks")) {
    const marks = all("[data-s]", group.closest("figure")), buttons = all("button", group);
    group.hidden = marks.length === 0;
    for (const button of buttons) {
      const own = marks.find((mark) => mark.dataset.s === button.value);
      const painted = own && [own, ...all("*", own)].map((part) => part.getAttribute("stroke") || part.getAttribute("fill"));
      const colour = painted && painted.find((found) => found && found !== "none");
      if (colour) button.style.borderInlineStart = `.35rem solid ${colour}`;
      button.addEventListener("click", () => {
        const chosen = button.getAttribute("aria-pressed") === "true" ? null : button.value;
        for (const other of buttons) other.setAttribute("aria-pressed", String(other.value === chosen));
        for (const mark of marks) mark.classList.toggle("away", chosen !== null && mark.dataset.s !== chosen);
      });
    }
  }

  // Filters: rows whose words, figure and outcome are asked for; how many they are is said.
  const form = document.querySelector("form.filters");
  if (form) {
    const rows = all("tr[data-outcome]"), said = form.querySelector("output");
    const filter = () => {
      const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const figure = form.elements.figure.value;
      const outcomes = new Set(all("input[name=outcome]:checked", form).map((box) => box.value));
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !outcomes.has(row.dataset.outcome)
          || (figure !== "" && row.closest("section").id !== figure)
          || !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      const narrowed = shown < rows.length;
      for (const section of all("section.figure")) {
        const found = section.querySelector("tr[data-outcome]:not([hidden])");
        section.hidden = narrowed && !found;
        if (narrowed && found) found.closest("details").open = true;
      }
      said.textContent = `${shown} of ${rows.length} claims shown`;
    };
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(filter));
    // A link to a figure that is filtered away shows everything again.
    document.addEventListener("click", (event) => {
      const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
      const target = link && document.getElementById(link.getAttribute("href").slice(1));
      if (target && target.closest("[hidden]")) { form.reset(); filter(); }
    });
    filter();
  }

  // Boxes take the keyboard only where there is something to scroll.
  const boxes = all(".scroll, .chart, pre");
  const fit = () => boxes.forEach((box) => {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
  addEventListener("resize", fit);
  document.addEventListener("toggle", fit, true);
  fit();

  // On paper nothing is folded away.
  const folded = new Set();
  const unfold = () => all("details:not([open])").forEach((part) => { folded.add(part); part.open = true; });
  const fold = () => { folded.forEach((part) => { part.open = false; }); folded.clear(); };
  addEventListener("beforeprint", unfold);
  addEventListener("afterprint", fold);
})();
