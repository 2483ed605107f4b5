// The plane: panels side by side, their layers, and what lets them learn, pause, step and begin anew.

import { themeOf } from "../shared/colours.js";
import { element, icon, swatch } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { arrayOf } from "./arrays.js";
import { Hand, KEYS } from "./editing.js";
import { Panel } from "./panel.js";
import { savePng } from "./save.js";

const LAYERS = [ // what can be switched: its name, what it is called, whether it is on at first, needs the quadrature
  ["ground", "Class by q(y|x)", true, false],
  ["points", "Unlabelled points", true, false],
  ["samples", "Samples of p(x|y,z)", true, false],
  ["curves", "Mean of p(x|y,z) along z", true, false],
  ["density", "Density log p(x)", false, true],
  ["posterior", "True p(y|x) in place of q(y|x)", false, true],
];
const LEAST = 120; // milliseconds that the movement to a new frame takes
const MOST = 400;

// What one has chosen outlasts a run of the page, which may draw the whole anew. `brush`: the class that a click gives; -1:
// none, a point without a label.
const KEPT = (globalThis.fewLabelsPlane ??= { brush: 0, layers: Object.fromEntries(LAYERS.map(([name, , on]) => [name, on])) });

class Plane {
  constructor(parent) {
    this.panels = new Map();
    this.layers = KEPT.layers;
    this.hovered = -1;
    this.hand = new Hand(this);
    this.root = element("section", { class: "drawn plane-view", "aria-label": "The plane" });
    this.acts = element("div", { class: "bar acts" });
    this.row = element("div", { class: "panels" });
    this.switches = element("div", { class: "bar switches" });
    this.says = element("p", { class: "soft", role: "status" });
    this.claim = element("p", { class: "claim" });
    this.spoken = element("p", { class: "spoken", "aria-live": "polite" });
    this.root.append(this.acts, this.claim, this.row, this.switches, this.spoken,
      element("p", { id: "plane-keys", hidden: true }, KEYS));
    this.root.addEventListener("transitionend", (e) => e.target === this.root && this.restyle());
    parent.append(this.root);
    this.resized = new ResizeObserver(() => this.soon());
    this.resized.observe(this.row);
    this.build();
  }

  build() {
    const act = (what, name, words) => element("button", { class: "act", type: "button", onclick: () => this.ask(what) },
      name ? icon(name) : null, words);
    this.play = element("button", { class: "act play", type: "button", onclick: () => this.ask(this.data?.playing ? "pause" : "play") });
    this.stepButton = act("step", null, "One step");
    this.reset = act("reset", null, "Reset");
    this.back = element("button", { class: "act", type: "button", title: "Ctrl+Z", onclick: () => this.undo() }, icon("undo"), "Undo");
    this.acts.append(this.play, this.stepButton, this.reset, this.back, this.says);
    for (const [name, words, , slow] of LAYERS) {
      const box = element("input", { type: "checkbox", checked: this.layers[name] });
      box.addEventListener("change", () => {
        this.layers[name] = box.checked;
        if (slow) this.askTruth();
        this.soon();
      });
      this.switches.append(element("label", {}, box, words));
    }
    this.brush = KEPT.brush;
    this.brushes = element("span", { class: "brushes", role: "radiogroup", "aria-label": "Class of the points you click or paint" });
    this.acts.append(this.brushes);
    this.root.addEventListener("keydown", (e) => {
      const k = Number(e.key) - 1;
      if (e.target.tagName !== "INPUT" && Number.isInteger(k) && k >= -1 && k < (this.data?.offered.length ?? 0)) this.take(k);
    });
    const save = element("button", { class: "act save", type: "button", onclick: () => savePng(this) }, icon("save"), "PNG");
    this.switches.append(save);
  }

