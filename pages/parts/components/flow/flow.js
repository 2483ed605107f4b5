// One image on its way through a model: what stands at each node, what one may choose there, and what follows from it.

import { inkOf, themeOf } from "../shared/colours.js";
import { draggable } from "../shared/draggable.js";
import { element } from "../shared/elements.js";
import { bytesOf, patiently, sheetOf } from "../shared/fetched.js";
import { interleaved, paint, tileOf } from "../shared/levels.js";
import { mount } from "../shared/mount.js";
import { Decoder, Field } from "../plane_pad/decoder.js";
import { codeAt, coordinatesOf } from "../plane_pad/plane.js";
import { Edges } from "./edges.js";
import { apart, columnsOf, likeliest, normal, seeded } from "./graph.js";
import { bars, drawGaussian, drawIntervals, frame, leave, spoken, tile } from "./nodes.js";

class Flow {
  constructor(parent) {
    this.root = element("section", { class: "drawn flow" });
    this.root.addEventListener("transitionend", (e) => e.target === this.root && this.restyle());
    parent.append(this.root);
    this.resized = new ResizeObserver(() => this.arrange());
    this.subject = this.version = null;
  }

  async update(data, send) {
    this.send = send;
    if (data.version === this.version) return;
    if (data.subject !== this.subject) { // what was chosen of one image means nothing for the next
      const { a, k, draw, moved } = data.chosen;
      Object.assign(this, { a, draw, moved });
      this.k = k; // the class drawn; null: the likeliest
    }
    Object.assign(this, { subject: data.subject, version: data.version, data, machine: null, exact: null });
    if (this.a >= data.q.length) this.a = 0;
    delete this.root.dataset.ready;
    const held = this.focusable().indexOf(this.root.getRootNode().activeElement);
    this.build();
    this.focusable()[held]?.focus({ preventScroll: true }); // new weights take nothing out of one's hands
    this.restyle();
    try {
      const again = () => this.version === data.version && this.root.isConnected && this.send("again", data.version);
      if (data.decoder) {
        this.machine = new Decoder(await patiently(() => bytesOf(data.decoder.url), again), data.decoder);
      } else if (data.field) {
        const [plane, exact] = await Promise.all([data.field.url, data.field.exact]
          .map((url) => patiently(() => sheetOf(url, data.grey), again)));
        this.machine = new Field(plane, data.field, data.tile, data.reach);
        this.exact = exact;
      }
    } catch (e) {
      this.says.textContent = `What draws the pictures did not arrive (${e.message}). Reload the page.`;
      this.version = null;
      return;
    }
    if (this.version !== data.version) return; // something else has been chosen since
    this.show();
    this.light("x");
    this.root.dataset.ready = data.version;
  }

  focusable() {
    return [...this.root.querySelectorAll("button, canvas[tabindex]")];
  }

  begin() { // at the mean of q(z|.)
    this.draw = 0; // the seed of the sample; 0: none, so z begins at the mean
    this.moved = [0, 0];
  }

  build() {
    const d = this.data;
    this.root.setAttribute("aria-label", d.label);
    this.unsettle?.();
    this.boxes = new Map(d.nodes.map((node) => [node.name, this[node.kind](node)]));
    const columns = columnsOf(d.nodes.map((n) => n.name), d.edges);
    this.edges?.stop();
    this.edges = new Edges(d.edges);
    this.columns = element("div", { class: "columns" }, this.edges.svg,
      ...columns.map((names) => element("div", { class: "column" }, ...names.map((name) => this.boxes.get(name)))));
    this.order = columns;
    this.says = element("p", { class: "says" }, d.says);
    this.heard = element("span", { class: "spoken", "aria-live": "polite" });
    this.root.replaceChildren(this.columns, this.says, this.heard);
    this.resized.disconnect();
    this.resized.observe(this.columns);
  }

  // The kinds of nodes

  image(node) {
    this.seen = tile(this.data.tile, node.note);
    return frame(node, this.seen);
  }

  bars(node) {
    this.classes = bars(this.data, this.data.sees_class ? (i) => this.choose(i) : null);
    this.unsure = element("p", { class: "figure" });
    return frame(node, this.classes.root, this.unsure);
  }

