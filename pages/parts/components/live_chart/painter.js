// Paints a chart onto its canvas.

import { short, ticks } from "../shared/ticks.js";
import { typeScale } from "../shared/type_size.js";
import { MARGIN, scalesOf } from "./scales.js";

export class Painter {
  /** `lines` are those that are not hidden; `x` and `y` the ranges shown. */
  constructor(canvas, root, data, lines, x, y) {
    this.s = scalesOf(canvas.clientWidth, canvas.clientHeight, x, y);
    [this.data, this.lines] = [data, lines];
    const style = getComputedStyle(root);
    this.ink = style.color;
    this.grid = style.getPropertyValue("--st-border-color") || "#8884";
    this.page = style.getPropertyValue("--st-background-color") || "#fff";
    const dpr = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.s.width * dpr), Math.round(this.s.height * dpr)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.c = canvas.getContext("2d");
    this.c.setTransform(dpr, 0, 0, dpr, 0, 0);
    this.c.clearRect(0, 0, this.s.width, this.s.height);
    this.c.font = `${12 * typeScale(1.4)}px ${style.fontFamily}`;
  }

  /** All but the cross-hair; `brush` is the stretch of x that is being chosen, or null. */
  paint(brush) {
    const { c, s } = this;
    this.axes();
    c.save();
    c.beginPath();
    c.rect(MARGIN.left, 0, s.w + MARGIN.right, s.height - MARGIN.bottom);
    c.clip();
    for (const line of this.lines) if (line.low) this.band(line);
    for (const line of this.lines) this.line(line);
    this.marks();
    if (brush) {
      const [a, b] = brush.map((x) => s.px(x));
      c.fillStyle = this.ink;
      c.globalAlpha = 0.1;
      c.fillRect(Math.min(a, b), MARGIN.top, Math.abs(b - a), s.h);
      c.globalAlpha = 1;
    }
    c.restore();
  }

  axes() {
    const { c, s, ink, grid } = this;
    c.lineWidth = 1;
    c.textBaseline = "middle";
    c.textAlign = "right";
    for (const y of ticks(s.y0, s.y1, s.h / 45)) {
      c.strokeStyle = grid;
      c.beginPath();
      c.moveTo(MARGIN.left, Math.round(s.py(y)) + 0.5);
      c.lineTo(s.width - MARGIN.right, Math.round(s.py(y)) + 0.5);
      c.stroke();
      c.fillStyle = ink;
      c.globalAlpha = 0.75;
      c.fillText(short(y), MARGIN.left - 7, s.py(y));
      c.globalAlpha = 1;
    }
    c.fillStyle = ink;
    c.globalAlpha = 0.75;
    c.textAlign = "center";
    for (const x of ticks(s.x0, s.x1, s.w / 70)) c.fillText(short(x), s.px(x), s.height - MARGIN.bottom + 12);
    c.textAlign = "right";
    c.fillText(this.data.x_title, s.width - MARGIN.right, s.height - 9);
    c.textAlign = "center";
    c.globalAlpha = 1;
    if (!this.lines.length) this.write(this.data.empty, MARGIN.left + s.w / 2, MARGIN.top + s.h / 2);
  }

  // Text with a rim, so that it can be read over lines.
  write(text, x, y) {
    const { c, ink, page } = this;
    c.strokeStyle = page;
    c.lineWidth = 4;
    c.lineJoin = "round";
    c.strokeText(text, x, y);
    c.fillStyle = ink;
    c.fillText(text, x, y);
  }

  marks() {
    const { c, s, ink } = this;
    for (const m of this.data.marks) {
      const y = s.py(m.y);
      c.strokeStyle = m.colour || ink;
      c.setLineDash([2, 4]);
      c.lineWidth = 1.5;
      c.beginPath();
      c.moveTo(MARGIN.left, y);
      c.lineTo(s.width - MARGIN.right, y);
      c.stroke();
      c.setLineDash([]);
    }
  }

  // From the lowest to the highest of what a line is the mean of.
  band(line) {
    const { c, s } = this;
    const last = line.x.length - 1;
    c.fillStyle = this.data.groups[line.g].colour;
    c.globalAlpha = 0.2;
    c.beginPath();
    line.x.forEach((x, i) => c.lineTo(s.px(x), s.py(line.high[i])));
    line.x.forEach((_, i) => c.lineTo(s.px(line.x[last - i]), s.py(line.low[last - i])));
    c.fill();
    c.globalAlpha = 1;
  }

  line(line) {
    const { c, s, page } = this;
    const kind = this.data.kinds[line.k];
    c.strokeStyle = c.fillStyle = this.data.groups[line.g].colour;
    c.globalAlpha = kind.dash ? 0.75 : 1;
    c.lineWidth = kind.dash ? 1.5 : 2;
    c.setLineDash(kind.dash ? [5, 4] : []);
    c.lineJoin = "round";
    c.beginPath();
    line.x.forEach((x, i) => (i ? c.lineTo(s.px(x), s.py(line.y[i])) : c.moveTo(s.px(x), s.py(line.y[i]))));
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
    const inside = line.x.filter((x) => x >= s.x0 && x <= s.x1).length;
    const every = !kind.dash && inside <= s.w / 12;
    line.x.forEach((x, i) => {
      if (!every && (kind.dash || i < line.x.length - 1)) return;
      dot(c, s.px(x), s.py(line.y[i]), i === line.x.length - 1 ? 3.5 : 2.25, page, i === line.x.length - 1);
    });
  }

  /** The cross-hair at x, with the points near it: {line, y}. */
  hover(x, near) {
    const { c, s, ink, page } = this;
    c.strokeStyle = ink;
    c.globalAlpha = 0.4;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(Math.round(s.px(x)) + 0.5, MARGIN.top);
    c.lineTo(Math.round(s.px(x)) + 0.5, s.height - MARGIN.bottom);
    c.stroke();
    c.globalAlpha = 1;
    for (const { line, y } of near) {
      if (y < s.y0 || y > s.y1) continue;
      c.fillStyle = this.data.groups[line.g].colour;
      dot(c, s.px(x), s.py(y), 4.5, page, true);
    }
  }
}

function dot(c, x, y, r, halo, ringed) {
  if (ringed) {
    c.save();
    c.fillStyle = halo;
    c.beginPath();
    c.arc(x, y, r + 1.5, 0, 7);
    c.fill();
    c.restore();
  }
  c.beginPath();
  c.arc(x, y, r, 0, 7);
  c.fill();
}
