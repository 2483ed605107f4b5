// Dragging in latent space: one point on a plane through z, sliders for single dimensions, and the picture of every
// class, drawn here. The decoder itself runs in the browser where it is dense; else pictures of the plane are blended.

import { inkOf, themeOf } from "../shared/colours.js";
import { draggable } from "../shared/draggable.js";
import { download, element } from "../shared/elements.js";
import { bytesOf, patiently, sheetOf } from "../shared/fetched.js";
import { interleaved, paint } from "../shared/levels.js";
import { mount } from "../shared/mount.js";
import { signed } from "../shared/words.js";
import { Decoder, Field } from "./decoder.js";
import { codeAt, coordinatesOf } from "./plane.js";
import { drawPlane, picturesSheet } from "./drawing.js";

const FIRST_SLIDERS = 8;

class Pad {
  constructor(parent) {
    this.root = element("section", { class: "drawn", "aria-label": "Dragging in latent space" });
    this.root.addEventListener("transitionend", (e) => e.target === this.root && this.restyle());
    parent.append(this.root);
    this.resized = new ResizeObserver(() => this.drawPlane());
    this.version = null;
  }

  async update(data, send) {
    this.send = send;
    if (data.version === this.version) return;
    this.version = data.version;
    this.data = data;
    this.machine = null;
    this.moved = [0, 0]; // along the two directions, in standard deviations, since the start
    this.set = new Map(); // dimension -> by how much it was moved alone
    this.from(data.moved, data.set);
    this.told = JSON.stringify({ moved: data.moved, set: data.set });
    delete this.root.dataset.ready;
    this.build();
    try {
      const again = () => this.version === data.version && this.root.isConnected && this.send("again", data.version);
      const machine = data.decoder
        ? new Decoder(await patiently(() => bytesOf(data.decoder.url), again), data.decoder)
        : new Field(await patiently(() => sheetOf(data.field.url, data.grey), again), data.field, data.tile, data.reach);
      if (this.version !== data.version) return; // something else has been chosen since
      this.machine = machine;
    } catch (e) {
      this.says.textContent = `What draws the pictures did not arrive (${e.message}). Reload the page.`;
      this.version = null;
      return;
    }
    this.restyle();
    this.root.dataset.ready = data.version;
  }

  from(moved, set) {
    this.moved = [...moved];
    this.set = new Map(set.map(([d, by]) => [d, by]));
    this.compute();
  }

  compute() {
    this.z = codeAt(this.data, this.moved, this.set);
    this.xy = coordinatesOf(this.data, this.z);
  }

  build() {
    const d = this.data;
    const [h, w] = d.tile;
    this.plane = element("canvas", { tabindex: 0, role: "application", "aria-roledescription": "pad",
      "aria-label": "Plane through z. Arrow keys move the point, with Shift by larger steps." });
    this.place = element("span", { "aria-live": "polite" });
    this.tiles = d.classes.map(() => element("canvas", { class: "tile", width: w, height: h, role: "img" }));
    const figures = d.classes.map((k, i) => this.picture(k, i));
    this.says = element("p", { class: "says" }, d.says);
    const acts = element("div", { class: "bar acts" },
      element("button", { class: "act", type: "button", onclick: () => this.reset() }, "Back to the start"),
      element("button", { class: "act", type: "button", onclick: () => this.save() }, "Pictures as PNG"));
    const parts = [element("div", { class: "both" },
      element("div", {}, element("div", { class: "pad" }, this.plane),
        element("div", { class: "axis" }, element("span", {}, d.titles[0], " →  ", d.titles[1], " ↑"), this.place)),
      element("div", {}, element("div", { class: `pictures${d.classes.length === 1 ? " one" : ""}` }, ...figures), acts,
        this.says))];
    this.sliders = [];
    if (d.decoder) {
      this.box = element("div", { class: "sliders" });
      this.which = element("p", { class: "which" });
      this.more = element("button", { class: "act", type: "button", onclick: () => this.addSliders(d.order.length) });
      parts.push(this.which, this.box, element("div", { class: "bar acts" }, this.more));
      // Those that a link has moved are shown as well.
      const moved = Math.max(0, ...[...this.set.keys()].map((k) => d.order.indexOf(k) + 1));
      this.addSliders(Math.max(FIRST_SLIDERS, moved));
    }
    const focused = [...this.root.querySelectorAll(".pictures button")].indexOf(this.root.getRootNode().activeElement);
    this.root.replaceChildren(...parts);
    this.root.querySelectorAll(".pictures button")[focused]?.focus(); // the keyboard stays on the picture it pressed
    this.resized.disconnect();
    this.resized.observe(this.plane);
    this.listen();
  }

