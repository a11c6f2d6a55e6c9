// Adds to a page that reads without it: filter, copy buttons, figures beside the pointer.
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  // Figures beside the pointer, the focus or the finger.
  const tip = document.getElementById("tip");
  let shown = null;
  function show(cell) {
    const told = cell.querySelector(".t");
    if (!told) return hide();
    shown = cell;
    tip.textContent = told.textContent;
    tip.hidden = false;
    light(cell);
    place();
  }
  function place() {
    if (!shown) return;
    const at = shown.getBoundingClientRect();
    const own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(at.left + at.width / 2 - own.width / 2, 8), innerWidth - own.width - 8);
    const above = at.top - own.height - 6;
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${above > 4 ? above : at.bottom + 6}px`;
    if (at.bottom < 0 || at.top > innerHeight) hide();
  }
  function hide() {
    if (!shown) return;
    light(null);
    shown = null;
    tip.hidden = true;
  }

  // The row and the column of the cell that is looked at.
  let lit = [];
  function light(cell) {
    lit.forEach((one) => one.classList.remove("lit"));
    lit = [];
    const table = cell && cell.closest(".links");
    if (!table) return;
    const column = cell.cellIndex;
    lit = [table, cell.parentNode.cells[0], ...all("td", cell.parentNode),
      ...[...table.rows].map((row) => row.cells[column])];
    lit.forEach((one) => one.classList.add("lit"));
  }
  const cellOf = (event) => event.target.closest && event.target.closest(".grid tbody td, .links tbody td");
  document.addEventListener("pointerover", (event) => {
    const cell = cellOf(event);
    if (cell) show(cell); else if (event.pointerType === "mouse") hide();
  });

  // The first tap of a finger tells, the second follows the link.
  let finger = false;
  let told = null;
  document.addEventListener("pointerdown", (event) => { finger = event.pointerType === "touch"; });
  document.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell) return finger && hide();
    if (finger && told !== cell && cell.querySelector("a")) {
      event.preventDefault();
      show(cell);
    }
    told = cell;
  });
  document.addEventListener("focusin", (event) => { const cell = cellOf(event); if (cell) show(cell); else hide(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", place, { passive: true, capture: true });

  // One stop of the tab key for a table; arrow keys move within it.
  const stop = (cell) => cell.querySelector("a") || cell;
  for (const table of all(".links, .grid")) {
    const cells = all("tbody td:not(.x)", table).map(stop);
    cells.forEach((one, index) => { one.tabIndex = index ? -1 : 0; });
    table.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      let cell = event.target.closest("td");
      if (!step || !cell) return;
      event.preventDefault();
      let row = cell.parentNode.rowIndex;
      let column = cell.cellIndex;
      do {
        row += step[0];
        column += step[1];
        cell = row > 0 && column > 0 && table.rows[row] && table.rows[row].cells[column];
      } while (cell && (cell.classList.contains("x") || cell.parentNode.hidden));
      if (!cell) return;
      event.target.tabIndex = -1;
      stop(cell).tabIndex = 0;
      stop(cell).focus();
    });
  }

  // Large matrices: the pixel under the pointer in words.
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const states = { p: "passed", f: "failed", e: "error", b: "blocked", s: "skipped", n: "not run" };
  const unpack = (row, at) => {
    const level = digits.indexOf(row[2 * at]) * 64 + digits.indexOf(row[2 * at + 1]);
    return level ? 1e-4 * 10 ** (((level - 1) / 4094) * 16) : 0;
  };
  const figure = (value, units) => {
    const [factor, unit] = units.find(([least]) => value >= least) || units[units.length - 1];
    return `${(value / factor).toPrecision(3)}${unit}`;
  };
  const rates = [[1e9, "GB/s"], [1e6, "MB/s"], [1e3, "kB/s"], [1, "B/s"]];
  const times = [[60, "m"], [1, "s"], [1e-3, "ms"]];
  for (const box of all(".picture")) {
    const links = JSON.parse(box.querySelector("script").textContent);
    const readout = box.nextElementSibling;
    const lines = [0, 1].map(() => box.appendChild(document.createElement("i")));
    let row = 0;
    let column = 0;
    const look = () => {
      const letter = links.letters[row][column];
      const parts = [`${links.sources[row]} → ${links.destinations[column]}`, states[letter] || "no link"];
      const rate = unpack(links.rates[row], column);
      const time = unpack(links.times[row], column);
      if (rate) parts.push(figure(rate, rates));
      if (time) parts.push(figure(time, times));
      readout.textContent = parts.join(" · ");
      const width = box.clientWidth / links.destinations.length;
      const height = box.clientHeight / links.sources.length;
      lines[0].style.cssText = `left:0;right:0;height:1px;top:${(row + 0.5) * height}px`;
      lines[1].style.cssText = `top:0;bottom:0;width:1px;left:${(column + 0.5) * width}px`;
    };
    box.addEventListener("pointermove", (event) => {
      const at = box.getBoundingClientRect();
      row = Math.min(Math.max(Math.floor(((event.clientY - at.top) / at.height) * links.sources.length), 0), links.sources.length - 1);
      column = Math.min(Math.max(Math.floor(((event.clientX - at.left) / at.width) * links.destinations.length), 0), links.destinations.length - 1);
      look();
    });
    box.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      row = Math.min(Math.max(row + step[0], 0), links.sources.length - 1);
      column = Math.min(Math.max(column + step[1], 0), links.destinations.length - 1);
      look();
    });
  }

  // Copy buttons.
  for (const box of all(".repeat")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command");
    button.addEventListener("click", async () => {
      const text = box.querySelector("pre").textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(box.querySelector("pre"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    box.append(button);
  }

  // The filter.
  const bar = document.querySelector(".filter");
  const input = document.getElementById("find");
  const output = document.getElementById("found");
  const chips = all("button[data-s]", bar);
  const named = (text, wanted) => wanted.every((word) => text.includes(word));
  const has = (node, picked) => !picked.size || [...picked].some((letter) => node.querySelector(`td.${letter}`));
  const incidents = all(".incident").map((node) => [node, node.dataset.f.toLowerCase()]);
  const rows = all(".grid tbody tr").map((node) => [node, `${node.dataset.f} ${node.closest("article").querySelector("h3").textContent}`.toLowerCase()]);
  function filter() {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const picked = new Set(chips.filter((one) => one.ariaPressed === "true").map((one) => one.dataset.s));
    for (const [node, text] of incidents)
      node.hidden = !named(text, wanted) || (picked.size > 0 && !node.dataset.s.split(" ").some((letter) => picked.has(letter)));
    let visible = 0;
    for (const [node, text] of rows) {
      node.hidden = !named(text, wanted) || !has(node, picked);
      visible += !node.hidden;
    }
    for (const table of all(".links")) {
      const heads = [...table.rows[0].cells].map((one) => one.textContent.toLowerCase());
      for (const row of [...table.rows].slice(1)) {
        const source = row.cells[0].textContent.toLowerCase();
        for (const cell of [...row.cells].slice(1)) {
          const away = wanted.length > 0 && !named(`${source} ${heads[cell.cellIndex]}`, wanted);
          cell.classList.toggle("dim", away || (picked.size > 0 && !picked.has(cell.classList[0])));
        }
      }
    }
    const active = wanted.length || picked.size;
    for (const rest of all(".rest")) rest.open = Boolean(active);
    output.textContent = active && rows.length ? `${visible} of ${rows.length} rows` : "";
  }
  const picks = chips.length > 1;
  if (picks || rows.length > 12) {
    bar.hidden = false;
    chips[0].parentNode.hidden = !picks;
    root.classList.toggle("picks", picks);
    input.addEventListener("input", filter);
    for (const chip of chips)
      chip.addEventListener("click", () => { chip.ariaPressed = String(chip.ariaPressed !== "true"); filter(); });
  }

  // A cell's link opens what explains it; print shows everything.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (!folded) return;
    folded.open = true;
    folded.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => all(".incident").forEach((one) => { one.open = true; }));
})();
