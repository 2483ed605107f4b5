// Confusion matrices side by side, their difference, and the images of the cell that was clicked.
// Pointing at a cell shows it in all matrices and sends nothing; a click sends the cell, and the server the images.

import { rgb } from "../shared/colours.js";
import { element, icon } from "../shared/elements.js";
import { join, leave, pinCard, tell } from "../shared/groups.js";
import { picture } from "../shared/image_sheets.js";
import { mount } from "../shared/mount.js";
import { count, percent } from "../shared/words.js";

const FULL = 82; // per cent of the colour of the largest entry

class Confusions {
  constructor(parent) {
    this.root = element("div", { class: "confusions" });
    this.group = null;
    parent.append(this.root);
  }

  update(data, send) {
    this.send = send;
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    const same = this.data && JSON.stringify({ ...this.data, images: null }) === JSON.stringify({ ...data, images: null });
    this.data = data;
    this.group = join(data.group, this);
    if (!same) this.draw(); // else the focus stays where it is
    this.sheet();
  }

  heard() {}

  draw() {
    const d = this.data;
    const focused = this.root.getRootNode().activeElement?.dataset?.at;
    this.told = element("p", { class: "told", role: "status" });
    this.images = element("div");
    this.root.classList.toggle("wide", d.classes.some((c) => c.length > 4));
    const parts = d.matrices.map((m, at) => this.section(m, at));
    this.root.replaceChildren(element("div", { class: "all" }, ...parts), this.told, this.images);
    if (focused) this.root.querySelector(`[data-at="${focused}"]`)?.focus();
    this.point(null);
  }

  section(m, at) {
    const title = element("h4", {}, m.colour ? element("i", { style: `background:${m.colour}` }) : null, m.name,
      element("span", { class: "soft" }, m.note));
    return element("section", { "aria-label": m.name }, title, m.top ? this.ranking(m, at) : this.matrix(m, at));
  }

  matrix(m, at) {
    const { classes, cell } = this.data;
    const n = classes.length;
    const long = classes.some((c) => c.length > 2);
    const off = Math.max(1, ...m.counts.flatMap((row, i) => row.map((v, j) => (m.minus || i !== j ? Math.abs(v) : 0))));
    const grid = element("div", { class: "matrix", role: "group", "aria-label": `${m.name}, ${m.note}`,
      style: `grid-template-columns:auto auto repeat(${n},minmax(0,1fr))` },
    element("span", { class: "axis", style: `grid-row:1 / span ${n}` }, "True class"));
    for (let i = 0; i < n; i++) {
      grid.append(element("span", { class: "row", "data-row": i }, classes[i]));
      const all = m.counts[i].reduce((a, b) => a + Math.abs(b), 0);
      for (let j = 0; j < n; j++) {
        const v = m.counts[i][j];
        const chosen = cell && cell[0] === i && cell[1] === j;
        const share = m.minus || i !== j ? Math.sqrt(Math.abs(v) / off) : 0.45 * (all ? v / all : 0);
        const hue = m.minus ? (v > 0 ? m.more : m.less) : i === j ? this.data.right : this.data.wrong;
        const p = v ? 8 + (FULL - 8) * share : 0;
        const look = v ? `background:color-mix(in srgb,${hue} ${p.toFixed(1)}%,var(--st-background-color));` : "";
        grid.append(this.button(m, at, i, j, "cell" + (chosen ? " chosen" : ""),
          look + (p > 58 ? "color:#fff" : ""), v ? entry(v, m.minus) : ""));
      }
    }
    grid.append(element("span", { class: "corner" }));
    for (let j = 0; j < n; j++) {
      grid.append(element("span", { class: long ? "column long" : "column", "data-column": j }, classes[j]));
    }
    grid.append(element("span", { class: "axis below" }, "Predicted class"));
    grid.addEventListener("keydown", (e) => this.walk(e));
    const first = cell ? grid.querySelector(`[data-cell="${cell.join("-")}"]`) : grid.querySelector("button");
    first.tabIndex = 0;
    return grid;
  }

  ranking(m, at) {
    const { classes, cell } = this.data;
    if (!m.top.length) return element("p", { class: "soft" }, m.minus ? "They make the same mistakes." : "No mistake.");
    const most = Math.max(...m.top.map(([, , v]) => Math.abs(v)));
    return element("ol", { class: "ranking" }, ...m.top.map(([i, j, v]) => {
      const chosen = cell && cell[0] === i && cell[1] === j;
      const hue = m.minus ? (v > 0 ? m.more : m.less) : this.data.wrong;
      const made = this.button(m, at, i, j, chosen ? "chosen" : "", "", null);
      made.tabIndex = 0;
      made.append(element("u", { style: `width:${(100 * Math.abs(v)) / most}%;background:color-mix(in srgb,${hue} 28%,transparent)` }),
        element("span", {}, `${classes[i]} → ${classes[j]}`), element("em", {}, entry(v, m.minus)));
      return element("li", {}, made);
    }));
  }