  /** One picture with its name. Where y is one of the model's variables, a button that asks for that class's plane. */
  picture(k, i) {
    const d = this.data;
    const parts = [this.tiles[i], element("span", { class: "name" }, d.names[i])];
    this.tiles[i].setAttribute("aria-label", d.names[i]);
    if (d.outlined < 0) return element("div", { class: "picture" }, ...parts);
    const chosen = i === d.outlined;
    return element("button", { class: "picture", type: "button", title: `The plane of ${d.names[i]}`,
      "aria-label": `The plane of ${d.names[i]}`, "aria-pressed": String(chosen),
      onclick: () => chosen || this.send("class", k) }, ...parts);
  }

  addSliders(until) {
    const d = this.data;
    for (const dimension of d.order.slice(this.sliders.length, until)) {
      const reach = Math.max(4, Math.ceil(Math.abs(d.start[dimension])));
      const input = element("input", { type: "range", min: -reach, max: reach, step: 0.01 });
      const value = element("output");
      const idle = d.spread[dimension] ** 2 <= 0.01;
      input.addEventListener("input", () => {
        const by = this.set.get(dimension) ?? 0;
        this.set.set(dimension, by + Number(input.value) - this.z[dimension]);
        this.soon(input);
      });
      input.addEventListener("change", () => this.tell());
      this.sliders.push({ dimension, input, value });
      this.box.append(element("label", { class: idle ? "idle" : "",
        title: `Over the images, it varies by ${d.spread[dimension].toFixed(2)}${idle ? ": it tells none apart" : ""}` },
        element("span", {}, "z", element("sub", {}, String(dimension + 1))), input, value));
    }
    this.more.hidden = this.sliders.length >= d.order.length;
    this.more.style.display = this.more.hidden ? "none" : "";
    const n = this.sliders.length;
    this.which.textContent = this.more.hidden ? "All dimensions of z, those in which the codes vary most first:"
      : d.n_codes ? `The ${n === FIRST_SLIDERS ? "eight" : n} dimensions of z in which the codes vary most:`
        : `${n} dimensions of z:`;
    this.more.textContent = `All ${d.order.length} dimensions`;
    this.showSliders(null);
  }

  listen() {
    this.unsettle?.();
    this.unsettle = draggable(this.plane, { reach: this.data.reach, at: () => this.xy, moveTo: (x, y) => this.moveTo(x, y),
      settled: () => this.tell() });
  }

  moveTo(x, y) {
    const reach = this.data.reach;
    const to = [x, y].map((v) => Math.max(-reach, Math.min(reach, v)));
    // Where a single dimension was moved, too, the plane goes through that z: only the part along it changes.
    this.moved = this.moved.map((m, a) => m + to[a] - this.xy[a]);
    this.soon(null);
  }

  soon(from) {
    this.compute();
    this.source = from;
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.show();
    });
  }

  show() {
    const d = this.data;
    if (this.machine) {
      const drawn = d.decoder
        ? this.machine.pictures(this.z, d.classes).map((levels) => interleaved(levels, d.tile))
        : this.machine.pictures(this.xy[0], this.xy[1], d.classes.map((_, i) => i));
      this.drawn = drawn;
      drawn.forEach((levels, i) => paint(this.tiles[i].getContext("2d"), levels, d.tile, this.inks[i]));
    }
    this.drawPlane();
    this.showSliders(this.source);
    this.place.textContent = `${signed(this.xy[0])}, ${signed(this.xy[1])} sd`;
  }

  showSliders(but) {
    for (const { dimension, input, value } of this.sliders) {
      if (input !== but) input.value = this.z[dimension];
      value.textContent = signed(this.z[dimension]);
    }
  }

  restyle() {
    const d = this.data;
    if (!d) return;
    this.theme = themeOf(this.root);
    this.inks = d.colours.map((colour) => inkOf(colour, this.theme));
    this.show();
  }

  drawPlane() {
    if (this.plane.clientWidth && this.theme) drawPlane(this.plane, this.data, this.xy, this.theme, this.root);
  }

  reset() {
    this.moved = [0, 0];
    this.set = new Map();
    this.soon(null);
    this.tell();
  }

  tell() { // once, when a hand lets go: for the address
    this.unsettle();
    const round = (v) => Number(v.toFixed(3));
    const set = [...this.set].map(([k, by]) => [k, round(by)]).filter(([, by]) => by !== 0);
    const now = { moved: this.moved.map(round), set };
    if (JSON.stringify(now) === this.told) return;
    this.told = JSON.stringify(now);
    this.send("put", now);
  }

  save() {
    const d = this.data;
    if (!this.drawn) return;
    const where = [...this.set].filter(([, v]) => v).map(([k]) => `z${k + 1} = ${signed(this.z[k])}`);
    const place = `At ${signed(this.xy[0])} and ${signed(this.xy[1])} sd of ${d.titles[0]} and ${d.titles[1]}`
      + `${where.length ? `, ${where.join(", ")}` : ""}.`;
    picturesSheet(d, this.drawn, `${d.caption} ${place}`).toBlob((blob) => blob && download(d.file, blob));
  }

  destroy() {
    this.resized.disconnect();
    this.unsettle?.();
    cancelAnimationFrame(this.waiting);
    this.root.remove();
  }
}

export default (given) => mount(Pad, given);
