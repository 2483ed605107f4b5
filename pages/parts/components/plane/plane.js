// The plane: panels side by side, their layers, and what lets them learn, pause, step and begin anew.

import { themeOf } from "../shared/colours.js";
import { element, icon, swatch } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { arrayOf, nearest } from "./arrays.js";
import { Film } from "./film.js";
import { Hand, KEYS } from "./editing.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { saveButton } from "./save.js";

const LAYERS = [ // what can be switched: its name, what it is called and whether it is on at first; what it is
  ["ground", "Class q(y|x)", true, "The colour is the likeliest class, its strength how sure q(y|x) is"],
  ["points", "Unlabelled points", true, ""],
  ["samples", "Samples of p(x|y,z)", true, "Crosses"],
  ["curves", "Mean along z", true, "Lines: the mean of p(x|y,z) as z moves"],
];
const TRUE = [ // by quadrature
  ["density", "log p(x)", false, "Lines of equal log p(x), of the model as it is"],
  ["posterior", "p(y|x)", false, "A line over q(y|x): where p(y|x) = p(x,y) / p(x) has no likeliest class"],
  ["conditional", "p(z|x,y)", false, "Beside q(z|x,y) in the space of z, of the point last pointed at"],
  ["gap", "gap of the bound", false, "How far the bound lies below log p(x) at some of the points: the area of a bubble, nats"],
];
const QUADRATURE = ["density", "posterior", "gap"]; // of the plane as a whole; p(z|x,y) is asked for point by point
const BELOW = [["objective", "J in its terms", false, "In place of the space of z, nats per point: each is the mean of the steps since the picture before"]];
const REST = 150; // milliseconds that the mouse rests on a point before its p(z|x,y) is asked for
const RECENT = 12_000; // milliseconds after a key within which panels that are drawn anew have its focus and cursor again
const LEAST = 120; // milliseconds that the movement to a new frame takes
const MOST = 400;

// What one has chosen outlasts a run of the page, which may draw the whole anew. `brush`: the class that a click gives; -1:
// none, a point without a label.
const KEPT = (globalThis.fewLabelsPlane ??= { brush: 0, layers: Object.fromEntries([...LAYERS, ...TRUE, ...BELOW].map(([name, , on]) => [name, on])) });

class Plane {
  constructor(parent) {
    this.panels = new Map();
    this.layers = KEPT.layers;
    this.film = (KEPT.film ??= new Film());
    this.hovered = -1;
    this.hand = new Hand(this);
    this.outbox = new Outbox();
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
    this.back = element("button", { class: "act back", type: "button", title: "Ctrl+Z", onclick: () => this.undo() }, icon("undo"), "Undo");
    this.acts.append(this.play, this.stepButton, this.reset, this.back, this.says);
    const box = ([name, words, , says]) => {
      const input = element("input", { type: "checkbox", checked: this.layers[name] });
      input.addEventListener("change", () => {
        this.layers[name] = input.checked;
        this.askTruth();
        this.askPoint(this.hovered, 0);
        this.soon();
      });
      return element("label", says ? { title: says } : {}, input, words);
    };
    this.switches.append(...LAYERS.map(box), element("span", { class: "group", role: "group", "aria-label": "True, by quadrature" },
      element("span", { class: "soft" }, "True"), ...TRUE.map(box)), ...BELOW.map(box));
    this.brush = KEPT.brush;
    this.brushes = element("span", { class: "brushes", role: "radiogroup", "aria-label": "Class of the points you click or paint" });
    this.acts.append(this.brushes);
    this.root.addEventListener("keydown", (e) => {
      const k = Number(e.key) - 1;
      if (e.target.tagName !== "INPUT" && Number.isInteger(k) && k >= -1 && k < (this.data?.offered.length ?? 0)) this.take(k);
    });
    this.switches.append(saveButton(this));
  }

