// A line chart that is fed while one looks at it. It is built once; new data only repaint the canvas, so the zoom, the
// hover and the hidden lines stay. What it is given is described in __init__.py. Text is only ever set as text.

import { mount } from "../shared/mount.js";
import { short } from "../shared/ticks.js";
import { Legend } from "./legend.js";
import { Painter } from "./painter.js";
import { closest, MARGIN, nearestX, rangeY, scalesOf, settled, valuesAt, wholeX, zoomWithin } from "./scales.js";
import { describe, nameOf, valueAt } from "./words.js";

let mounts = 0;

class Chart {
  constructor(parent) {
    this.root = add(parent, "div", "chart");
    this.root.dataset.mount = ++mounts;
    this.legend = new Legend(this.root, (which, name) => this.toggle(which, name));
    this.plot = add(this.root, "div", "plot");
    this.canvas = add(this.plot, "canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.reset = add(this.plot, "button", "reset");
    this.reset.type = "button";
    this.reset.textContent = "Whole range";
    this.reset.onclick = () => this.setZoom(null);
    this.tip = add(this.plot, "div", "tip");
    this.spoken = add(this.root, "div", "spoken");
    this.spoken.setAttribute("aria-live", "polite");

    this.hidden = { group: new Set(), kind: new Set() };
    this.zoom = null; // [from, to] in units of x
    this.hover = null; // x of the cross-hair, not its pixel: it stays on its point while data arrive
    this.pointers = new Map();

    this.canvas.addEventListener("pointerdown", (e) => this.down(e));
    this.canvas.addEventListener("pointermove", (e) => this.move(e));
    this.canvas.addEventListener("pointerup", (e) => this.up(e));
    this.canvas.addEventListener("pointercancel", (e) => this.up(e));
    this.canvas.addEventListener("pointerleave", () => this.pointers.size || this.setHover(null));
    this.canvas.addEventListener("dblclick", () => this.setZoom(null));
    this.canvas.addEventListener("keydown", (e) => this.keydown(e));
    this.canvas.addEventListener("blur", () => this.setHover(null));
    this.root.addEventListener("transitionend", (e) => e.target === this.root && this.repaint());
    this.observer = new ResizeObserver(() => this.repaint());
    this.observer.observe(this.plot);
  }

  destroy() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    this.root.remove();
  }

  update(data) {
    if (!data) return;
    if (this.data && this.data.subject !== data.subject) this.forget();
    this.data = data;
    this.plot.style.height = `${data.height}px`;
    this.legend.update(data, this.hidden);
    this.canvas.setAttribute("aria-label", describe(this.data));
    this.repaint();
  }

  // Other runs are shown: what was zoomed and hidden belonged to the last ones.
  forget() {
    this.zoom = this.range = this.hover = null;
    this.hidden = { group: new Set(), kind: this.hidden.kind };
  }

  toggle(which, name) {
    const hidden = this.hidden[which];
    if (!hidden.delete(name)) hidden.add(name);
    this.range = null;
    this.update(this.data);
  }

  visible() {
    const { groups, kinds, lines } = this.data;
    return lines.filter(
      (l) => l.x.length && !this.hidden.group.has(groups[l.g].name) && !this.hidden.kind.has(kinds[l.k].name),
    );
  }

  // Scales

  xRange() {
    return this.zoom ?? wholeX(this.data.lines, this.data.x_max);
  }

  yRange() {
    const d = this.data;
    const x = this.xRange();
    const early = d.robust && !this.zoom ? x[0] + (x[1] - x[0]) * 0.03 : -Infinity;
    const skip = this.zoom ? early : (settled(this.visible(), d.settled) ?? early);
    const range = rangeY(this.visible(), { marks: d.marks, yMin: d.y_min, yMax: d.y_max, skip, old: this.range }, x);
    this.range = range ?? this.range;
    return range ?? [d.y_min ?? 0, d.y_max ?? 1];
  }

  scales() {
    return scalesOf(this.canvas.clientWidth, this.canvas.clientHeight, this.xRange(), this.yRange());
  }

  // Painting

  repaint() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  paint() {
    if (!this.data || !this.canvas.clientWidth) return;
    const [range, { unit, settled: level }] = [this.yRange(), this.data];
    const painter = new Painter(this.canvas, this.root, this.data, this.visible(), this.xRange(), range);
    this.legend.axis(unit, level !== null && !this.zoom && range[0] > 0 ? range[0] : null);
    painter.paint(this.brush);
    this.paintHover(painter);
    this.root.classList.toggle("zoomed", this.zoom !== null);
  }

