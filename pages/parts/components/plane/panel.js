// What one panel shows: the plane as one method sees it, and below it the space of its z.

import { css, rgb } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { arrayOf, between, nearest } from "./arrays.js";
import { paintChips } from "./chips.js";
import { dot, drawContours, drawCurves, drawGround, drawSamples, fitted, ring } from "./layers.js";
import { inWords, merged, paintObjective, paintSpark, rowsOfJ } from "./objective.js";
import { boundaryChip, drawBoundary, drawGaps, drawPosteriors, gapChips, nats } from "./truth.js";

const Z_REACH = 3.2;
const MOVING = ["q_y", "p_y", "log_p", "gap", "samples", "curves", "z", "p_z", "q_z"];
const STILL = ["predicted", "log_p_at", "at", "terms"];

export class Panel {
  /** @param {(i: number) => void} pointed told which point the mouse is at; -1: none @param {any} view the plane it is of */
  constructor(pointed, view) {
    this.title = element("span", { class: "title" });
    this.mark = element("u", { class: "mark" });
    this.percent = element("strong", { class: "percent" });
    this.step = element("span", { class: "soft" });
    this.spark = element("canvas", { class: "spark", "aria-hidden": "true" });
    this.J = element("span", {});
    this.objective = element("span", { class: "objective" }, this.spark, this.J);
    this.bar = element("i", {});
    this.canvas = element("canvas", { class: "plane" });
    this.space = element("canvas", { class: "space", role: "img", "aria-label": "Nothing drawn yet" });
    this.root = element("div", { class: "panel" },
      element("div", { class: "name" }, this.mark, this.title, this.percent),
      element("div", { class: "rule" }, this.bar), element("div", { class: "line" }, this.step, this.objective),
      element("div", { class: "over" }, this.canvas, this.readout = element("p", { class: "readout", hidden: true })), this.space);
    this.before = {};
    this.now = {};
    this.canvas.addEventListener("pointermove", (e) => pointed(this.at(e, this.canvas, this.asked, this.reach)));
    this.canvas.addEventListener("pointerleave", () => pointed(-1));
    this.hand = view.hand;
    this.hand.attach(this.canvas, this);
    const along = (share) => {
      this.share = share;
      view.soon();
    };
    this.space.addEventListener("pointermove", (e) => {
      if (view.layers.objective) along(e.offsetX / this.space.clientWidth);
      else pointed(this.at(e, this.space, this.spaceAt, 1));
    });
    this.space.addEventListener("pointerleave", () => {
      along(null);
      pointed(-1);
    });
  }

  /** A new frame; what was shown until now is where the movement to it begins. */
  update(panel, t) {
    const shown = this.shown ?? {};
    const news = panel.step !== this.panel?.step || panel.base !== this.panel?.base;
    this.panel = panel;
    for (const name of [...MOVING, ...STILL]) {
      const next = arrayOf(panel[name]);
      this.before[name] = news && t < 1 ? shown[name] ?? this.now[name] ?? null : this.now[name] ?? null;
      this.now[name] = next;
    }
    this.title.textContent = panel.title;
    this.mark.style.background = panel.colour;
    this.bar.style.background = panel.colour;
    this.bar.style.width = `${100 * (panel.accuracy ?? 0)}%`;
    this.percent.textContent = panel.accuracy == null ? "…" : `${(100 * panel.accuracy).toFixed(1)} %`;
    this.step.textContent = panel.step == null ? "" : `test accuracy · step ${panel.step.toLocaleString("en")} of ${panel.total.toLocaleString("en")}`;
    this.title.title = panel.says;
    this.canvas.setAttribute("aria-label", `The plane as ${panel.title} sees it, ${this.percent.textContent} of the test points correct`);
    this.kinds = merged(panel.terms_of);
    this.rows = rowsOfJ(this.now.terms, this.kinds);
    this.objective.hidden = !this.rows.length;
    this.objective.title = inWords(panel);
    this.J.textContent = this.rows.length ? `J ${nats(this.rows.at(-1).J)}` : "";
  }

