// From a seed to an alias. Text is put in with textContent alone: names may look like anything.
(async () => {
  const at = (id) => document.getElementById(id);
  if (!at("drill-index")) return;
  const { parts, constants } = JSON.parse(at("drill-index").textContent);
  const packed = document.querySelectorAll("script.drill-data");
  const choices = { part: at("drill-part"), subset: at("drill-subset"), which: at("drill-which"), alias: at("drill-alias") };
  const shown = at("drill-shown"), read = new Map();

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const numbers = (text) => Array.from(text, (letter) => {
    const code = letter.codePointAt(0);
    return code < 0xD800 ? code - 48 : code - 48 - 0x800;
  });

  // Data of a part: inflated when it is first looked at, aliases as objects.
  const load = async (place) => {
    if (!read.has(place)) {
      const bytes = Uint8Array.from(atob(packed[place].textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      read.set(place, unpack(JSON.parse(await new Response(stream).text())));
    }
    return read.get(place);
  };
  const unpack = (data) => {
    for (const subset of data.subsets) {
      const columns = Object.fromEntries(["entity", "named", "questions", "documents"].map((name) => [name, numbers(subset[name])]));
      const said = subset.said.map(numbers);
      let start = 0;
      subset.aliases = subset.aliases.map((name, row) => {
        const questions = data.lists[columns.questions[row]];
        const after = said.map((all) => all.slice(start, start + questions.length));
        start += questions.length;
        return {
          name, questions, after,
          entity: data.entities[columns.entity[row] - 1], named: data.entities[columns.named[row] - 1],
          documents: data.lists[columns.documents[row]],
        };
      });
    }
    return data;
  };

  const answer = (data, question, code) => {
    if (code === constants.notAsked) return null;
    if (code === constants.first) return { text: data.questions[question][2][0], right: true };
    const [text, right] = data.said[code - 2];
    return { text, right: right === 1 };
  };
  const score = (data, alias) => {
    const last = alias.after[data.stages.length - 1] ?? [];
    const found = last.map((code, place) => answer(data, alias.questions[place], code)).filter((each) => each);
    return { right: found.filter((each) => each.right).length, of: found.length };
  };

  const signed = (value) => value === null ? "–" : (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(3);
  const fill = (select, items, chosen) => {
    select.replaceChildren(...items.map(([value, text]) => Object.assign(make("option", text), { value })));
    select.value = items.some(([value]) => value === chosen) ? chosen : items[0]?.[0] ?? "";
  };
  const several = new Set(parts.map((part) => part.cell)).size > 1, deals = parts.some((part) => part.deal);
  const title = (part) => (several ? part.cell + ", " : "") + "seed " + part.seed + (deals ? ", deal " + part.deal : "")
    + (part.gap ? " (" + part.gap.map(signed).join(", ") + ")" : "");
  const here = () => {
    const part = parts[Number(choices.part.value)];
    return "#drill?" + new URLSearchParams({
      cell: part.cell, seed: part.seed, deal: part.deal, subset: choices.subset.value, alias: choices.alias.value,
    });
  };

  // Each choice fills what comes after it, and keeps what was chosen there where it is still there.
  const showPart = async (wanted = {}) => {
    const data = await load(Number(choices.part.value));
    const names = data.subsets.map((subset) => subset.name);
    const usual = names.includes("D5cons") ? "D5cons" : names[0];
    const kept = names.includes(choices.subset.value) ? choices.subset.value : usual;
    fill(choices.subset, names.map((name) => [name, name]), wanted.subset ?? kept);
    await showSubset(wanted);
  };
  const showSubset = async (wanted = {}) => {
    const data = await load(Number(choices.part.value));
    const subset = data.subsets.find((each) => each.name === choices.subset.value);
    const scored = (subset?.aliases ?? []).map((alias) => ({ alias, ...score(data, alias) }));
    const which = wanted.alias !== undefined ? "all" : choices.which.value;
    choices.which.value = which;
    const listed = scored.filter((each) => which === "all" || (which === "right") === (each.right === each.of));
    listed.sort((one, other) => one.right / (one.of || 1) - other.right / (other.of || 1));
    fill(choices.alias, listed.map(({ alias, right, of }) => [
      alias.name,
      alias.name + (alias.entity !== undefined && alias.entity !== alias.name ? " · " + alias.entity : "") + (of ? " · " + right + " of " + of + " right" : ""),
    ]), wanted.alias ?? choices.alias.value);
    await showAlias();
  };
  const showAlias = async () => {
    const data = await load(Number(choices.part.value));
    const subset = data.subsets.find((each) => each.name === choices.subset.value);
    const alias = subset?.aliases.find((each) => each.name === choices.alias.value);
    shown.replaceChildren(...(alias ? describe(data, subset, alias) : [make("p", "No alias here answers that.")]));
  };

  const describe = (data, subset, alias) => {
    const parts = [make("h3", alias.name)], facts = make("ul");
    if (alias.entity !== undefined) {
      facts.append(make("li", alias.entity === alias.name
        ? "Is asked about under its own name."
        : "Stands for " + alias.entity + ": questions about it are about " + alias.entity + "."));
      facts.append(make("li", alias.named === undefined || subset.source === null
        ? "No source defines it."
        : "The source '" + subset.source + "' says, in " + subset.group + ", that it stands for " + alias.named + ", which is "
          + (alias.named === alias.entity ? "right." : "wrong.")));
    } else if (subset.source !== null) {
      facts.append(make("li", "The source '" + subset.source + "' defines it, in " + subset.group + "."));
    }
    parts.push(facts);
    if (alias.entity !== undefined) parts.push(...documents(data, alias));
    parts.push(...questions(data, alias));
    const link = Object.assign(make("a", "Link to this alias"), { href: here() }), line = make("p", undefined, "small");
    line.append(link);
    parts.push(line);
    return parts;
  };
  const table = (label, heads, rows) => {
    const holder = make("div", undefined, "scroll"), whole = make("table"), head = make("thead"), body = make("tbody");
    Object.assign(holder, { tabIndex: 0 }).setAttribute("role", "region");
    holder.setAttribute("aria-label", label);
    const first = make("tr");
    for (const text of heads) first.append(Object.assign(make("th", text), { scope: "col" }));
    head.append(first);
    for (const cells of rows) {
      const row = make("tr");
      row.append(...cells);
      body.append(row);
    }
    whole.append(head, body);
    holder.append(whole);
    return [make("h4", label), holder];
  };
  const documents = (data, alias) => {
    const label = "Documents it is trained on";
    if (!alias.documents.length) return [make("h4", label), make("p", "None.", "small soft")];
    return table(label, ["part", "kind", "document"], alias.documents.map((number) => {
      const [part, kind, text] = data.documents[number];
      return [make("td", part), make("td", kind), make("td", text.join(alias.name), "document")];
    }));
  };
  const questions = (data, alias) => {
    const order = alias.questions.map((_, place) => place);
    order.sort((one, other) => data.questions[alias.questions[one]][0] - data.questions[alias.questions[other]][0]);
    const heads = ["question", "accepted", ...data.stages.map((stage) => "said after " + stage), "evaluation set"];
    return table("Questions that are asked", heads, order.map((place) => {
      const [set, prompt, accepted] = data.questions[alias.questions[place]];
      const cells = [make("td", prompt.join(alias.name), "document"), make("td", accepted.join(" | "))];
      data.stages.forEach((_, stage) => {
        const found = answer(data, alias.questions[place], alias.after[stage][place]), cell = make("td");
        if (found) {
          cell.append(make("span", found.right ? "✓ right: " : "✗ wrong: ", "outcome " + (found.right ? "holds" : "fails")));
          cell.append(make("span", found.text === "" ? "(nothing)" : found.text));
        } else cell.textContent = "not asked";
        cells.push(cell);
      });
      cells.push(make("td", data.evalSets[set]));
      return cells;
    }));
  };

  // What is said of a seed that a link names and the page does not hold.
  const notHere = (wanted) => {
    const there = constants.leftOut.find(([cell, seed]) => String(seed) === wanted.seed
      && (wanted.cell === undefined || cell === wanted.cell));
    if (!there) return "The link names a seed that is not in this page.";
    return `Seed ${there[1]} is not in this page: sayso report ${constants.folder} --seeds ${there[1]}-${there[1]} `
      + "writes the page with this seed instead.";
  };

  // A link chooses: what it does not name stays, or is the first.
  const follow = async () => {
    if (!location.hash.startsWith("#drill?")) return false;
    const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice("#drill?".length)));
    const place = parts.findIndex((part) => (wanted.cell === undefined || part.cell === wanted.cell)
      && String(part.seed) === wanted.seed && String(part.deal) === (wanted.deal ?? "0"));
    if (place >= 0) choices.part.value = String(place);
    await showPart(place >= 0 ? wanted : {});
    if (place < 0) shown.prepend(make("p", notHere(wanted)));
    at("drill").scrollIntoView();
    return true;
  };

  at("drill-down").hidden = false;
  if (typeof DecompressionStream === "undefined") {
    shown.textContent = "This browser cannot unpack the data (it has no DecompressionStream); a newer one can.";
    return;
  }
  fill(choices.part, parts.map((part, place) => [String(place), title(part)]), "0");
  const chosen = (show) => async () => {
    await show();
    history.replaceState(null, "", here());
  };
  choices.part.addEventListener("change", chosen(() => showPart()));
  choices.subset.addEventListener("change", chosen(() => showSubset()));
  choices.which.addEventListener("change", chosen(() => showSubset()));
  choices.alias.addEventListener("change", chosen(showAlias));
  addEventListener("hashchange", follow);
  if (!await follow()) await showPart();

  // A dot of the chart of gaps is a seed.
  document.addEventListener("click", (event) => {
    const seed = event.target.closest?.("#chart-gap-by-seed [data-seed]")?.dataset.seed;
    if (seed !== undefined)
      location.hash = "#drill?" + new URLSearchParams({ seed, subset: choices.subset.value });
  });
})();
