// What one panel shows: the plane as one method sees it, and below it the space of its z.

import { css, mix, rgb } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { arrayOf, between, contour, nearest } from "./arrays.js";

const LEVELS = [-8, -6, -4.5, -3.5, -2.5, -1.5]; // of log p(x), nats
const Z_REACH = 3.2;
const MOVING = ["q_y", "p_y", "log_p", "samples", "curves", "z"];

export class Panel {
  /** @param {(i: number) => void} pointed told which point the mouse is at; -1: none @param {any} view the plane it is of */
  constructor(pointed, view) {
    this.title = element("span", { class: "title" });
    this.mark = element("u", { class: "mark" });
    this.percent = element("strong", { class: "percent" });
    this.step = element("span", { class: "soft" });
    this.bar = element("i", {});
    this.canvas = element("canvas", { class: "plane" });
    this.space = element("canvas", { class: "space", role: "img" });
    this.root = element("div", { class: "panel" },
      element("div", { class: "name" }, this.mark, this.title, this.percent),
      element("div", { class: "rule" }, this.bar), this.step, this.canvas, this.space);
    this.before = {};
    this.now = {};
    this.canvas.addEventListener("pointermove", (e) => pointed(this.at(e, this.canvas, this.points, this.reach)));
    this.canvas.addEventListener("pointerleave", () => pointed(-1));
    this.hand = view.hand;
    this.hand.attach(this.canvas, this);
    this.space.addEventListener("pointermove", (e) => pointed(this.at(e, this.space, this.spaceAt, 1)));
    this.space.addEventListener("pointerleave", () => pointed(-1));
  }

  /** A new frame; what was shown until now is where the movement to it begins. */
  update(panel, t) {
    const shown = this.shown ?? {};
    const news = panel.step !== this.panel?.step || panel.base !== this.panel?.base;
    this.panel = panel;
    for (const name of [...MOVING, "predicted"]) {
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
    this.space.setAttribute("aria-label", `The space of ${panel.space} of ${panel.title}`);
    this.space.hidden = !panel.z;
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
    this.reach = data.reach;
    const shown = {};
    for (const name of MOVING) shown[name] = this.now[name] ? between(this.before[name], this.now[name], t) : null;
    this.shown = shown;
    const colours = data.colours.map(rgb);
    this.paintPlane(shown, data, points, layers, theme, hovered, colours);
    this.paintSpace(shown, theme, hovered, colours);
  }

  paintPlane(shown, data, points, layers, theme, hovered, colours) {
    const [ctx, side] = fitted(this.canvas, 1);
    const X = (x) => (x / data.reach + 1) / 2 * side;
    const Y = (y) => (1 - y / data.reach) / 2 * side;
    const scale = side / 280;
    ctx.fillStyle = css(theme.back);
    ctx.fillRect(0, 0, side, side);
    const ground = layers.truth && layers.posterior && shown.p_y ? shown.p_y : shown.q_y;
    if (layers.ground && ground) drawGround(ctx, side, ground, colours, theme);
    if (layers.density && shown.log_p) drawContours(ctx, side, shown.log_p.values, theme);
    if (layers.points) {
      ctx.fillStyle = css(theme.text, theme.dark ? 0.45 : 0.38);
      for (let i = 0; i * 2 < points.length; i += 1) dot(ctx, X(points[2 * i]), Y(points[2 * i + 1]), 1.7 * scale);
    }
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
    if (hovered >= 0) ring(ctx, X(points[2 * hovered]), Y(points[2 * hovered + 1]), 5 * scale, theme);
  }

  paintSpace(shown, theme, hovered, colours) {
    if (this.space.hidden || !shown.z) return;
    const flat = shown.z.shape[1] === 1;
    const [ctx, width, height] = fitted(this.space, 0.25);
    ctx.fillStyle = css(theme.back);
    ctx.fillRect(0, 0, width, height);
    const n = shown.z.shape[0];
    let spread = Z_REACH;
    for (let i = 0; i < n; i += 1) spread = Math.max(spread, 1.03 * Math.abs(shown.z.values[i * shown.z.shape[1]]));
    this.spaceAt = new Float32Array(2 * n);
    for (let i = 0; i < n; i += 1) {
      const x = shown.z.values[i * shown.z.shape[1]] / spread;
      const k = this.now.predicted?.values[i] ?? 0;
      const y = flat ? ((k + 0.5 + 0.7 * (((i * 0.618) % 1) - 0.5)) / colours.length) * -2 + 1 : shown.z.values[2 * i + 1] / spread;
      this.spaceAt[2 * i] = x;
      this.spaceAt[2 * i + 1] = y;
      ctx.fillStyle = css(colours[k], 0.6);
      dot(ctx, (x + 1) / 2 * width, (1 - y) / 2 * height, 1.8 * width / 280);
    }
    if (hovered >= 0 && hovered < n) {
      ring(ctx, (this.spaceAt[2 * hovered] + 1) / 2 * width, (1 - this.spaceAt[2 * hovered + 1]) / 2 * height, 5, theme);
    }
    ctx.fillStyle = css(mix(theme.back, theme.text, 0.65));
    ctx.font = `${12 * devicePixelRatio}px ${getComputedStyle(this.root).fontFamily}`;
    ctx.fillText(this.panel.space, 4 * devicePixelRatio, 13 * devicePixelRatio);
  }
}

/** A canvas as large as it is shown, and its context. @returns {[CanvasRenderingContext2D, number, number]} */
function fitted(canvas, aspect) {
  const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  const height = Math.round(width * aspect);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return [canvas.getContext("2d"), width, height];
}

function dot(ctx, x, y, r) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fill();
}

