// A line chart that is fed while one looks at it. It is built once; new data only repaints the canvas, so the zoom, the
// hover and the hidden lines stay. What it is given is described in live_chart.py. Text is only ever set as text.

const MARGIN = { left: 46, right: 14, top: 8, bottom: 36 };
const charts = new WeakMap();
let mounts = 0;

export default function ({ data, parentElement }) {
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = new Chart(parentElement);
    charts.set(parentElement, chart);
  }
  const call = (chart.calls = (chart.calls ?? 0) + 1);
  chart.update(data);
  // Called when the chart leaves the page; but also at once, for a call that was overtaken by newer data while this
  // module was still being loaded. Only the newest call may take the chart down.
  return () => {
    if (chart.calls !== call) return;
    charts.delete(parentElement);
    chart.destroy();
  };
}

class Chart {
  constructor(parent) {
    this.root = add(parent, "div", "chart");
    this.root.dataset.mount = ++mounts;
    const head = add(this.root, "div", "head");
    this.title = add(head, "span", "title");
    const kinds = add(head, "div", "kinds");
    this.legend = { group: add(this.root, "div", "groups"), kind: kinds };
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
    this.title.replaceChildren(data.title);
    const unit = data.unit && add(this.title, "span", "unit");
    if (unit) unit.textContent = ` (${data.unit})`;
    this.drawLegend("group", data.groups, data.groups.length > 0);
    this.drawLegend("kind", data.kinds, data.kinds.length > 1);
    this.canvas.setAttribute("aria-label", this.describe());
    this.repaint();
  }

  // Other runs are shown: what was zoomed and hidden belonged to the last ones.
  forget() {
    this.zoom = this.range = this.hover = null;
    this.hidden = { group: new Set(), kind: this.hidden.kind };
  }

  // The buttons are kept from one update to the next, so that one under the finger or with the focus stays.
  drawLegend(which, entries, wanted) {
    const box = this.legend[which];
    const shown = wanted ? entries : [];
    while (box.children.length > shown.length) box.lastChild.remove();
    shown.forEach((entry, i) => {
      let button = box.children[i];
      if (!button) {
        button = add(box, "button");
        button.type = "button";
        add(button, "span", "swatch");
        add(button, "span", "name");
        add(button, "span", "value");
        button.onclick = () => this.toggle(which, button.dataset.name);
      }
      button.dataset.name = entry.name;
      const [swatch, name, value] = button.children;
      swatch.className = entry.dash ? "swatch dash" : "swatch";
      if (entry.colour) swatch.style.borderColor = entry.colour;
      setText(name, entry.name);
      setText(value, which === "group" ? this.latest(i) : "");
      value.hidden = !value.textContent;
      button.setAttribute("aria-pressed", String(!this.hidden[which].has(entry.name)));
    });
  }

  toggle(which, name) {
    const hidden = this.hidden[which];
    hidden.has(name) ? hidden.delete(name) : hidden.add(name);
    this.range = null;
    this.update(this.data);
  }

  visible() {
    const { groups, kinds, lines } = this.data;
    return lines.filter(
      (l) => l.x.length && !this.hidden.group.has(groups[l.g].name) && !this.hidden.kind.has(kinds[l.k].name),
    );
  }

  latest(group) {
    const line = this.data.lines.find((l) => l.g === group && l.k === 0 && l.x.length);
    return line ? this.value(line.y[line.y.length - 1]) : "";
  }

  value(y) {
    return `${y.toFixed(this.data.digits).replace("-", "−")}${this.data.unit === "%" ? " %" : ""}`;
  }

  name(line) {
    const { groups, kinds } = this.data;
    const many = groups.length > 1 || kinds.length === 1;
    return [many && groups[line.g].name, kinds.length > 1 && kinds[line.k].name].filter(Boolean).join(", ");
  }

