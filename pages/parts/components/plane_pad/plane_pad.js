// Dragging in latent space: one point on a plane through z, sliders for single dimensions, and the picture of every
// class, drawn here. The decoder itself runs in the browser where it is dense; else pictures of the plane are blended.

const FIRST_SLIDERS = 8;
const STEP = 0.1; // standard deviations an arrow key moves
const SETTLE = 500; // milliseconds after the last key before the address is told

// p(x|y,z) as matrices: every layer W h + b, ReLU between them, a sigmoid at the end.
class Decoder {
  constructor(buffer, { sizes, n_y, half }) {
    this.n_y = n_y;
    const all = half ? fromHalf(new Uint16Array(buffer)) : new Float32Array(buffer);
    this.layers = [];
    let at = 0;
    for (let i = 1; i < sizes.length; i++) {
      const w = all.subarray(at, (at += sizes[i] * sizes[i - 1]));
      this.layers.push({ w, b: all.subarray(at, (at += sizes[i])), n: sizes[i - 1] });
    }
    if (at !== all.length) throw new Error("the decoder is not whole");
  }

  // Levels 0 to 255 of the picture of each class; channel by channel, as the network has them.
  pictures(z, classes) {
    const [{ w, b, n }, ...rest] = this.layers;
    const shared = new Float32Array(b.length); // what z gives to the first layer is the same for every class
    for (let o = 0; o < b.length; o++) {
      let sum = b[o];
      for (let i = 0; i < z.length; i++) sum += w[o * n + this.n_y + i] * z[i];
      shared[o] = sum;
    }
    return classes.map((k) => {
      let h = shared.map((v, o) => Math.max(0, this.n_y ? v + w[o * n + k] : v));
      rest.forEach((layer, l) => {
        const out = new Float32Array(layer.b.length);
        for (let o = 0; o < out.length; o++) {
          let sum = layer.b[o];
          for (let i = 0, from = o * layer.n; i < layer.n; i++) sum += layer.w[from + i] * h[i];
          out[o] = l < rest.length - 1 ? Math.max(0, sum) : 255 / (1 + Math.exp(-sum));
        }
        h = out;
      });
      return h;
    });
  }
}

function fromHalf(halves) {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) {
    const h = halves[i];
    const e = (h >> 10) & 31;
    const f = h & 1023;
    const v = e === 0 ? f * 2 ** -24 : (1024 + f) * 2 ** (e - 25);
    out[i] = h & 0x8000 ? -v : v;
  }
  return out;
}

// Channel by channel to pixel by pixel.
function interleaved(levels, [h, w]) {
  const n = h * w;
  if (levels.length === n) return levels;
  const out = new Float32Array(levels.length);
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = levels[c * n + i];
  return out;
}

// Pictures at even steps of the plane, blended between the four nearest.
class Field {
  constructor(sheet, { side }, tile, reach) {
    Object.assign(this, { sheet, side, tile, reach });
  }