  intervals(node) {
    this.values = element("canvas", { class: "values", role: "img", "aria-label": node.title });
    this.which = element("p", { class: "figure" });
    this.ofA = [this.act("Mean", () => this.take(0)), this.act("Sample", () => this.take(1 + this.a % (this.data.a.length - 1)))];
    return frame(node, this.values, this.which, element("div", { class: "bar" }, ...this.ofA));
  }

  plane(node) {
    const d = this.data;
    this.pad = element("canvas", { tabindex: 0, role: "application", "aria-roledescription": "pad",
      "aria-label": `${node.title}: the sample of z. Arrow keys move it, with Shift by larger steps.` });
    this.place = element("p", { class: "figure" });
    this.ofZ = [this.act("Mean", () => this.sample(false)), this.act("Sample", () => this.sample(true))];
    this.unsettle = draggable(this.pad, { reach: d.reach, at: () => this.xy, moveTo: (x, y) => this.moveTo(x, y),
      settled: () => this.say() });
    return frame(node, element("div", { class: "gaussian" }, element("div", { class: "pad" }, this.pad),
      element("div", {}, this.place, element("div", { class: "bar" }, ...this.ofZ),
      element("p", { class: "note" }, d.plane.of, element("br"), `${d.plane.titles[0]} →, ${d.plane.titles[1]} ↑`))));
  }

  picture(node) {
    const d = this.data;
    [this.drawn, this.again] = ["This z", "Reconstruction"].map((of) => tile(d.tile, `${of}, not drawn yet`)); // paint() names them
    this.drawnSays = element("figcaption");
    this.againSays = element("figcaption");
    this.pair = element("div", { class: "pair" }, element("figure", {}, this.drawn, this.drawnSays),
      element("figure", {}, this.again, this.againSays));
    return frame(node, this.pair);
  }

  act(text, what) {
    return element("button", { class: "act", type: "button", onclick: what }, text);
  }

  /** Of the two buttons Mean and Sample, the one that is on. */
  press(two, sampled) {
    two.forEach((button, i) => button.setAttribute("aria-pressed", String(sampled === Boolean(i))));
  }

  // What one chooses

  choose(i) {
    this.k = i;
    this.show();
    this.light("y");
    this.say();
  }

  take(value) {
    this.a = value;
    this.show();
    this.light(this.data.nodes.find((n) => n.kind === "intervals").name);
    this.say();
  }

  sample(random) {
    this.begin();
    if (random) {
      this.draw = 1 + Math.floor(9999 * Math.random());
      if (!this.data.decoder) { // its pictures are of the plane through the mean, so the draw stays on it
        const { mean, z } = this.now();
        const { axes, scale } = this.data.plane;
        this.draw = 0;
        this.moved = axes.map((axis, i) => axis.reduce((sum, v, j) => sum + v * (z[j] - mean[j]), 0) / scale[i]);
      }
    }
    this.show();
    this.light("z");
    this.say();
  }

