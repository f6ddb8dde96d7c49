"use strict";
// Asks for the state of the folder every few seconds and writes it into the page; text only, never HTML.
(() => {
  const EVERY = 3000, IDLE = 30000, PATIENCE = 10000;
  const at = (id) => document.getElementById(id);
  const body = (id) => at(id).querySelector("tbody");
  let seen = null, heard = 0, chosen = null, drawn = "", width = 0, timer = 0;

  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const duration = (seconds) => {
    const whole = Math.max(0, Math.round(seconds));
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
    if (whole < 172800) return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole % 3600 / 60)).padStart(2, "0")} min`;
    return `${Math.round(whole / 86400)} days`;
  };
  const clock = (seconds) => {
    const time = new Date(Date.now() + 1000 * seconds);
    const form = seconds > 43200 ? { weekday: "short", hour: "2-digit", minute: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
    return time.toLocaleString([], form);
  };
  const since = (moved) => `${duration(seen.at - moved + (performance.now() - heard) / 1000)} ago`;

  // Rows of a table: as many as there are, the first cell of each its header. Those that are the same stay.
  const fill = (id, rows, kinds) => {
    const into = body(id);
    while (into.rows.length > rows.length) into.deleteRow(-1);
    rows.forEach((row, place) => {
      const line = into.rows[place] || into.insertRow();
      row.forEach((text, column) => {
        let cell = line.cells[column];
        if (!cell) {
          cell = make(column ? "td" : "th", undefined, kinds[column]);
          if (!column) cell.scope = "row";
          line.append(cell);
        }
        if (cell.textContent !== text) cell.textContent = text;
      });
    });
  };

  const show = () => {
    const several = seen.cells.length > 1;
    document.querySelectorAll("[data-cell]").forEach((head) => { head.hidden = !several; });
    at("folder").textContent = seen.path;
    at("bar").max = Math.max(1, seen.total);
    at("bar").value = seen.done;
    const count = (state) => seen.cells.reduce((sum, cell) => sum + cell[state].count, 0);
    const facts = [
      ["epochs of all seeds", `${seen.done} of ${seen.total}`],
      ["epochs a minute", seen.a_minute === null ? "–" : String(Number(seen.a_minute.toPrecision(3)))],
      ["done about", seen.finished ? "all finished" : seen.left === null ? "not known" : clock(seen.left)],
      ["time left", seen.left === null ? "not known" : duration(seen.left)],
      ["seeds finished", `${count("finished")} of ${seen.seeds}`],
      ["running", String(count("running"))],
      ["stopped", String(count("stopped"))],
    ];
    const list = at("facts");
    facts.forEach(([name, value], place) => {
      let fact = list.children[place];
      if (!fact) {
        fact = make("div");
        fact.append(make("dt"), make("dd"));
        list.append(fact);
      }
      if (fact.firstChild.textContent !== name) fact.firstChild.textContent = name;
      if (fact.lastChild.textContent !== value) fact.lastChild.textContent = value;
    });
    const whose = (job) => (several ? [job.cell, job.seeds] : [job.seeds]);
    const running = seen.jobs.filter((job) => job.state === "running");
    const stopped = seen.jobs.filter((job) => job.state === "stopped");
    const rest = (several ? ["cell-name", "seeds"] : [""]);
    at("running").hidden = running.length === 0;
    fill("running", running.map((job) => [
      ...whose(job), job.stage, `${job.epoch} of ${job.epochs}`, `${job.done} of ${job.total}`, since(job.moved), job.where,
    ]), [...rest, "", "number", "number", "number"]);
    at("stopped").hidden = stopped.length === 0;
    fill("stopped", stopped.map((job) => [
      ...whose(job), `${job.done} of ${job.total} epochs`, since(job.moved), job.said || "–",
    ]), [...rest, "number", "number", "said"]);
    at("go-on").textContent = seen.go_on ? `They go on with: ${seen.go_on}` : "";
    fill("cells", seen.cells.map((cell) => [
      cell.name, ...["finished", "running", "stopped", "to_do"].map((state) => cell[state].seeds || "–"),
    ]), ["", "seeds", "seeds", "seeds", "seeds"]);
    choose(several);
    curves();
  };

  // Which cell is drawn: the server's choice until a reader makes one.
  const choose = (several) => {
    at("choice").hidden = !several;
    const box = at("cell"), names = seen.cells.map((cell) => cell.name);
    if (box.options.length !== names.length || names.some((name, place) => box.options[place].text !== name))
      box.replaceChildren(...names.map((name, place) => new Option(name, String(place))));
    if (document.activeElement !== box) box.selectedIndex = names.indexOf(seen.curves.cell);
  };
  at("cell").addEventListener("change", (event) => { chosen = event.target.value; ask(); });

  const curves = () => {
    const lines = seen.curves.lines, some = lines.length > 0;
    at("nothing").hidden = some;
    at("drawn").hidden = !some;
    if (!some) return;
    const box = at("drawn").querySelector(".chart");
    const wide = Math.max(280, Math.floor(box.clientWidth - 20)), now = JSON.stringify(seen.curves);
    if (now === drawn && wide === width) return;
    drawn = now;
    width = wide;
    box.replaceChildren(picture(wide, wide < 500 ? 260 : 340));
    const rows = body("drawn");
    rows.replaceChildren(...lines.map((line) => {
      const row = make("tr"), name = make("th"), [, value, seeds, stage, epoch] = line.points.at(-1);
      name.scope = "row";
      const swatch = draw("svg", { viewBox: "0 0 32 11", class: "swatch", "aria-hidden": "true" });
      swatch.append(draw("line", { x1: 2, x2: 30, y1: 5.5, y2: 5.5, stroke: line.colour, "stroke-width": 3, "stroke-dasharray": line.dash }));
      name.append(swatch, line.subset);
      row.append(name, make("td", value.toFixed(3), "number"), make("td", `${stage} ${epoch}`, "number"), make("td", String(seeds), "number"));
      return row;
    }));
    dispatchEvent(new Event("resize"));  // boxes that scroll are found anew
  };

  const draw = (tag, attributes, text) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== "") made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const picture = (wide, high) => {
    const { stages, lines } = seen.curves;
    const left = 40, right = 12, top = 24, bottom = 40;
    const last = Math.max(1, ...stages.map((stage) => stage.to));
    const most = Math.max(0.1, ...lines.flatMap((line) => line.points.map((point) => point[1])));
    const step = most > 0.5 ? 0.2 : most > 0.25 ? 0.1 : 0.05, ceiling = Math.min(1, step * Math.ceil(most / step - 1e-9));
    const x = (place) => left + (wide - left - right) * place / last;
    const y = (value) => high - bottom - (high - top - bottom) * value / ceiling;
    const latest = lines.map((line) => `${line.subset} ${line.points.at(-1)[1].toFixed(2)}`).join(", ");
    const svg = draw("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": `Exact match on questions after each epoch. Latest: ${latest}`, "font-size": 11, fill: "#22272e" });
    for (let value = 0; value <= ceiling + 1e-9; value += step) {
      svg.append(draw("line", { x1: left, x2: wide - right, y1: y(value), y2: y(value), stroke: "#e8ebee" }));
      svg.append(draw("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(step < 0.1 ? 2 : 1)));
    }
    for (const stage of stages) {
      const middle = (x(stage.from) + x(stage.to)) / 2, epochs = stage.to - stage.from;
      svg.append(draw("text", { x: middle, y: 14, "text-anchor": "middle" }, stage.name));
      if (stage.from) svg.append(draw("line", { x1: x(stage.from), x2: x(stage.from), y1: top, y2: high - bottom, stroke: "#8b949e" }));
      const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((n) => n * (x(1) - x(0)) >= 22) || 2000;
      for (let epoch = stage.from ? every : 0; epoch <= epochs; epoch += every)
        svg.append(draw("text", { x: x(stage.from + epoch), y: high - bottom + 16, "text-anchor": "middle" }, String(epoch)));
    }
    svg.append(draw("text", { x: (left + wide - right) / 2, y: high - 8, "text-anchor": "middle" }, "epoch of the stage"));
    for (const line of lines) {
      for (const stage of stages) {
        const here = line.points.filter((point) => point[3] === stage.name);
        svg.append(draw("polyline", {
          points: here.map((point) => `${x(point[0]).toFixed(1)},${y(point[1]).toFixed(1)}`).join(" "),
          fill: "none", stroke: line.colour, "stroke-width": 2, "stroke-linejoin": "round", "stroke-dasharray": line.dash,
        }));
        for (const [place, value, seeds, name, epoch] of here)
          svg.append(draw("circle", {
            cx: x(place).toFixed(1), cy: y(value).toFixed(1), r: 3, fill: line.colour,
            "data-t": `subset: ${line.subset}; ${name}, epoch ${epoch}; exact match: ${value.toFixed(3)}; seeds: ${seeds}`,
          }));
      }
    }
    return svg;
  };

  const trouble = (text) => {
    at("trouble").hidden = !text;
    if (at("trouble").textContent !== text) at("trouble").textContent = text;
  };
  const ask = async () => {
    clearTimeout(timer);
    const mine = new AbortController(), patience = setTimeout(() => mine.abort(), PATIENCE);
    try {
      const answer = await fetch(chosen === null ? "state.json" : `state.json?cell=${chosen}`, { cache: "no-store", signal: mine.signal });
      if (!answer.ok) throw new Error(`it says ${answer.status}`);
      seen = await answer.json();
      heard = performance.now();
      trouble(seen.trouble);
      show();
    } catch (error) {
      const last = seen ? ` What is shown is ${duration((performance.now() - heard) / 1000)} old.` : "";
      trouble(`The server does not answer (${error.message}); it will be asked again.${last}`);
    }
    clearTimeout(patience);
    clearTimeout(timer);
    timer = setTimeout(ask, seen && seen.finished ? IDLE : EVERY);
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else ask(); });
  addEventListener("resize", () => { if (seen) curves(); });
  ask();
})();