  describe() {
    const { title, unit, x_title, lines } = this.data;
    const ends = lines
      .filter((l) => l.x.length)
      .map((l) => `${this.name(l)}: ${this.value(l.y.at(-1))} at ${x_title.toLowerCase()} ${short(l.x.at(-1))}`);
    const what = `${title}${unit ? ` in ${unit}` : ""} by ${x_title.toLowerCase()}.`;
    return `${what} ${ends.join("; ") || this.data.empty}. Arrow keys read the values, plus and minus zoom, 0 resets.`;
  }

  // Scales

  xRange() {
    if (this.zoom) return this.zoom;
    let to = this.data.x_max ?? 0;
    for (const l of this.data.lines) if (l.x.length) to = Math.max(to, l.x.at(-1));
    return [0, to || 1];
  }

  // A round range around what is visible. It grows at once and shrinks only when most of it is empty: it does not jump.
  yRange() {
    const [x0, x1] = this.xRange();
    const skip = this.data.robust && !this.zoom ? x0 + (x1 - x0) * 0.03 : -Infinity;
    let low = Infinity;
    let high = -Infinity;
    for (const l of this.visible()) {
      const late = l.x.at(-1) > skip; // a first value far off would flatten all that follows
      l.x.forEach((x, i) => {
        if (x < x0 || x > x1 || (late && x < skip)) return;
        low = Math.min(low, l.y[i]);
        high = Math.max(high, l.y[i]);
      });
    }
    for (const m of this.data.marks) {
      low = Math.min(low, m.y);
      high = Math.max(high, m.y);
    }
    if (low > high) return [this.data.y_min ?? 0, this.data.y_max ?? 1]; // nothing to show yet
    const pad = (high - low) * 0.06 || Math.abs(high) * 0.02 || 0.5;
    let range = nice(Math.max(low - pad, this.data.y_min ?? -Infinity), Math.min(high + pad, this.data.y_max ?? Infinity));
    const old = this.range;
    if (old && range[0] >= old[0] && range[1] <= old[1] && range[1] - range[0] > 0.55 * (old[1] - old[0])) range = old;
    return (this.range = range);
  }