  pictures(x, y, rows) {
    const at = (v) => Math.max(0, Math.min(this.side - 1, ((v + this.reach) / (2 * this.reach)) * (this.side - 1)));
    const u = at(x);
    const v = this.side - 1 - at(y); // rows of the sheet go downwards
    const [j, i] = [Math.min(this.side - 2, Math.floor(u)), Math.min(this.side - 2, Math.floor(v))];
    const [s, t] = [u - j, v - i];
    return rows.map((row) => {
      const corners = [[0, 0, (1 - t) * (1 - s)], [0, 1, (1 - t) * s], [1, 0, t * (1 - s)], [1, 1, t * s]];
      let out = null;
      for (const [di, dj, weight] of corners) {
        const tile = tileOf(this.sheet, this.tile, row * this.side + i + di, j + dj);
        out ??= new Float32Array(tile.length);
        for (let p = 0; p < tile.length; p++) out[p] += weight * tile[p];
      }
      return out;
    });
  }
}

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
      const machine = data.decoder
        ? new Decoder(await bytesOf(data.decoder.url), data.decoder)
        : new Field(await sheetOf(data.field.url, data.grey), data.field, data.tile, data.reach);
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
    const d = this.data;
    this.z = Float32Array.from(d.start, (v, i) => v + this.moved[0] * d.scale[0] * d.axes[0][i]
      + this.moved[1] * d.scale[1] * d.axes[1][i]);
    for (const [dimension, by] of this.set) this.z[dimension] += by;
    this.xy = d.axes.map((axis, a) => axis.reduce((sum, v, i) => sum + v * (this.z[i] - d.centre[i]), 0) / d.scale[a]);
  }

  build() {
    const d = this.data;
    const [h, w] = d.tile;
    this.plane = element("canvas", { tabindex: 0, role: "application", "aria-roledescription": "pad",
      "aria-label": "Plane through z. Arrow keys move the point, with Shift by larger steps." });
    this.place = element("span", { "aria-live": "polite" });
    this.tiles = d.classes.map(() => element("canvas", { class: "tile", width: w, height: h, role: "img" }));
    const figures = d.classes.map((k, i) => element("figure", { class: i === d.outlined ? "k" : "" }, this.tiles[i],
      element("figcaption", {}, d.names[i])));
    d.names.forEach((name, i) => this.tiles[i].setAttribute("aria-label", name));
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
      this.more = element("button", { class: "act", type: "button", onclick: () => this.addSliders(d.order.length) });
      parts.push(this.box, element("div", { class: "bar acts" }, this.more));
      // Those that a link has moved are shown as well.
      const moved = Math.max(0, ...[...this.set.keys()].map((k) => d.order.indexOf(k) + 1));
      this.addSliders(Math.max(FIRST_SLIDERS, moved));
    }
    this.root.replaceChildren(...parts);
    this.resized.disconnect();
    this.resized.observe(this.plane);
    this.listen();
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
    this.more.textContent = `All ${d.order.length} dimensions`;
    this.showSliders(null);
  }

  listen() {
    const put = (e) => {
      const box = this.plane.getBoundingClientRect();
      const reach = this.data.reach;
      const x = (2 * (e.clientX - box.left) / box.width - 1) * reach;
      const y = (1 - 2 * (e.clientY - box.top) / box.height) * reach;
      this.moveTo(x, y);
    };
    keepTouch(this.plane);
    this.plane.addEventListener("pointerdown", (e) => {
      if (e.button !== 0) return;
      this.plane.setPointerCapture(e.pointerId);
      this.plane.focus({ preventScroll: true });
      this.dragging = e.pointerId;
      put(e);
    });
    this.plane.addEventListener("pointermove", (e) => { if (e.pointerId === this.dragging) put(e); });
    for (const end of ["pointerup", "pointercancel"]) {
      this.plane.addEventListener(end, (e) => {
        if (e.pointerId !== this.dragging) return;
        this.dragging = null;
        this.tell();
      });
    }
    this.plane.addEventListener("keydown", (e) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
      if (!way) return;
      e.preventDefault();
      const step = STEP * (e.shiftKey ? 5 : 1);
      this.moveTo(this.xy[0] + way[0] * step, this.xy[1] + way[1] * step);
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.tell(), SETTLE);
    });
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
    this.from_ = from;
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
    this.showSliders(this.from_);
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
    const d = this.data;
    const size = this.plane.clientWidth;
    if (!size || !this.theme) return;
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    const side = Math.round(size * ratio);
    if (this.plane.width !== side) this.plane.width = this.plane.height = side;
    const ctx = this.plane.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, size, size);
    const at = (v) => size * (0.5 + v / (2 * d.reach));
    const { text, primary } = this.theme;
    ctx.lineWidth = 1;
    ctx.font = `11px ${getComputedStyle(this.root).fontFamily}`;
    for (let v = -2; v <= 2; v++) {
      ctx.strokeStyle = css(text, v ? 0.08 : 0.25);
      ctx.beginPath();
      ctx.moveTo(at(v), 0);
      ctx.lineTo(at(v), size);
      ctx.moveTo(0, at(v));
      ctx.lineTo(size, at(v));
      ctx.stroke();
      ctx.fillStyle = css(text, 0.6);
      ctx.fillText(signed(v, 0), at(v) + 3, size - 4);
      if (v) ctx.fillText(signed(v, 0), 3, at(-v) - 3);
    }
    ctx.fillStyle = css(mix(rgb(d.colour), text, 0.1), 0.38);
    for (const [x, y] of d.dots) {
      ctx.beginPath();
      ctx.arc(at(x), at(-y), 2, 0, 7);
      ctx.fill();
    }
    const hold = (v) => Math.max(-d.reach, Math.min(d.reach, v));
    ctx.beginPath();
    ctx.arc(at(hold(this.xy[0])), at(-hold(this.xy[1])), 8, 0, 7);
    ctx.fillStyle = css(primary, 0.95);
    ctx.fill();
    ctx.lineWidth = 2.5;
    ctx.strokeStyle = css(this.theme.back);
    ctx.stroke();
  }

  reset() {
    this.moved = [0, 0];
    this.set = new Map();
    this.soon(null);
    this.tell();
  }

  tell() { // once, when a hand lets go: for the address
    clearTimeout(this.settling);
    const round = (v) => Number(v.toFixed(3));
    const set = [...this.set].map(([k, by]) => [k, round(by)]).filter(([, by]) => by !== 0);
    const now = { moved: this.moved.map(round), set };
    if (JSON.stringify(now) === this.told) return;
    this.told = JSON.stringify(now);
    this.send("put", now);
  }

  // The pictures as they are now, with their names and a caption, on white.
  save() {
    const d = this.data;
    if (!this.drawn) return;
    const [h, w] = d.tile;
    const by = Math.max(2, Math.floor(120 / w));
    const columns = Math.min(5, d.classes.length);
    const [cell, line, edge] = [[w * by + 16, h * by + 34], 22, 24];
    const width = Math.max(640, columns * cell[0] + 2 * edge);
    const rows = Math.ceil(d.classes.length / columns);
    const canvas = element("canvas");
    const ctx = canvas.getContext("2d");
    const where = [...this.set].filter(([, v]) => v).map(([k]) => `z${k + 1} = ${signed(this.z[k])}`);
    const place = `At ${signed(this.xy[0])} and ${signed(this.xy[1])} sd of ${d.titles[0]} and ${d.titles[1]}`
      + `${where.length ? `, ${where.join(", ")}` : ""}.`;
    ctx.font = "15px sans-serif";
    const lines = wrap(ctx, `${d.caption} ${place}`, width - 2 * edge);
    canvas.width = width;
    canvas.height = 64 + rows * cell[1] + lines.length * line + edge;
    ctx.fillStyle = "#fff";
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.fillStyle = "#000";
    ctx.font = "18px sans-serif";
    ctx.fillText(d.title, edge, 38);
    ctx.imageSmoothingEnabled = false;
    ctx.textAlign = "center";
    ctx.font = "14px sans-serif";
    this.drawn.forEach((levels, i) => {
      const small = element("canvas", { width: w, height: h });
      paint(small.getContext("2d"), levels, d.tile, rgb(d.colours[i]).map((v) => 0.78 * v));
      const [x, y] = [edge + (i % columns) * cell[0], 56 + Math.floor(i / columns) * cell[1]];
      ctx.drawImage(small, x, y, w * by, h * by);
      ctx.fillText(d.names[i], x + (w * by) / 2, y + h * by + 18);
    });
    ctx.textAlign = "left";
    ctx.fillStyle = "#555";
    ctx.font = "15px sans-serif";
    lines.forEach((words, i) => ctx.fillText(words, edge, 64 + rows * cell[1] + (i + 0.7) * line));
    savePng(canvas, d.file);
  }

  destroy() {
    this.resized.disconnect();
    clearTimeout(this.settling);
    cancelAnimationFrame(this.waiting);
    this.root.remove();
  }
}

export default (given) => mount(Pad, given);