  button(m, at, i, j, kind, style, text) {
    return element("button", {
      class: kind, style, "data-cell": `${i}-${j}`, "data-at": `${at}-${i}-${j}`, tabindex: -1, type: "button",
      "aria-label": this.words(m, i, j),
      onpointerenter: () => this.point([i, j]), onpointerleave: () => this.point(null),
      onfocus: () => this.point([i, j]), onblur: () => this.point(null),
      onclick: () => this.choose(i, j),
    }, text);
  }

  choose(i, j) {
    const cell = this.data.cell;
    this.send("cell", cell && cell[0] === i && cell[1] === j ? null : [i, j]);
  }

  walk(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const at = event.target.dataset.cell?.split("-").map(Number);
    if (!step || !at) return;
    const next = event.currentTarget.querySelector(`[data-cell="${at[0] + step[0]}-${at[1] + step[1]}"]`);
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  value(m, i, j) {
    return m.counts ? m.counts[i][j] : (m.known[`${i}-${j}`] ?? 0);
  }

  words(m, i, j) {
    const { classes } = this.data;
    const v = this.value(m, i, j);
    const what = i === j ? `${classes[i]} correctly predicted` : `${classes[i]} predicted as ${classes[j]}`;
    if (!m.minus) return `${m.name}: ${what}, ${count(v)} of ${count(m.rows[i])}`;
    const who = v > 0 ? m.names[0] : m.names[1];
    return v ? `${what}: ${count(Math.abs(v))} more by ${who}` : `${what}: as often by both`;
  }

  // The same cell in all matrices, and what it says.
  point(cell) {
    const shown = cell || this.data.cell;
    for (const b of this.root.querySelectorAll("[data-cell]")) {
      b.classList.toggle("over", !!cell && b.dataset.cell === cell.join("-"));
    }
    for (const s of this.root.querySelectorAll("[data-row]")) s.classList.toggle("lit", !!shown && +s.dataset.row === shown[0]);
    for (const s of this.root.querySelectorAll("[data-column]")) {
      s.classList.toggle("lit", !!shown && +s.dataset.column === shown[1]);
    }
    this.told.textContent = shown
      ? this.data.matrices.map((m) => this.words(m, ...shown)).join("; ") + "."
      : this.data.hint;
  }

  sheet() {
    const { cell, images, classes, colours } = this.data;
    if (!cell) return this.images.replaceChildren();
    const [i, j] = cell;
    const title = i === j ? `${classes[i]}, predicted correctly` : `${classes[i]}, predicted as ${classes[j]}`;
    const close = element("button", { class: "close", title: "Close", "aria-label": "Close", type: "button",
      onclick: () => this.send("cell", null) }, icon("close"));
    const parts = images.map((of) => {
      const shown = of.tiles.map(({ id, tile, sure }) => {
        const says = `Test image ${-1 - id}, ${percent(sure)} sure`;
        return element("button", { type: "button", title: says, "aria-label": `${says}. Show it through every model.`,
          "data-id": id, onclick: () => this.pin(id) }, picture(of.sheets, tile, 38, rgb(colours[i])));
      });
      const rest = of.total - of.tiles.length;
      return element("section", {},
        element("h4", {}, element("i", { style: `background:${of.colour}` }), of.name,
          element("span", { class: "soft" }, of.total === 1 ? "1 image" : `${count(of.total)} images`)),
        element("div", { class: "tiles" }, ...shown),
        rest > 0 ? element("p", { class: "more" }, `and ${count(rest)} more`) : null);
    });
    this.images.replaceChildren(element("div", { class: "sheet" }, element("strong", {}, title), close,
      element("div", { class: "all" }, ...parts)));
    return undefined;
  }

  // As a click on a map of the group: its card asks the server, and who follows the pin hears of it.
  pin(id) {
    const card = pinCard(this.group);
    if (card) card.pin(id);
    else tell(this.group, { pin: id }, this);
  }

  destroy() {
    leave(this.group, this);
    this.root.remove();
  }
}

// A number of images; of a difference with its sign.
function entry(v, minus) {
  if (!minus) return count(v);
  return v > 0 ? `+${v}` : v < 0 ? `−${-v}` : "0";
}

export default (given) => mount(Confusions, given);