  moveTo(x, y) {
    const { reach } = this.data;
    const to = [x, y].map((v) => Math.max(-reach, Math.min(reach, v)));
    this.moved = this.moved.map((m, i) => m + to[i] - this.xy[i]);
    this.xy = to;
    this.light("z");
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.show();
    });
  }

  // What follows

  /** Which class is likeliest, which is drawn, and q(z|.) and z as they are now. */
  now() {
    const d = this.data;
    const top = likeliest(d.q[this.a]);
    const k = this.k ?? top;
    if (!d.z) return { top, k };
    const row = d.sees_y ? k : 0;
    const [mean, sd] = [d.z[this.a][row], d.z_sd[this.a][row]];
    const next = seeded(this.draw);
    const start = this.draw ? mean.map((m, i) => m + sd[i] * normal(next)) : mean;
    return { top, k, row, mean, sd, z: codeAt({ ...d.plane, start }, this.moved, []) };
  }

  show() {
    const d = this.data;
    if (!d || !this.theme) return;
    const { top, k, row, mean, sd, z } = this.now();
    if (this.classes) {
      this.classes.show(d.q[this.a], k, top);
      const over = d.a ? ` ${d.mean_q}` : "";
      this.unsure.textContent = `Entropy ${d.entropy[this.a].toFixed(2)} nats.${over}`;
    }
    if (d.a) {
      const which = this.a ? `Sample ${this.a} of ${d.a.length - 1}` : "The mean";
      this.which.textContent = `${which} goes on. sd ${Math.min(...d.a_sd).toFixed(2)} to ${Math.max(...d.a_sd).toFixed(2)}.`;
      this.values.setAttribute("aria-label", `${d.a_sd.length} dimensions. ${which} goes on.`);
      this.press(this.ofA, this.a > 0);
      if (this.values.clientWidth) drawIntervals(this.values, d.a[0], d.a_sd, d.a[this.a], this.theme);
    }
    if (!z) return;
    this.press(this.ofZ, this.draw > 0 || this.moved.some((m) => m !== 0));
    this.xy = coordinatesOf(d.plane, z);
    const centre = coordinatesOf(d.plane, mean);
    this.place.replaceChildren(`Mean ${spoken(centre)}`, element("br"), `Sample ${spoken(this.xy)}`, element("br"),
      `KL to p(z) ${d.kl[this.a][row].toFixed(2)} nats per image`);
    if (this.pad.clientWidth) drawGaussian(this.pad, d, { mean: centre, sd, xy: this.xy }, this.theme, this.root);
    this.paint(k, top, z);
  }

  paint(k, top, z) {
    const d = this.data;
    if (!this.machine) return;
    const best = d.z[this.a][d.sees_y ? top : 0]; // the reconstruction is at the mean
    const [made, again] = [this.pictureOf(z, k), this.pictureOf(Float32Array.from(best), top)];
    paint(this.drawn.getContext("2d"), made, d.tile, this.inkOf(k));
    paint(this.again.getContext("2d"), again, d.tile, this.inkOf(top));
    const as = (i) => (d.sees_class ? ` as ${d.names[i]}` : "");
    const far = (levels) => `differs from x by ${(100 * apart(levels, d.image)).toFixed(1)} %`;
    const same = made.every((v, i) => v === again[i]); // z is the mean, the class the likeliest: one picture says it
    this.pair.classList.toggle("same", same);
    this.drawnSays.textContent = same ? `Reconstruction${as(k)}, at the mean of z: ${far(made)}` : `This z${as(k)}: ${far(made)}`;
    this.againSays.textContent = `Reconstruction${as(top)}, at the mean of z: ${far(again)}`;
    this.drawn.setAttribute("aria-label", this.drawnSays.textContent);
    this.again.setAttribute("aria-label", this.againSays.textContent);
  }

  pictureOf(z, k) {
    const d = this.data;
    const of = d.sees_class ? k : 0;
    if (d.decoder) return interleaved(this.machine.pictures(z, [d.classes[of]])[0], d.tile);
    const mean = d.z[0][d.sees_y ? k : 0];
    if (mean.every((v, i) => Math.abs(v - z[i]) < 1e-6)) return tileOf(this.exact, d.tile, of, 0);
    const [x, y] = coordinatesOf(d.plane, z);
    return this.machine.pictures(x, y, [of])[0];
  }

  inkOf(k) {
    return inkOf(this.data.sees_class ? this.data.colours[k] : this.data.colour, this.theme);
  }

  say() { // once, when a hand lets go: to who listens, and for the address
    this.send("put", { k: this.k, a: this.a, draw: this.draw, moved: this.moved });
    const { k } = this.now();
    const place = this.xy ? `z at ${spoken(this.xy)}. ` : "";
    this.heard.textContent = `${place}${this.data.sees_class ? `Drawn as ${this.data.names[k]}.` : ""}`;
  }

  restyle() {
    if (!this.data) return;
    this.theme = themeOf(this.root);
    const d = this.data;
    paint(this.seen.getContext("2d"), d.image, d.tile, inkOf(d.colour, this.theme));
    this.show();
  }

  arrange() {
    this.show(); // canvases follow their boxes
    this.edges.arrange(this.boxes, this.order, getComputedStyle(this.columns).flexDirection === "column");
  }

  light(node) {
    this.edges.light(node);
  }

  destroy() {
    this.resized.disconnect();
    this.unsettle?.();
    this.edges?.stop();
    cancelAnimationFrame(this.waiting);
    leave();
    this.root.remove();
  }
}

export default (given) => mount(Flow, given);