  update(data, send) {
    this.send = send;
    const alike = this.data?.classes.length === data.classes.length;
    this.data = data;
    this.hand.over(data);
    this.points = arrayOf(data.points).values;
    const now = performance.now();
    const t = this.progress(now);
    if (this.last) this.takes = Math.max(LEAST, Math.min(MOST, 0.95 * (now - this.last)));
    this.last = now;
    const names = data.panels.map((panel) => panel.model);
    for (const [model, panel] of this.panels) {
      if (names.includes(model)) continue;
      panel.root.remove();
      this.panels.delete(model);
    }
    for (const [at, given] of data.panels.entries()) {
      if (!this.panels.has(given.model)) this.panels.set(given.model, new Panel((i) => this.point(i), this));
      const panel = this.panels.get(given.model);
      const stays = data.ready && given.step == null && alike; // until there is a frame of what was changed
      panel.update(stays ? { ...panel.panel, ...given } : given, t);
      const there = this.row.children[at];
      if (there !== panel.root) this.row.insertBefore(panel.root, there ?? null); // one that is moved loses the focus
    }
    this.row.style.setProperty("--panels", String(names.length));
    this.since = now;
    const done = data.settled;
    this.play.replaceChildren(icon(data.playing && !done ? "pause" : "play"), done ? "Again" : data.playing ? "Pause" : "Play");
    for (const button of [this.play, this.stepButton, this.reset]) button.disabled = !data.ready;
    this.back.disabled = !data.undo;
    if (this.says.textContent !== data.says) this.says.textContent = data.says ?? "";
    if (this.claim.textContent !== data.claim) this.claim.textContent = data.claim ?? "";
    this.drawBrushes();
    this.root.dataset.steps = data.panels.map((panel) => panel.step ?? "").join(" ");
    this.root.dataset.undo = String(data.undo);
    this.root.dataset.labelled = String(data.labelled.length);
    this.restyle();
  }

  /** Take up a class, as one takes a pen. */
  take(k) {
    KEPT.brush = k;
    this.brush = k;
    this.drawBrushes();
  }

  drawBrushes() {
    if (this.brush >= this.data.offered.length) this.brush = 0;
    const finger = matchMedia("(pointer: coarse)").matches;
    const brush = (k, words, ...shown) => element("button", { class: "act", type: "button", role: "radio", "aria-label": words,
      "aria-checked": String(k === this.brush), title: `${words}, key ${k + 1}`, onclick: () => this.take(k) }, ...shown);
    this.brushes.replaceChildren(element("span", { class: "soft" }, finger ? "Tap or drag" : "Click or drag"),
      ...this.data.offered.map(([name, colour], k) => brush(k, `Class ${name}`, swatch(colour),
        element("span", { class: "word" }, "Class"), name)), brush(-1, "No label", "No label"));
  }

  /** What a hand did on a panel: {kind, ...}, for the page to keep; the number under which the page says that it has. */
  edit(change) {
    const n = (this.edits = Math.max(Date.now(), (this.edits ?? 0) + 1));
    this.send("act", { what: "edit", ...change, n });
    return n;
  }

  undo() {
    if (this.data?.undo) this.send("act", { what: "undo", n: Date.now() });
  }

  say(words) {
    this.spoken.textContent = words;
  }

  ask(what) {
    if (what === "play" && this.data?.settled) this.send("act", { what: "again", n: Date.now() });
    else this.send("act", { what, n: Date.now() });
  }

  askTruth() {
    const wanted = this.layers.density || this.layers.posterior;
    if (wanted !== this.data?.truth) this.send("act", { what: wanted ? "truth" : "no truth", n: Date.now() });
  }

  point(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.root.dataset.hovered = String(i);
    this.soon();
  }

  progress(now) {
    return this.since == null ? 1 : Math.min(1, (now - this.since) / (this.takes ?? LEAST));
  }

  restyle() {
    this.theme = themeOf(this.root);
    this.soon();
  }

  soon() {
    this.waiting ??= requestAnimationFrame((now) => {
      this.waiting = null;
      if (!this.data) return;
      const t = this.progress(now);
      const layers = { ...this.layers, truth: this.data.truth };
      for (const panel of this.panels.values()) {
        panel.paint(t, { data: this.data, points: this.points, layers, theme: this.theme, hovered: this.hovered });
      }
      if (t < 1) this.soon();
    });
  }

  destroy() {
    this.resized.disconnect();
    cancelAnimationFrame(this.waiting);
    this.root.remove();
  }
}

export default (given) => mount(Plane, given);