function ring(ctx, x, y, r, theme) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.lineWidth = 2.5 * devicePixelRatio;
  ctx.strokeStyle = css(theme.primary);
  ctx.stroke();
}

/** q(y|x): the colour of the likeliest classes, as strong as the model is sure. */
function drawGround(ctx, side, { shape, values }, colours, theme) {
  const n = Math.round(Math.sqrt(shape[0]));
  const classes = shape[1];
  const small = new OffscreenCanvas(n, n);
  const image = new ImageData(n, n);
  for (let i = 0; i < n * n; i += 1) {
    let most = 0;
    const c = [0, 0, 0];
    for (let k = 0; k < classes; k += 1) {
      const p = values[i * classes + k] / 255;
      most = Math.max(most, p);
      for (let a = 0; a < 3; a += 1) c[a] += p * colours[k][a];
    }
    const sure = Math.max(0, (most - 1 / classes) / (1 - 1 / classes));
    const [r, g, b] = mix(theme.back, c, (theme.dark ? 0.62 : 0.5) * sure);
    image.data.set([r, g, b, 255], 4 * i);
  }
  small.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(small, 0, 0, side, side);
}

function drawContours(ctx, side, field, theme) {
  const n = Math.round(Math.sqrt(field.length));
  const cell = side / n;
  ctx.lineWidth = devicePixelRatio;
  for (const [i, level] of LEVELS.entries()) {
    ctx.strokeStyle = css(theme.text, 0.16 + 0.1 * i);
    ctx.beginPath();
    for (const [x1, y1, x2, y2] of contour(field, n, level)) {
      ctx.moveTo((x1 + 0.5) * cell, (y1 + 0.5) * cell);
      ctx.lineTo((x2 + 0.5) * cell, (y2 + 0.5) * cell);
    }
    ctx.stroke();
  }
}

function drawCurves(ctx, { shape, values }, X, Y, colours, theme, scale) {
  const [classes, lines, places] = shape;
  ctx.lineWidth = (lines > 1 ? 1.1 : 2.2) * scale;
  ctx.lineJoin = "round";
  for (let k = 0; k < classes; k += 1) {
    ctx.strokeStyle = classes > 1 ? css(mix(colours[k], theme.text, 0.25)) : css(theme.text, 0.75);
    for (let l = 0; l < lines; l += 1) {
      ctx.beginPath();
      for (let p = 0; p < places; p += 1) {
        const i = 2 * ((k * lines + l) * places + p);
        ctx.lineTo(X(values[i]), Y(values[i + 1]));
      }
      ctx.stroke();
    }
  }
}

function drawSamples(ctx, { shape, values }, X, Y, colours, theme, scale) {
  const [classes, n] = shape;
  const r = 2.6 * scale;
  ctx.lineWidth = 1.4 * scale;
  for (let k = 0; k < classes; k += 1) {
    ctx.strokeStyle = classes > 1 ? css(mix(colours[k], theme.text, 0.2)) : css(theme.text, 0.7);
    ctx.beginPath();
    for (let j = 0; j < n; j += 1) {
      const i = 2 * (k * n + j);
      const [x, y] = [X(values[i]), Y(values[i + 1])];
      ctx.moveTo(x - r, y);
      ctx.lineTo(x + r, y);
      ctx.moveTo(x, y - r);
      ctx.lineTo(x, y + r);
    }
    ctx.stroke();
  }
}