  update(data, send) {
    this.send = send;
    const same = data.points.base64 === this.data?.points.base64;
    const alike = this.data?.classes.length === data.classes.length;
    this.data = data;
    this.outbox.done(data.acted ?? []);
    if (!data.recorded) this.film.add(data);
    this.root.classList.toggle("recorded", Boolean(data.recorded));
    this.hand.pending.over(data);
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
      panel.update(stays && panel.panel ? panel.panel : given, t);
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
    const claim = data.claim || (same ? this.claim.textContent : "");
    if (this.claim.textContent !== claim) this.claim.textContent = claim;
    this.drawBrushes();
    if (this.layers.conditional && 2 * data.point >= this.points.length) this.askPoint(-1, 0); // of other points
    this.root.dataset.steps = data.panels.map((panel) => panel.step ?? "").join(" ");
    this.root.dataset.point = String(Math.max(-1, ...[...this.panels.values()].map(({ panel }) => panel.point ?? -1)));
    this.root.dataset.truth = String([...this.panels.values()].some(({ panel }) => panel.log_p));
    this.root.dataset.undo = String(data.undo);
    this.root.dataset.labelled = String(data.labelled.length);
    this.restyle();
    this.takeUp();
  }

  /** A key was pressed on this panel; null: it has lost the focus to something else. */
  keyed(panel) {
    KEPT.keys = panel && { model: panel.panel.model, cursor: this.hand.cursor, at: performance.now() };
  }

  /** Where the panels have just been drawn anew, as a whole, the keys go on where they were. */
  takeUp() {
    const { keys } = KEPT;
    if (!keys || this.hand.panel || document.activeElement !== document.body || performance.now() - keys.at > RECENT) return;
    this.hand.cursor = keys.cursor;
    this.panels.get(keys.model)?.canvas.focus({ preventScroll: true });
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
    const wanted = JSON.stringify([this.brush, this.data.offered, finger]);
    if (wanted === this.drawnBrushes) return; // a button that is made anew loses the focus, and the click under way
    this.drawnBrushes = wanted;
    const brush = (k, words, ...shown) => element("button", { class: "act", type: "button", role: "radio", "aria-label": words,
      "aria-checked": String(k === this.brush), title: `${words}, key ${k + 1}`, onclick: () => this.take(k) }, ...shown);
    this.brushes.replaceChildren(element("span", { class: "soft" }, finger ? "Tap or drag" : "Click or drag"),
      ...this.data.offered.map(([name, colour], k) => brush(k, `Class ${name}`, swatch(colour),
        element("span", { class: "word" }, "Class"), name)), brush(-1, "No label", "No label"));
  }

  /** What a hand did on a panel: {kind, ...}, for the page to keep; the number under which the page says that it has. */
  edit(change) {
    return this.act("edit", change);
  }

  act(what, more = {}) {
    const n = this.outbox.add({ ...more, what });
    this.outbox.post((message) => this.send("act", message), () => this.root.isConnected);
    return n;
  }

  undo() {
    if (this.data?.undo) this.act("undo");
  }

  say(words) {
    this.spoken.textContent = words;
  }

  ask(what) {
    this.act(what === "play" && this.data?.settled ? "again" : what);
  }

  askTruth() {
    const wanted = QUADRATURE.some((name) => this.layers[name]);
    const asked = this.outbox.latest("truth", "no truth")?.what;
    if (wanted !== (asked ? asked === "truth" : this.data?.truth)) this.act(wanted ? "truth" : "no truth");
  }

  /** Ask for p(z|x,y) of a point once it has been looked at for a moment; of none where nobody wants to see it. */
  askPoint(i, rest = REST) {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { labelled, point } = this.data;
      const [x, y] = labelled[0] ?? this.points;
      const some = i >= 0 ? i : point >= 0 && 2 * point < this.points.length ? point : nearest(this.points, x, y, 1);
      const wanted = this.layers.conditional ? some : -1;
      if (wanted !== (this.outbox.latest("point")?.point ?? point)) this.act("point", { point: wanted });
    }, rest);
  }

  point(i) {
    if (i === this.hovered) return;
    if (i >= 0 && this.layers.conditional) this.askPoint(i);
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
    clearTimeout(this.resting);
    cancelAnimationFrame(this.waiting);
    this.root.remove();
  }
}

export default (given) => mount(Plane, given);