  at(e, canvas, places, reach) {
    const box = canvas.getBoundingClientRect();
    const x = ((e.clientX - box.left) / box.width * 2 - 1) * reach;
    const y = (1 - (e.clientY - box.top) / box.height * 2) * reach;
    return places ? nearest(places, x, y, 0.06 * reach) : -1;
  }

  /** Paint at moment `t` of the movement, 0 to 1. */
  paint(t, { data, points, layers, theme, hovered }) {
    this.points = points;
    const gap = layers.truth && layers.gap ? this.now.gap?.values : null; // whoever looks for gaps is led to points that have one
    this.asked = gap ? points.map((v, i) => (Number.isNaN(gap[i >> 1]) ? Number.NaN : v)) : points;
    this.reach = data.reach;
    this.family = getComputedStyle(this.root).fontFamily;
    const shown = {};
    for (const name of MOVING) shown[name] = this.now[name] ? between(this.before[name], this.now[name], t) : null;
    this.shown = shown;
    const colours = data.colours.map(rgb);
    this.paintPlane(shown, data, points, layers, theme, hovered, colours);
    this.space.hidden = !layers.objective && !this.panel.z;
    this.say(data, points, hovered, layers);
    if (!this.objective.hidden) {
      const [ctx, width, height] = fitted(this.spark);
      paintSpark(ctx, width, height, this.rows, theme);
    }
    if (layers.objective) this.paintJ(theme);
    else this.paintSpace(shown, layers, theme, hovered, colours);
  }

  /** In words: what the lower canvas shows, and what is known of the point under the mouse. */
  say(data, points, hovered, layers) {
    const { panel } = this;
    const both = layers.conditional && this.now.p_z ? `: ${panel.q_title} filled, ${panel.p_title} as a line, of one point` : "";
    const label = layers.objective ? inWords(panel) || `${panel.title} has no J yet` : `The space of ${panel.space} of ${panel.title}${both}`;
    if (this.space.getAttribute("aria-label") !== label) this.space.setAttribute("aria-label", label);
    this.space.title = layers.objective ? label : "";
    this.readout.hidden = hovered < 0 || !this.now.predicted;
    if (this.readout.hidden) return;
    const [x, y] = [points[2 * hovered], points[2 * hovered + 1]];
    const at = (name) => this.now[name]?.values[hovered];
    const [gap, logP] = layers.truth ? [at("gap"), at("log_p_at")] : [];
    const truth = Number.isFinite(gap) ? `log p(x) ${nats(logP)}, gap ${nats(gap)} nats` : "";
    const words = [`x (${nats(x)}, ${nats(y)}), class ${data.classes[at("predicted")]}`, truth].filter(Boolean).join("\n");
    if (this.readout.textContent !== words) this.readout.textContent = words;
    this.readout.classList.toggle("low", y > 0);
  }

  paintJ(theme) {
    const [ctx, width, height] = fitted(this.space);
    ctx.fillStyle = css(theme.back);
    ctx.fillRect(0, 0, width, height);
    const { rows, kinds, share, family } = this;
    paintObjective(ctx, width, height, { unit: this.panel.unit, rows, kinds, share, family, theme, total: this.panel.total });
  }

