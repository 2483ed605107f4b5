// The images that a lasso holds, as a grid.
//
// Which they are, the group says; what is known of them, its maps hold. So nothing is asked of the server: the tiles are
// cut from the sheets that the map draws from, and both downloads are made here.

import { themeOf } from "../shared/colours.js";
import { download, element } from "../shared/elements.js";
import { join, leave, pinCard, tell } from "../shared/groups.js";
import { mount } from "../shared/mount.js";
import { count } from "../shared/words.js";
import { arrived, contactSheet } from "./contact_sheet.js";
import { asCsv, gathered, ORDERS, sorted } from "./selection.js";
import { beliefsInWords, drawHistogram, kindsInWords } from "./selection_summary.js";
import { Tiles } from "./tiles.js";

const FIRST = 240; // tiles at first, and how many more at a time
const MOST = 2500; // images on a contact sheet
const PACE = 200; // milliseconds between two looks at maps that keep changing

class Grid {
  constructor(parent) {
    this.root = element("section", { class: "card grid", "aria-label": "Selected images" });
    parent.append(this.root);
    this.order = "id";
    this.shown = FIRST;
    this.records = [];
    this.build();
  }

  update(data, send) {
    this.send = send;
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    this.soon();
  }

  heard(changes, from) {
    if ("hover" in changes) this.tiles.light(changes.hover, from !== this);
    if ("pin" in changes) this.tiles.mark(changes.pin);
    if ("lasso" in changes || "filter" in changes) this.soon();
    else if (Object.keys(changes).some((c) => !["hover", "pin", "near", "mode"].includes(c))) this.later();
  }

  // Every member of the group hears of a change; the maps must have, before one looks at them.
  soon() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  later() {
    this.pause ??= setTimeout(() => {
      this.pause = undefined;
      this.draw();
    }, PACE);
  }

  // --- What is selected

  maps() {
    const all = [...this.group.members].filter((m) => m.shades && m.data.sheets);
    const named = this.data.maps.map(([key]) => all.find((m) => m.data.key === key)).filter(Boolean);
    return named.length ? named : all;
  }

  nameOfMap(map) {
    const found = this.data.maps.find(([key]) => key === map.data.key);
    return found ? found[1] : "";
  }

  judged() {
    return this.sources.some(predicts);
  }

  // --- Drawing

  build() {
    this.title = element("strong", {}, "Selected images");
    this.say = element("div", { class: "say" });
    this.orders = element("select", { "aria-label": "Order", onchange: (e) => {
      this.order = e.target.value;
      this.shown = FIRST;
      this.draw();
    } });
    const action = (text, title, act) => element("button", { class: "action", title, onclick: act }, text);
    this.actions = element("div", { class: "actions" },
      this.orders,
      action("CSV", "Download a table of all of them", () => this.csv()),
      action("PNG", "Download a contact sheet", () => this.png()),
      action("Clear", "Select nothing", () => this.clear()));
    this.facts = element("div", { class: "facts" });
    this.heap = element("div", { class: "histogram" });
    this.tiles = new Tiles({ look: (id) => this.look(id), pin: (id) => this.pin(id), clear: () => this.leaveByKey() });
    this.more = element("div", { class: "more" });
    this.foot = element("p", { class: "soft foot" });
    this.body = element("div", { class: "body" }, this.facts, this.heap, this.tiles.line, this.tiles.box,
      this.more, this.foot);
    this.root.append(element("div", { class: "top" }, this.title, this.actions), this.say, this.body);
  }

  draw() {
    if (!this.root.isConnected || !this.data) return;
    this.sources = this.maps();
    const records = gathered(this.sources, this.group.lasso);
    if (this.had !== this.group.lasso) this.shown = FIRST;
    this.had = this.group.lasso;
    if (!this.judged() && ["entropy", "sure", "wrong"].includes(this.order)) this.order = "id";
    this.records = sorted(records, this.order);
    const some = records.length > 0;
    this.root.dataset.images = records.length;
    this.actions.hidden = !some;
    this.body.hidden = !some;
    this.say.hidden = some;
    if (!some) {
      this.tiles.empty();
      this.drawNothing();
      return;
    }
    this.drawOrders();
    this.drawFacts();
    drawHistogram(this.heap, this.records, this.data, this.sources.length === 1 && this.judged());
    this.drawTiles();
    this.tiles.light(this.group.hover, false);
  }