  paintHover(painter) {
    const { s } = painter;
    const x = this.hover === null ? null : nearestX(this.visible(), this.hover);
    if (x === null || x < s.x0 || x > s.x1) {
      this.tip.style.visibility = "hidden";
      return;
    }
    const near = valuesAt(this.visible(), x, ((s.x1 - s.x0) / s.w) * 14);
    painter.hover(x, near);
    this.fillTip(x, near);
    const { offsetWidth: wide, offsetHeight: high } = this.tip;
    const right = s.px(x) + 12 + wide <= s.width || s.px(x) < s.width / 2;
    const left = right ? Math.min(s.px(x) + 12, s.width - wide) : Math.max(0, s.px(x) - 12 - wide);
    const above = near.every(({ y }) => s.py(y) < MARGIN.top + s.h / 2); // where the lines are, it is not
    const top = above ? s.height - MARGIN.bottom - high - 6 : MARGIN.top;
    this.tip.style.transform = `translate(${left}px, ${Math.max(0, top)}px)`;
    this.tip.style.visibility = near.length ? "visible" : "hidden";
  }

  // A small table: a row a group, a column a kind.
  fillTip(x, near) {
    const { groups, kinds, x_title } = this.data;
    const shown = [...new Set(near.map(({ line }) => line.k))].sort();
    const cells = [make("span", "at", `${x_title} ${short(x)}`)];
    for (const k of shown) cells.push(make("span", "kind", kinds.length > 1 ? kinds[k].name : ""));
    for (const g of new Set(near.map(({ line }) => line.g))) {
      const name = make("span", "name");
      add(name, "span", "swatch").style.borderColor = groups[g].colour;
      add(name, "span").textContent = groups[g].name;
      cells.push(name);
      for (const k of shown) {
        const found = near.find(({ line }) => line.g === g && line.k === k);
        cells.push(make("span", "value", found ? valueAt(found.line, found.i, this.data) : "–"));
      }
    }
    this.tip.style.gridTemplateColumns = `minmax(0, auto) repeat(${shown.length}, auto)`;
    this.tip.replaceChildren(...cells);
  }

  // Hands

  setHover(x) {
    if (x === this.hover) return;
    this.hover = x;
    this.repaint();
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.range = null;
    this.repaint();
  }

  where(e) {
    const s = this.scales();
    const [low, high] = [s.px(s.x0), s.px(s.x1)];
    return s.at(Math.min(high, Math.max(low, e.clientX - this.canvas.getBoundingClientRect().left)));
  }

  down(e) {
    if (e.button !== 0) return;
    this.canvas.setPointerCapture(e.pointerId);
    this.pointers.set(e.pointerId, e.clientX);
    const x = this.where(e);
    this.brush = e.pointerType === "mouse" ? [x, x] : null;
    this.pinch = this.pointers.size === 2 ? { range: this.xRange(), apart: this.apart(), middle: x } : null;
    this.setHover(x);
  }

  move(e) {
    if (this.pointers.has(e.pointerId)) this.pointers.set(e.pointerId, e.clientX);
    if (this.pinch && this.pointers.size === 2) {
      const { range, apart, middle } = this.pinch;
      const factor = apart / Math.max(20, this.apart());
      this.zoomTo(range.map((x) => middle + (x - middle) * factor));
    } else {
      const x = this.where(e);
      if (this.brush) this.brush[1] = x;
      this.hover = x;
      this.repaint();
    }
  }

  up(e) {
    this.pointers.delete(e.pointerId);
    this.pinch = null;
    const brush = this.brush;
    this.brush = null;
    const s = this.scales();
    if (brush && Math.abs(s.px(brush[1]) - s.px(brush[0])) > 8) this.zoomTo([...brush].sort((a, b) => a - b));
    this.repaint();
  }

  apart() {
    const [a, b] = [...this.pointers.values()];
    return Math.abs(a - b);
  }

  zoomTo(wanted) {
    const zoom = zoomWithin(wanted, wholeX(this.data.lines, this.data.x_max));
    if (zoom !== undefined) this.setZoom(zoom);
  }

  keydown(e) {
    const [x0, x1] = this.xRange();
    const xs = [...new Set(this.visible().flatMap((l) => l.x))].filter((x) => x >= x0 && x <= x1).sort((a, b) => a - b);
    if (!xs.length || e.ctrlKey || e.metaKey || e.altKey) return;
    const at = closest(xs, this.hover ?? xs.at(-1));
    const step = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: xs.length - 1 }[e.key];
    if (step !== undefined) {
      const x = xs[this.hover === null && e.key === "ArrowLeft" ? at : Math.min(xs.length - 1, Math.max(0, step))];
      this.setHover(x);
      const values = valuesAt(this.visible(), x, (x1 - x0) / 50)
        .map(({ line, i }) => `${nameOf(line, this.data)} ${valueAt(line, i, this.data)}`);
      this.spoken.textContent = `${this.data.x_title} ${short(x)}: ${values.join(", ")}`;
    } else if (e.key === "+" || e.key === "=" || e.key === "-") {
      const middle = this.hover ?? (x0 + x1) / 2;
      const factor = e.key === "-" ? 2 : 0.5;
      this.zoomTo([middle + (x0 - middle) * factor, middle + (x1 - middle) * factor]);
    } else if (e.key === "0" || (e.key === "Escape" && this.zoom)) {
      this.setZoom(null);
    } else {
      return;
    }
    e.preventDefault();
  }
}

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

function add(parent, tag, className) {
  return parent.appendChild(make(tag, className));
}

export default (given) => mount(Chart, given);