  paintPlane(shown, data, points, layers, theme, hovered, colours) {
    const [ctx, side] = fitted(this.canvas);
    const X = (x) => (x / data.reach + 1) / 2 * side;
    const Y = (y) => (1 - y / data.reach) / 2 * side;
    const scale = side / 280;
    ctx.fillStyle = css(theme.back);
    ctx.fillRect(0, 0, side, side);
    if (layers.ground && shown.q_y) drawGround(ctx, side, shown.q_y, colours, theme);
    if (layers.density && shown.log_p) drawContours(ctx, side, shown.log_p.values, theme);
    const gaps = layers.truth && layers.gap ? shown.gap : null;
    if (gaps) drawGaps(ctx, gaps, points, X, Y, theme, scale);
    if (layers.points) {
      ctx.fillStyle = css(theme.text, theme.dark ? 0.45 : 0.38);
      for (let i = 0; i * 2 < points.length; i += 1) dot(ctx, X(points[2 * i]), Y(points[2 * i + 1]), 1.7 * scale);
    }
    const line = layers.truth && layers.posterior && shown.p_y && shown.log_p;
    if (line) drawBoundary(ctx, side, shown.p_y, shown.log_p.values, theme, scale);
    if (layers.curves && shown.curves) drawCurves(ctx, shown.curves, X, Y, colours, theme, scale);
    if (layers.samples && shown.samples) drawSamples(ctx, shown.samples, X, Y, colours, theme, scale);
    for (const [x, y, k] of data.labelled) {
      ctx.fillStyle = css(colours[k]);
      dot(ctx, X(x), Y(y), 6 * scale);
      ctx.lineWidth = 2 * scale;
      ctx.strokeStyle = css(theme.dark ? [255, 255, 255] : [20, 22, 28]);
      ctx.stroke();
    }
    this.hand.draw(ctx, this, { X, Y, scale, theme });
    const conditional = layers.conditional && this.now.p_z ? this.panel.point : -1;
    for (const i of new Set([hovered, conditional])) {
      if (i >= 0) ring(ctx, X(points[2 * i]), Y(points[2 * i + 1]), (i === hovered ? 5 : 8) * scale, theme);
    }
    const chips = [...this.none(layers, shown), ...(line ? [boundaryChip(data.classes.length)] : []), ...(gaps ? gapChips(gaps, scale) : [])];
    if (chips.length) paintChips(ctx, chips, { width: side, bottom: side, theme, family: this.family });
  }

  /** What a layer that is on cannot show of this method. @returns {import("./chips.js").Chip[]} */
  none(layers, shown) {
    if (!layers.truth) return [];
    if (!shown.log_p) return (layers.density || layers.posterior || layers.gap) && shown.q_y ? [{ words: "has no p(x)" }] : [];
    return layers.posterior && !shown.p_y ? [{ words: "has no p(y|x)" }] : [];
  }

  paintSpace(shown, layers, theme, hovered, colours) {
    if (this.space.hidden || !shown.z) return;
    const flat = shown.z.shape[1] === 1;
    const [ctx, width, height] = fitted(this.space);
    ctx.fillStyle = css(theme.back);
    ctx.fillRect(0, 0, width, height);
    const n = shown.z.shape[0];
    let spread = Z_REACH;
    for (let i = 0; i < n; i += 1) spread = Math.max(spread, 1.03 * Math.abs(shown.z.values[i * shown.z.shape[1]]));
    this.spaceAt = new Float32Array(2 * n);
    const posteriors = layers.conditional && shown.p_z && shown.q_z;
    for (let i = 0; i < n; i += 1) {
      const x = shown.z.values[i * shown.z.shape[1]] / spread;
      const k = this.now.predicted?.values[i] ?? 0;
      const y = flat ? ((k + 0.5 + 0.7 * (((i * 0.618) % 1) - 0.5)) / colours.length) * -2 + 1 : shown.z.values[2 * i + 1] / spread;
      this.spaceAt[2 * i] = x;
      this.spaceAt[2 * i + 1] = y;
      ctx.fillStyle = css(colours[k], posteriors ? 0.16 : 0.6);
      dot(ctx, (x + 1) / 2 * width, (1 - y) / 2 * height, 1.8 * width / 280);
    }
    const chips = [{ words: this.panel.space }];
    const place = { width, theme, family: this.family };
    if (posteriors) {
      chips.push({ words: this.panel.q_title, mark: "fill" }, { words: this.panel.p_title, mark: "line" });
      const top = flat ? paintChips(ctx, chips, place) : 0;
      drawPosteriors(ctx, { at: this.now.at, p: shown.p_z, q: shown.q_z }, { width, height, top, wide: spread }, colours, theme);
    }
    if (hovered >= 0 && hovered < n) {
      ring(ctx, (this.spaceAt[2 * hovered] + 1) / 2 * width, (1 - this.spaceAt[2 * hovered + 1]) / 2 * height, 5, theme);
    }
    paintChips(ctx, chips, place);
  }
}