  drawNothing() {
    const inColour = this.sources.length ? this.everyVisible() : [];
    const words = this.group.lasso
      ? "The lasso holds no image that the colours and filters of the map show."
      : "Draw around points to see their images here: with the lasso button of the map, or with Shift held down; on a "
        + "touch screen, press the lasso button and draw with a finger.";
    const some = inColour.length === 1 ? "the 1 image" : `the ${count(inColour.length)} images`;
    this.say.replaceChildren(element("p", {}, words), this.group.lasso
      ? element("button", { class: "action", onclick: () => this.clear() }, "Clear the lasso")
      : inColour.length ? element("button", { class: "action", title: "All that the filters of the map leave in colour",
        onclick: () => tell(this.group, { lasso: new Set(this.everyVisible()) }, this) },
      `Select ${some} in colour`) : "");
  }

  everyVisible() {
    const ids = new Set();
    for (const { points, shades } of this.sources) {
      for (let i = 0; i < points.n; i++) if (shades.visible[i]) ids.add(points.id[i]);
    }
    return [...ids];
  }

  drawOrders() {
    const orders = Object.entries(ORDERS).filter(([o]) => this.judged() || o === "id" || o === "class");
    if (this.orders.options.length !== orders.length) {
      this.orders.replaceChildren(...orders.map(([value, name]) => element("option", { value }, name)));
    }
    this.orders.value = this.order;
  }

  drawFacts() {
    const [n, kinds] = kindsInWords(this.records);
    const lines = [element("div", {}, element("b", {}, n), kinds)];
    this.sources.forEach((map, m) => {
      if (!predicts(map)) return;
      const [name, words] = [this.nameOfMap(map), beliefsInWords(this.records, m, map.data.note)];
      if (words) lines.push(element("div", { class: "soft" }, `${name ? `${name}: ` : ""}${words}`));
    });
    this.facts.replaceChildren(...lines);
  }

  drawTiles() {
    const several = this.sources.length > 1;
    const some = this.records.slice(0, this.shown);
    const names = this.sources.map((map) => (several && this.nameOfMap(map)) || map.data.q);
    this.tiles.show(some, this.data, names, this.group.pin);
    const left = this.records.length - some.length;
    this.more.replaceChildren(left ? element("button", { class: "action", onclick: () => {
      this.shown += FIRST;
      this.draw();
    } }, `Show ${count(Math.min(FIRST, left))} more of ${count(this.records.length)}`) : "");
    this.foot.textContent = this.legend();
  }

  // What frames, strips and numbers mean.
  legend() {
    const words = ["The frame is the true class."];
    if (this.judged()) {
      words.push(this.sources.length > 1
        ? "The strip below has a part for each run, in the class it predicts; a number in the corner counts those that are wrong."
        : "An image with a wrong prediction has a cross, and the class predicted below; the line across a bar is how many "
          + "are predicted as that class.");
    }
    words.push("True classes of unlabelled images are shown for looking only: no run was told them.",
      "In the table, test image j has the id −1−j.");
    return words.join(" ");
  }

  // --- Looking, pinning

  look(id) {
    if (this.group.hover !== id) tell(this.group, { hover: id }, this);
  }

  pin(id) {
    const card = pinCard(this.group);
    if (card) card.pin(id);
    else tell(this.group, { pin: id, near: [] }, this);
  }

  clear() {
    tell(this.group, { lasso: null, hover: null }, this);
  }

  // The focus goes on to what takes the place of the tiles.
  leaveByKey() {
    this.clear();
    requestAnimationFrame(() => requestAnimationFrame(() => this.say.querySelector("button")?.focus()));
  }

  // --- To take away

  csv() {
    const several = this.sources.length > 1;
    const maps = this.sources.map((map) => ({ name: several ? this.nameOfMap(map) : "", q: map.data.q,
      note: map.data.note, judged: predicts(map) }));
    const text = asCsv(this.records, this.data.classes, maps);
    download(`${this.data.file}-selection.csv`, new Blob([text], { type: "text/csv" }));
  }

  async png() {
    const some = this.records.slice(0, MOST);
    this.tiles.line.textContent = "Drawing the contact sheet";
    await arrived(some);
    const named = this.sources.map((m) => this.nameOfMap(m) || m.data.label).filter(Boolean);
    const lines = [`${named.join(", ")}: selected images`, ...[...this.facts.children].map((line) => line.textContent)];
    if (this.records.length > some.length) {
      lines.push(`Here are the first ${count(some.length)} (${ORDERS[this.order].toLowerCase()}).`);
    }
    lines.push("Frame: true class, of unlabelled images for looking only."
      + `${this.judged() ? " Strip: predicted class." : ""}`);
    const { fontFamily } = getComputedStyle(this.root);
    contactSheet(some, lines, this.data, themeOf(this.root), fontFamily).toBlob((blob) => {
      if (blob) download(`${this.data.file}-selection.png`, blob);
      this.tiles.rest();
    });
  }

  destroy() {
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.pause);
    leave(this.group, this);
    this.root.remove();
  }
}

// Whether the run of a map predicts classes.
function predicts(map) {
  return map.data.modes.includes("right");
}

export default (given) => mount(Grid, given);