  scales() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    const [x0, x1] = this.xRange();
    const [y0, y1] = this.yRange();
    const w = width - MARGIN.left - MARGIN.right;
    const h = height - MARGIN.top - MARGIN.bottom;
    return {
      width, height, w, h, x0, x1, y0, y1,
      px: (x) => MARGIN.left + ((x - x0) / (x1 - x0)) * w,
      py: (y) => MARGIN.top + (1 - (y - y0) / (y1 - y0)) * h,
      at: (px) => x0 + ((px - MARGIN.left) / w) * (x1 - x0),
    };
  }

  // Painting

  repaint() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  paint() {
    if (!this.data || !this.canvas.clientWidth) return;
    const s = this.scales();
    const dpr = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(s.width * dpr), Math.round(s.height * dpr)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const c = this.canvas.getContext("2d");
    c.setTransform(dpr, 0, 0, dpr, 0, 0);
    c.clearRect(0, 0, s.width, s.height);
    const style = getComputedStyle(this.root);
    const ink = style.color;
    const grid = style.getPropertyValue("--st-border-color") || "#8884";
    const page = style.getPropertyValue("--st-background-color") || "#fff";
    c.font = `12px ${style.fontFamily}`;
    this.paintAxes(c, s, ink, grid, page);
    c.save();
    c.beginPath();
    c.rect(MARGIN.left, 0, s.w + MARGIN.right, s.height - MARGIN.bottom);
    c.clip();
    for (const line of this.visible()) this.paintLine(c, s, line, page);
    this.paintMarks(c, s, ink, page);
    if (this.brush) {
      const [a, b] = this.brush.map((x) => s.px(x));
      c.fillStyle = ink;
      c.globalAlpha = 0.1;
      c.fillRect(Math.min(a, b), MARGIN.top, Math.abs(b - a), s.h);
      c.globalAlpha = 1;
    }
    c.restore();
    this.paintHover(c, s, ink, page);
    this.root.classList.toggle("zoomed", this.zoom !== null);
  }

  paintAxes(c, s, ink, grid, page) {
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
    c.fillText(this.data.x_title, s.width - MARGIN.right, s.height - 7);
    c.textAlign = "center";
    c.globalAlpha = 1;
    if (!this.visible().length) this.write(c, this.data.empty, MARGIN.left + s.w / 2, MARGIN.top + s.h / 2, ink, page);
  }

  // Text with a rim, so that it can be read over lines.
  write(c, text, x, y, ink, page) {
    c.strokeStyle = page;
    c.lineWidth = 4;
    c.lineJoin = "round";
    c.strokeText(text, x, y);
    c.fillStyle = ink;
    c.fillText(text, x, y);
  }

  paintMarks(c, s, ink, page) {
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
      c.textAlign = "right";
      c.textBaseline = "top";
      this.write(c, `${m.name} ${this.value(m.y)}`, s.width - MARGIN.right, y + 6, ink, page);
    }
  }

  paintLine(c, s, line, page) {
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

  paintHover(c, s, ink, page) {
    const x = this.hover === null ? null : this.nearest(this.hover);
    if (x === null || x < s.x0 || x > s.x1) {
      this.tip.style.visibility = "hidden";
      return;
    }
    c.strokeStyle = ink;
    c.globalAlpha = 0.4;
    c.lineWidth = 1;
    c.beginPath();
    c.moveTo(Math.round(s.px(x)) + 0.5, MARGIN.top);
    c.lineTo(Math.round(s.px(x)) + 0.5, s.height - MARGIN.bottom);
    c.stroke();
    c.globalAlpha = 1;
    const near = this.valuesAt(x, ((s.x1 - s.x0) / s.w) * 14);
    for (const { line, y } of near) {
      if (y < s.y0 || y > s.y1) continue;
      c.fillStyle = this.data.groups[line.g].colour;
      dot(c, s.px(x), s.py(y), 4.5, page, true);
    }
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
        cells.push(make("span", "value", found ? this.value(found.y) : "–"));
      }
    }
    this.tip.style.gridTemplateColumns = `minmax(0, auto) repeat(${shown.length}, auto)`;
    this.tip.replaceChildren(...cells);
  }

  // The x of a recorded point nearest to x.
  nearest(x) {
    let best = null;
    for (const l of this.visible()) {
      const found = l.x[closest(l.x, x)];
      if (best === null || Math.abs(found - x) < Math.abs(best - x)) best = found;
    }
    return best;
  }

  valuesAt(x, tolerance) {
    const found = [];
    for (const line of this.visible()) {
      const i = closest(line.x, x);
      if (Math.abs(line.x[i] - x) <= tolerance) found.push({ line, y: line.y[i] });
    }
    return found.sort((a, b) => b.y - a.y);
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

  zoomTo([from, to]) {
    const zoom = this.zoom;
    this.zoom = null;
    const [low, high] = this.xRange();
    this.zoom = zoom;
    from = Math.max(low, from);
    to = Math.min(high, to);
    if (to - from >= (high - low) * 0.999) this.setZoom(null);
    else if (to - from > (high - low) / 1000) this.setZoom([from, to]);
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
      const values = this.valuesAt(x, (x1 - x0) / 50).map(({ line, y }) => `${this.name(line)} ${this.value(y)}`);
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

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
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

// The index of the value nearest to x in a sorted list.
function closest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    xs[middle] < x ? (low = middle) : (high = middle);
  }
  return Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
}

function roundStep(span, about) {
  const raw = span / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((m) => m * power >= raw * 0.999) * power;
}

function nice(low, high) {
  const step = roundStep(high - low, 5);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

function ticks(low, high, about) {
  const step = roundStep(high - low, about);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i++) found.push(i * step);
  return found;
}

function short(x) {
  return String(Number(x.toPrecision(5))).replace("-", "−");
}
