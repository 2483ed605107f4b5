// The latent map: thousands of images as points in the plane, drawn by hand into a canvas.
//
// Points are blended into an array of pixels rather than drawn by WebGL: 10,000 take a few milliseconds on any machine,
// a page may hold any number of maps, and there is no graphics context to lose. All that follows a pointer (rings,
// pictures, the lasso) lies on a second canvas, so looking around redraws no points, and tells the server nothing.

const REACH = 14; // pixels from the pointer within which a point is looked at
const MOVE = 750; // milliseconds that points travel from one projection to the next
const BAND = 48; // rows of pixels that are drawn at a time
const CROWD = 90; // so few points in sight are drawn as their images
const AROUND = [-1, 0, 1].flatMap((p) => [-1, 0, 1].map((q) => [p, q]));
const SHAPES = new Map(); // (radius) -> 16 little discs, one for each quarter-pixel offset

// Coverage of a disc, the same for all points of a size, at 4x4 positions within a pixel: the pixels that it touches, by
// column and row from its middle, and how much of each, 256 being all.
function disc(radius) {
  const key = Math.round(radius * 8);
  if (SHAPES.has(key)) return SHAPES.get(key);
  const r = Math.max(0.5, key / 8);
  const half = Math.ceil(r + 1);
  const masks = [];
  for (let v = 0; v < 4; v++) {
    for (let u = 0; u < 4; u++) {
      const [dx, dy, cover] = [[], [], []];
      for (let y = -half; y <= half; y++) {
        for (let x = -half; x <= half; x++) {
          const c = Math.round(256 * Math.max(0, Math.min(1, r + 0.5 - Math.hypot(x - u / 4, y - v / 4))));
          if (!c) continue;
          dx.push(x);
          dy.push(y);
          cover.push(c);
        }
      }
      masks.push({ dx: Int32Array.from(dx), dy: Int32Array.from(dy), cover: Int32Array.from(cover) });
    }
  }
  const made = { half, masks };
  SHAPES.set(key, made);
  return made;
}

// Blends a disc into the rows from `top` to before `bottom`. Red and blue share one multiplication: 60,000 points are
// some million pixels, and a frame is all this loop.
function blend(pixels, width, top, bottom, { half, masks }, x, y, r, g, b, alpha) {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  if (x0 < -half || y0 < top - half || x0 >= width + half || y0 >= bottom + half) return;
  const { dx, dy, cover } = masks[((y - y0) * 4 | 0) * 4 + ((x - x0) * 4 | 0)];
  const whole = x0 >= half && x0 < width - half && y0 >= top + half && y0 < bottom - half;
  const redBlue = b << 16 | r;
  for (let m = 0; m < cover.length; m++) {
    const column = x0 + dx[m];
    const row = y0 + dy[m];
    if (!whole && (column < 0 || column >= width || row < top || row >= bottom)) continue;
    const a = cover[m] * alpha >> 8;
    const rest = 256 - a;
    const at = row * width + column;
    const old = pixels[at];
    pixels[at] = 0xff000000
      | (Math.imul(redBlue, a) + Math.imul(old & 0xff00ff, rest)) >>> 8 & 0xff00ff
      | (Math.imul(g, a) + Math.imul(old >> 8 & 255, rest)) & 0xff00;
  }
}

// The points of `order` by the bands of rows that a disc of theirs may touch, those of each band in their order. Points
// lie anywhere; a band at a time, the pixels they are blended into stay in the processor's cache.
function bands(order, y, height, reach) {
  const last = Math.max(0, Math.ceil(height / BAND) - 1);
  const band = (row) => Math.max(0, Math.min(last, Math.floor(row / BAND)));
  const starts = new Uint32Array(last + 2);
  const each = (what) => {
    for (const i of order) {
      if (!(y[i] > -reach && y[i] < height + reach)) continue;
      for (let k = band(y[i] - reach), end = band(y[i] + reach); k <= end; k++) what(k, i);
    }
  };
  each((k) => { starts[k + 1] += 1; });
  for (let k = 0; k <= last; k++) starts[k + 1] += starts[k];
  const points = new Uint32Array(starts[last + 1]);
  const next = starts.slice();
  each((k, i) => { points[next[k]++] = i; });
  return Array.from({ length: last + 1 }, (_, k) => points.subarray(starts[k], starts[k + 1]));
}

class LatentMap {
  constructor(parent) {
    this.root = element("section", { class: "map" });
    parent.append(this.root);
    this.view = { x: 0, y: 0, zoom: 1 };
    this.n = 0;
    this.pointers = new Map();
    this.tool = "look"; // or "lasso"
    this.images = false;
    this.build();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
  }

  // --- What it is given

  update(data, send) {
    this.send = send;
    this.theme = themeOf(this.root);
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    const fresh = !this.data || this.data.version !== data.version;
    const stays = this.data?.frame === data.frame; // another epoch of the same picture: keep the zoom
    this.data = data;
    this.group = join(data.group, this);
    if (!this.group.mode || !data.modes.includes(this.group.mode)) {
      this.group.mode = data.modes.includes(data.colour) ? data.colour : data.modes[0];
    }
    if (fresh) {
      this.take(data.points, stays);
      tell(this.group, { points: data.version }, this); // for who shows the same images otherwise
    }
    this.takeFilm(data, fresh);
    this.busy.textContent = data.busy;
    this.busy.hidden = !data.busy;
    this.stage.style.setProperty("--height", `${data.height}px`);
    this.root.classList.toggle("bare", !data.chrome);
    this.front.setAttribute("aria-label", `${data.label}. ${count(this.n)} images as points. Arrows walk from point to `
      + "point, Enter pins, plus and minus zoom, 0 shows all.");
    this.chooseColours();
    this.drawChrome();
    this.resize();
    this.prefetch();
  }

  take(table, stays) {
    const column = (name) => table.getChild(name).toArray();
    const before = new Map();
    for (let i = 0; i < this.n; i++) before.set(this.id[i], i);
    const [oldX, oldY, oldSpan] = [this.x, this.y, this.span];
    this.id = column("id");
    this.n = this.id.length;
    [this.true, this.predicted, this.kind] = [column("true"), column("predicted"), column("kind")];
    [this.sure, this.entropy, this.tile] = [column("sure"), column("entropy"), column("tile")];
    this.labelled = this.kind.reduce((n, kind) => n + (kind === 0), 0);
    this.row = new Map();
    for (let i = 0; i < this.n; i++) this.row.set(this.id[i], i);
    const { x, y, span, fit } = fitted(column("x"), column("y"));
    [this.toX, this.toY, this.toSpan, this.fit] = [x, y, span, fit];
    this.latest = { predicted: this.predicted, sure: this.sure, entropy: this.entropy };
    this.there = null;
    this.fromX = Float32Array.from(x);
    this.fromY = Float32Array.from(y);
    let moved = 0;
    for (let i = 0; i < this.n; i++) { // a point is known by its id, wherever it stands in the table
      const j = before.get(this.id[i]);
      if (j === undefined) continue;
      this.fromX[i] = oldX[j];
      this.fromY[i] = oldY[j];
      moved += Math.abs(oldX[j] - x[i]) + Math.abs(oldY[j] - y[i]) > 1e-4;
    }
    this.x = Float32Array.from(this.fromX);
    this.y = Float32Array.from(this.fromY);
    this.fromSpan = oldSpan || span;
    this.span = this.fromSpan;
    this.sx = new Float32Array(this.n);
    this.sy = new Float32Array(this.n);
    this.cursor = -1;
    if (this.group) this.group.hover = null;
    const from = { ...this.view };
    const to = stays ? from : { x: 0, y: 0, zoom: 1 };
    cancelAnimationFrame(this.travelling);
    if (!moved || this.still.matches) {
      this.arrive(to);
      return;
    }
    const begin = performance.now();
    const step = (now) => {
      const t = Math.min(1, Math.max(0, now - begin) / MOVE);
      const s = t < 0.5 ? 4 * t * t * t : 1 - (2 - 2 * t) ** 3 / 2;
      for (let i = 0; i < this.n; i++) {
        this.x[i] = this.fromX[i] + (this.toX[i] - this.fromX[i]) * s;
        this.y[i] = this.fromY[i] + (this.toY[i] - this.fromY[i]) * s;
      }
      this.span = mix(this.fromSpan, this.toSpan, s);
      if (!stays) this.view = { x: from.x * (1 - s), y: from.y * (1 - s), zoom: from.zoom ** (1 - s) };
      if (t < 1) this.travelling = requestAnimationFrame(step);
      else this.arrive(stays ? this.view : to);
      this.draw();
    };
    this.travelling = requestAnimationFrame(step);
  }

  // --- The film: where the points lay after each epoch

  takeFilm(data, fresh) {
    const given = data.film;
    const same = this.film?.version === given?.version;
    if (same && !fresh) return;
    if (!given) {
      this.film = null;
    } else {
      if (!same) this.film = unpacked(data);
      this.film.row = Int32Array.from(this.id, (id) => this.film.at.get(id) ?? -1);
      this.film.span = reach(this.film, this.fit, this.toSpan);
      if (data.chrome) tell(this.group, { film: this.film }, this);
    }
    this.frame = -1;
    this.seek();
  }

  // Put the points where the film has them at the group's epoch, or back to the latest ones.
  seek() {
    const { film, group: { epoch } } = this;
    if (!film || epoch == null || epoch >= film.epochs.at(-1)) {
      if (!this.there) return;
      this.there = null;
      this.frame = -1;
      Object.assign(this, this.latest);
      this.arrive(this.view);
      this.chooseColours();
      this.drawChrome();
      return;
    }
    cancelAnimationFrame(this.travelling);
    const last = film.epochs.length - 1;
    let k = 0;
    while (k < last - 1 && film.epochs[k + 1] <= epoch) k++;
    const share = Math.max(0, (epoch - film.epochs[k]) / (film.epochs[k + 1] - film.epochs[k]));
    const { cx, cy, half } = this.fit;
    const scale = film.half / FULL;
    const [a, b] = [film.n * k, film.n * (k + 1)];
    this.there ??= Uint8Array.from(film.row, (r) => r >= 0);
    for (let i = 0; i < this.n; i++) {
      const r = film.row[i];
      if (r < 0) continue;
      const x = film.x[a + r] + (film.x[b + r] - film.x[a + r]) * share;
      const y = film.y[a + r] + (film.y[b + r] - film.y[a + r]) * share;
      this.x[i] = (x * scale + film.centre[0] - cx) / half;
      this.y[i] = (y * scale + film.centre[1] - cy) / half;
    }
    this.span = film.span;
    if (this.frame !== k) {
      this.frame = k;
      this.say(k);
      this.chooseColours();
      this.drawChrome();
    }
  }

  // What q(y|x) said of the images after the film's epoch number k.
  say(k) {
    const { film } = this;
    const most = Math.log(Math.max(2, this.data.classes.length));
    const [predicted, sure, entropy] = [new Int16Array(this.n), new Float32Array(this.n), new Float32Array(this.n)];
    for (let i = 0; i < this.n; i++) {
      const r = film.row[i];
      if (r < 0) continue;
      predicted[i] = film.predicted[k * film.n + r];
      sure[i] = film.sure[k * film.n + r] / 255;
      entropy[i] = film.entropy[k * film.n + r] / 255 * most;
    }
    Object.assign(this, { predicted, sure, entropy });
  }

  arrive(view) {
    this.x.set(this.toX);
    this.y.set(this.toY);
    this.span = this.toSpan;
    this.view = view;
    this.touchable();
  }

  heard(changes, from) {
    if ("epoch" in changes) {
      this.seek();
      this.draw();
    }
    if ("mode" in changes || "filter" in changes || "lasso" in changes) {
      this.chooseColours();
      this.drawChrome();
      this.draw();
    } else {
      if ("hover" in changes) {
        this.follows = from !== this && !this.data.chrome; // pointed at in another map: say less
        if (from !== this) this.cursor = this.row.get(changes.hover) ?? -1;
      }
      this.drawFront();
    }
  }

  // --- Colours and what is shown

  key(mode, i) {
    if (mode === "class") return this.true[i];
    if (mode === "predicted") return this.predicted[i];
    if (mode === "sure") return this.kind[i] === 0 ? this.true[i] : this.predicted[i];
    if (mode === "right") return this.true[i] === this.predicted[i] ? 0 : 1;
    return this.kind[i];
  }

  entries(mode) {
    const d = this.data;
    if (["class", "predicted", "sure"].includes(mode)) return d.classes.map((name, k) => ({ k, name, colour: d.colours[k] }));
    if (mode === "right") return [{ k: 0, name: "right", colour: d.right }, { k: 1, name: "wrong", colour: d.wrong }];
    return KINDS.map((name, k) => ({ k, name, colour: [d.colours[1], d.grey, d.colours[0]][k] }));
  }

  shown(i) {
    if (this.there && !this.there[i]) return false;
    for (const [mode, wanted] of Object.entries(this.group.filter)) {
      if (mode === "entropy") {
        if (this.entropy[i] < wanted) return false;
      } else if (this.data.modes.includes(mode) && !wanted.has(this.key(mode, i))) return false;
    }
    return !this.group.lasso || this.group.lasso.has(this.id[i]);
  }

  chooseColours() {
    const mode = this.group.mode;
    const n = this.n;
    this.colour = new Uint8Array(3 * n);
    this.visible = new Uint8Array(n);
    const most = Math.log(Math.max(2, this.data.classes.length));
    const stops = this.data.entropy[this.theme.dark ? "dark" : "light"].map(rgb);
    const table = mode === "entropy"
      ? Array.from({ length: 256 }, (_, t) => ramp(stops, t / 255))
      : this.entries(mode).map((e) => rgb(e.colour));
    const grey = this.grey();
    const rank = new Float32Array(n); // what is rare or wrong lies on top, labelled images above all
    for (let i = 0; i < n; i++) {
      const c = table[mode === "entropy" ? Math.min(255, Math.round(255 * this.entropy[i] / most)) : this.key(mode, i)];
      this.colour.set(mode === "sure" ? mix(grey, c, this.certainty(i)) : c, 3 * i);
      this.visible[i] = this.shown(i);
      const over = mode === "entropy" ? this.entropy[i] / most : mode === "right" ? this.key(mode, i) : 0;
      rank[i] = this.visible[i] * 10 + (this.kind[i] === 0) * 3 + over + (i * 7919 % 997) / 1e5;
    }
    this.order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => rank[a] - rank[b]);
  }

  // 0 where q(y|x) has no idea of an image, 1 where it is sure or was told.
  certainty(i) {
    const chance = 1 / this.data.classes.length;
    return this.kind[i] === 0 ? 1 : Math.max(0, (this.sure[i] - chance) / (1 - chance)) ** 2;
  }

  // --- Geometry: the data lie in [-1, 1]; a screen's y runs down

  // The middle of what the buttons leave free.
  middle() {
    return [(this.width - (this.width > 480 ? 44 : 0)) / 2, this.height / 2];
  }

  scale() {
    return Math.min(this.middle()[0] / this.span[0], this.height / (2 * this.span[1])) * 0.93 * this.view.zoom;
  }

  place() {
    const s = this.scale();
    const [cx, cy] = this.middle();
    for (let i = 0; i < this.n; i++) {
      const there = !this.there || this.there[i]; // an image the film does not have is nowhere
      this.sx[i] = there ? cx + (this.x[i] - this.view.x) * s : -1e6;
      this.sy[i] = cy - (this.y[i] - this.view.y) * s;
    }
  }

  zoomBy(factor, px = this.middle()[0], py = this.middle()[1]) {
    const before = this.scale();
    const zoom = Math.max(1, Math.min(60, this.view.zoom * factor));
    const [cx, cy] = this.middle();
    const [dx, dy] = [px - cx, cy - py];
    this.view.zoom = zoom;
    const after = this.scale();
    this.view.x += dx / before - dx / after;
    this.view.y += dy / before - dy / after;
    this.keepInside();
    this.draw();
  }

  keepInside() {
    const room = 1 - 1 / this.view.zoom; // zoomed out, all is in the middle; zoomed in, one may go to any edge
    for (const [axis, i] of [["x", 0], ["y", 1]]) {
      const most = this.span[i] * (room + 0.3 * Math.min(1, 4 * room));
      this.view[axis] = Math.max(-most, Math.min(most, this.view[axis]));
    }
    this.touchable();
  }

  // Seen whole, a finger that moves up or down scrolls the page, so that a map does not trap a phone.
  touchable() {
    this.front.style.touchAction = this.view.zoom > 1.02 || this.tool === "lasso" ? "none" : "pan-y";
  }

  radius() {
    const crowd = Math.max(0.62, Math.min(1.35, Math.sqrt(2500 / Math.max(1, this.n))));
    const small = Math.max(0.72, Math.min(1, Math.sqrt(this.width * this.height / 420000)));
    return 3 * crowd * small * Math.min(2.4, this.view.zoom ** 0.4);
  }

  // --- Drawing

  resize() {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!width || !this.data) return;
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    this.width = width;
    this.height = height;
    for (const canvas of [this.back, this.front]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.bits = null;
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (!this.data || !this.width) return;
      this.place();
      this.drawPoints();
      this.drawFront();
      if (!this.root.dataset.drawn) this.root.dataset.drawn = Math.round(performance.now());
      this.root.dataset.points = this.n;
      this.root.dataset.version = this.data.version;
    });
  }

  drawPoints() {
    const ctx = this.back.getContext("2d", { alpha: false });
    const [w, h, ratio] = [this.back.width, this.back.height, this.ratio];
    if (!this.bits) {
      this.bits = ctx.createImageData(w, h);
      this.pixels = new Int32Array(this.bits.data.buffer);
    }
    const { back, text } = this.theme;
    const pixels = this.pixels;
    pixels.fill(0xff000000 | back[2] << 16 | back[1] << 8 | back[0]);
    const r = this.radius();
    const body = disc(r * ratio);
    const halo = r > 2.3 ? disc((r + 0.8) * ratio) : null;
    const mute = disc(r * 0.8 * ratio);
    const big = r * (this.labelled > 300 ? 1.1 : 1.45); // few labels may stand out, a thousand would hide the rest
    const edge = this.labelled > 300 ? 1 : 1.4;
    const mark = disc(big * ratio);
    const ring = disc((big + edge) * ratio);
    const gap = disc((big + edge + 0.9) * ratio);
    const faint = mix(back, this.grey(), this.theme.dark ? 0.34 : 0.3).map(Math.round);
    const dense = this.n > 6000 ? 190 : 220;
    const rows = this.sy.map((y) => y * ratio);
    const reach = Math.max(gap.half, body.half, mute.half, halo ? halo.half : 0) + 1;
    bands(this.order, rows, h, reach).forEach((points, band) => {
      const [top, bottom] = [band * BAND, Math.min(h, (band + 1) * BAND)];
      for (const i of points) {
        const [x, y] = [this.sx[i] * ratio, rows[i]];
        if (!this.visible[i]) {
          blend(pixels, w, top, bottom, mute, x, y, faint[0], faint[1], faint[2], 200);
          continue;
        }
        const [cr, cg, cb] = [this.colour[3 * i], this.colour[3 * i + 1], this.colour[3 * i + 2]];
        if (this.kind[i] === 0) {
          blend(pixels, w, top, bottom, gap, x, y, back[0], back[1], back[2], 256);
          blend(pixels, w, top, bottom, ring, x, y, text[0], text[1], text[2], 256);
          blend(pixels, w, top, bottom, mark, x, y, cr, cg, cb, 256);
        } else {
          if (halo) blend(pixels, w, top, bottom, halo, x, y, back[0], back[1], back[2], 150);
          blend(pixels, w, top, bottom, body, x, y, cr, cg, cb, dense);
        }
      }
    });
    ctx.putImageData(this.bits, 0, 0);
    this.drawImages(ctx);
  }

  grey() {
    return rgb(this.data.grey);
  }

  // Images in place of points: all of them where few are in sight, else as many as lie side by side. Which ones does not
  // depend on where the map has been moved.
  drawImages(ctx) {
    const inside = (i) => this.visible[i] && this.sx[i] > -20 && this.sy[i] > -20
      && this.sx[i] < this.width + 20 && this.sy[i] < this.height + 20;
    let few = false;
    if (this.view.zoom > 1.5) {
      let seen = 0;
      for (let i = 0; i < this.n && seen <= CROWD; i++) seen += inside(i);
      few = seen <= CROWD;
    }
    if (!this.images && !few) return;
    const size = few && !this.images ? 34 : 28;
    const cell = size + 4;
    const s = this.scale();
    const taken = new Map(); // by cell: at most one image fits into each
    ctx.save();
    ctx.scale(this.ratio, this.ratio);
    for (let k = this.n - 1; k >= 0; k--) {
      const i = this.order[k];
      if (!inside(i)) continue;
      if (this.images) {
        const [u, v] = [this.x[i] * s / cell, this.y[i] * s / cell];
        const [a, b] = [Math.floor(u), Math.floor(v)];
        if (AROUND.some(([p, q]) => {
          const other = taken.get(`${a + p} ${b + q}`);
          return other && Math.abs(other[0] - u) < 1 && Math.abs(other[1] - v) < 1;
        })) continue;
        taken.set(`${a} ${b}`, [u, v]);
      }
      const [x, y] = [this.sx[i] - size / 2, this.sy[i] - size / 2];
      ctx.fillStyle = css(this.colour.subarray(3 * i, 3 * i + 3));
      ctx.fillRect(x - 2, y - 2, size + 4, size + 4);
      drawTile(ctx, this.data.sheets, this.tile[i], x, y, size, () => this.draw());
    }
    ctx.restore();
  }

  drawFront() {
    if (!this.width) return;
    const ctx = this.front.getContext("2d");
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    const r = this.radius();
    const circle = (i, radius, width, colour) => {
      ctx.beginPath();
      ctx.arc(this.sx[i], this.sy[i], radius, 0, 2 * Math.PI);
      ctx.lineWidth = width;
      ctx.strokeStyle = colour;
      ctx.stroke();
    };
    const [text, back] = [css(this.theme.text), css(this.theme.back)];
    const pin = this.row.get(this.group.pin);
    if (pin !== undefined) {
      for (const id of this.group.near) {
        const i = this.row.get(id);
        if (i === undefined) continue;
        ctx.beginPath();
        ctx.moveTo(this.sx[pin], this.sy[pin]);
        ctx.lineTo(this.sx[i], this.sy[i]);
        ctx.lineWidth = 1;
        ctx.strokeStyle = css(this.theme.text, 0.45);
        ctx.stroke();
        circle(i, r + 3, 3.5, back);
        circle(i, r + 3, 1.5, text);
      }
      circle(pin, r + 6, 5, back);
      circle(pin, r + 6, 3, css(this.theme.primary));
    }
    const over = this.row.get(this.group.hover);
    if (over !== undefined) {
      circle(over, r + 4, 4, back);
      circle(over, r + 4, 2, text);
    }
    if (this.path && this.path.length > 1) {
      ctx.beginPath();
      for (const [x, y] of this.path) ctx.lineTo(x, y);
      ctx.closePath();
      ctx.fillStyle = css(this.theme.primary, 0.12);
      ctx.fill();
      ctx.setLineDash([5, 4]);
      ctx.lineWidth = 1.5;
      ctx.strokeStyle = css(this.theme.primary);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    this.showTip(over);
  }

  // The image in front, beside its point.
  showTip(i) {
    const tip = this.tip;
    if (i === undefined || this.sx[i] < 0 || this.sy[i] < 0 || this.sx[i] > this.width || this.sy[i] > this.height) {
      tip.hidden = true;
      tip.dataset.id = tip.dataset.said = "";
      return;
    }
    const d = this.data;
    const said = `${this.id[i]} ${this.follows} ${d.version} ${this.frame}`; // a film goes on under the pointer
    if (tip.dataset.said !== said) {
      tip.dataset.said = said;
      tip.dataset.id = this.id[i];
      const words = this.tipWords(i);
      tip.replaceChildren(picture(d.sheets, this.tile[i], d.chrome ? 84 : this.follows ? 36 : 56),
        element("div", {}, ...(this.follows ? words.slice(-1) : words)));
    }
    tip.hidden = false;
    const [w, h] = [tip.offsetWidth, tip.offsetHeight];
    const x = this.sx[i] + 18 + w > this.width ? this.sx[i] - 18 - w : this.sx[i] + 18;
    const y = this.sy[i] - h / 2;
    tip.style.transform = `translate(${Math.round(Math.max(4, Math.min(this.width - w - 4, x)))}px,`
      + `${Math.round(Math.max(4, Math.min(this.height - h - 4, y)))}px)`;
  }

  tipWords(i) {
    const d = this.data;
    const dot = (k) => element("i", { class: "dot", style: `background:${d.colours[k]}` });
    const words = [element("strong", {}, nameOf(this.id[i], this.kind[i])),
      element("div", {}, "Class ", dot(this.true[i]), d.classes[this.true[i]])];
    const k = this.predicted[i];
    if (k >= 0) {
      const right = k === this.true[i];
      words.push(element("div", {}, `${d.q}: `, dot(k), `${d.classes[k]}, ${percent(this.sure[i])}`,
        right ? null : element("span", { class: "verdict wrong" }, "wrong")));
    }
    return words;
  }

  prefetch() { // one sheet after the other once the points stand, so that the first hover already has its picture
    const { urls, lazy } = this.data.sheets;
    if (lazy) return; // of a whole data set: each when an image on it is looked at
    let next = 0;
    const load = () => {
      if (next >= urls.length || !this.root.isConnected) return;
      const image = sheet(urls[next++]);
      if (image.complete) load();
      else for (const end of ["load", "error"]) image.addEventListener(end, load, { once: true });
    };
    clearTimeout(this.later);
    this.later = setTimeout(load, 150);
  }

  // --- Pointers and keys

  nearest(px, py, reach = REACH) {
    let best = -1;
    let least = reach * reach;
    for (let i = 0; i < this.n; i++) {
      if (!this.visible[i]) continue;
      const d = (this.sx[i] - px) ** 2 + (this.sy[i] - py) ** 2 - (this.kind[i] === 0 ? 9 : 0);
      if (d < least) [least, best] = [d, i];
    }
    return best;
  }

  at(event) {
    const box = this.front.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  look(i) {
    const id = i < 0 ? null : this.id[i];
    this.cursor = i;
    this.front.style.cursor = this.tool === "lasso" ? "crosshair" : i < 0 ? "grab" : "pointer";
    if (this.group.hover !== id) tell(this.group, { hover: id }, this);
  }

  pin(i) {
    const card = [...this.group.members].find((m) => m.takesPins);
    if (card) {
      card.pin(this.id[i]);
    } else {
      tell(this.group, { pin: this.id[i], near: [] }, this);
      this.send("pin", this.id[i]);
    }
  }

  down(event) {
    if (event.button) return;
    const [x, y] = this.at(event);
    this.pointers.set(event.pointerId, [x, y]);
    this.front.setPointerCapture(event.pointerId);
    this.drag = { x, y, moved: false, touch: event.pointerType !== "mouse" };
    if ((this.tool === "lasso" || event.shiftKey) && this.pointers.size === 1) this.path = [[x, y]];
  }

  move(event) {
    const [x, y] = this.at(event);
    const was = this.pointers.get(event.pointerId);
    if (!was) {
      this.look(this.nearest(x, y));
      return;
    }
    if (this.pointers.size === 2) {
      const [a, b] = [...this.pointers.values()];
      this.path = null;
      const before = Math.hypot(a[0] - b[0], a[1] - b[1]);
      this.pointers.set(event.pointerId, [x, y]);
      const [c, d] = [...this.pointers.values()];
      const s = this.scale();
      this.view.x -= ((c[0] + d[0]) - (a[0] + b[0])) / 2 / s;
      this.view.y += ((c[1] + d[1]) - (a[1] + b[1])) / 2 / s;
      this.drag.moved = true;
      this.zoomBy(Math.hypot(c[0] - d[0], c[1] - d[1]) / Math.max(1, before), (c[0] + d[0]) / 2, (c[1] + d[1]) / 2);
      return;
    }
    this.pointers.set(event.pointerId, [x, y]);
    if (!this.drag.moved && Math.hypot(x - this.drag.x, y - this.drag.y) < (this.drag.touch ? 8 : 4)) return;
    this.drag.moved = true;
    if (this.path) {
      this.path.push([x, y]);
      this.drawFront();
      return;
    }
    const s = this.scale();
    this.view.x -= (x - was[0]) / s;
    this.view.y += (y - was[1]) / s;
    this.front.style.cursor = "grabbing";
    this.keepInside();
    this.draw();
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    const [x, y] = this.at(event);
    const path = this.path;
    this.path = null;
    if (event.type === "pointercancel") return this.drawFront();
    if (path && this.drag.moved) return this.lasso(path);
    const i = this.nearest(x, y, this.drag.touch ? 2 * REACH : REACH);
    this.look(i);
    if (!this.drag.moved && i >= 0) this.pin(i);
    else this.drawFront();
  }

  lasso(path) {
    const inside = new Set();
    for (let i = 0; i < this.n; i++) {
      if (!this.visible[i] && !this.group.lasso) continue;
      let odd = false;
      for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
        const [[ax, ay], [bx, by]] = [path[a], path[b]];
        if (ay > this.sy[i] !== by > this.sy[i]
          && this.sx[i] < (bx - ax) * (this.sy[i] - ay) / (by - ay) + ax) odd = !odd;
      }
      if (odd) inside.add(this.id[i]);
    }
    tell(this.group, { lasso: inside.size ? inside : null }, this);
  }

  // The wheel zooms, unless the page is being scrolled past the map.
  wheel(event) {
    const now = performance.now();
    if (!event.ctrlKey && now - (this.scrolled || 0) < 250) {
      this.scrolled = now;
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 300 : 1);
    this.zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0018)), ...this.at(event));
  }

  press(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = arrows[event.key];
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (way && event.shiftKey) {
      this.view.x += way[0] * 60 / this.scale();
      this.view.y -= way[1] * 60 / this.scale();
      this.keepInside();
      this.draw();
    } else if (way) this.walk(way);
    else if (event.key === "Enter" || event.key === " ") {
      if (this.cursor >= 0) this.pin(this.cursor);
    } else if (event.key === "+" || event.key === "=") this.zoomBy(1.5);
    else if (event.key === "-") this.zoomBy(1 / 1.5);
    else if (event.key === "0") this.all();
    else if (event.key === "Escape") {
      this.look(-1);
      if (this.group.lasso || Object.keys(this.group.filter).length) tell(this.group, { lasso: null, filter: {} }, this);
    } else return;
    event.preventDefault();
  }

  // To the nearest point in a direction: near, and not too far aside.
  walk([dx, dy]) {
    const from = this.cursor >= 0 ? [this.sx[this.cursor], this.sy[this.cursor]] : this.middle();
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.n; i++) {
      if (!this.visible[i] || i === this.cursor) continue;
      const [x, y] = [this.sx[i] - from[0], this.sy[i] - from[1]];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (this.cursor >= 0 && (ahead < 2 || aside > ahead)) continue;
      const cost = Math.hypot(x, y) + aside;
      if (cost < least) [least, best] = [cost, i];
    }
    if (best < 0) return;
    const [x, y] = [this.sx[best], this.sy[best]];
    if (x < 20 || y < 20 || x > this.width - 20 || y > this.height - 20) {
      const [cx, cy] = this.middle();
      this.view.x += (x - cx) / this.scale();
      this.view.y -= (y - cy) / this.scale();
      this.keepInside();
      this.draw();
    }
    this.look(best);
    this.spoken.textContent = this.tipWords(best).map((w) => w.textContent).join(". ");
  }

  all() {
    this.view = { x: 0, y: 0, zoom: 1 };
    this.touchable();
    this.draw();
  }

  // --- Around the map

  build() {
    this.head = element("div", { class: "chrome" });
    this.back = element("canvas", { class: "points", "aria-hidden": "true" });
    this.front = element("canvas", {
      class: "front", tabindex: "0", role: "application", "aria-roledescription": "map of images",
      onpointerdown: (e) => this.down(e),
      onpointermove: (e) => this.move(e),
      onpointerup: (e) => this.up(e),
      onpointercancel: (e) => this.up(e),
      onpointerleave: () => this.pointers.size || this.look(-1),
      onblur: () => this.look(-1),
      onkeydown: (e) => this.press(e),
    });
    this.front.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    keepTouch(this.front, () => this.front.style.touchAction === "none");
    this.past = (e) => {
      if (!e.composedPath().includes(this.front)) this.scrolled = performance.now();
    };
    window.addEventListener("wheel", this.past, { passive: true, capture: true });
    this.tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.spoken = element("div", { class: "spoken", "aria-live": "polite" });
    const tool = (name, title, press) => element("button", { class: "tool", title, "aria-label": title, onclick: press },
      icon(name));
    this.lassoTool = tool("lasso", "Select with a lasso (or hold Shift and drag)", () => {
      this.tool = this.tool === "lasso" ? "look" : "lasso";
      this.lassoTool.setAttribute("aria-pressed", this.tool === "lasso");
      this.touchable();
      this.look(-1);
    });
    this.imagesTool = tool("images", "Show images in place of points", () => {
      this.images = !this.images;
      this.imagesTool.setAttribute("aria-pressed", this.images);
      this.draw();
    });
    for (const t of [this.lassoTool, this.imagesTool]) t.setAttribute("aria-pressed", "false");
    const tools = element("div", { class: "tools" },
      element("div", {}, tool("plus", "Zoom in", () => this.zoomBy(1.6)),
        tool("minus", "Zoom out", () => this.zoomBy(1 / 1.6)), tool("fit", "Show all", () => this.all())),
      element("div", {}, this.imagesTool, this.lassoTool),
      element("div", { class: "wide" }, tool("full", "Full screen", () => {
        if (document.fullscreenElement) document.exitFullscreen();
        else this.root.requestFullscreen();
      })));
    this.busy = element("div", { class: "busy", role: "status" });
    this.stage = element("div", { class: "stage" }, this.back, this.front, this.busy, tools, this.tip);
    this.legend = element("div", { class: "legend" });
    this.status = element("div", { class: "status" });
    this.root.append(this.head, this.stage, this.legend, this.status, this.spoken);
  }

  drawChrome() {
    const d = this.data;
    this.writeStatus();
    if (!d.chrome) {
      this.head.replaceChildren();
      this.legend.replaceChildren();
      return;
    }
    drawControls(this.head, this, d);
    const counts = {};
    if (this.group.mode !== "entropy") {
      const mine = this.group.filter[this.group.mode];
      for (let i = 0; i < this.n; i++) { // counts of a legend ignore its own filter, so one sees what one would get
        const key = this.key(this.group.mode, i);
        if (this.visible[i] || (mine && !mine.has(key) && this.elsewhere(i))) counts[key] = (counts[key] || 0) + 1;
      }
    }
    drawLegend(this.legend, this, this.entries(this.group.mode), counts);
  }

  elsewhere(i) {
    const { filter, mode } = this.group;
    const kept = filter[mode];
    delete filter[mode];
    const is = this.shown(i);
    filter[mode] = kept;
    return is;
  }

  writeStatus() {
    const d = this.data;
    const kinds = [0, 0, 0];
    let [shown, right] = [0, 0];
    for (let i = 0; i < this.n; i++) {
      if (!this.visible[i]) continue;
      shown += 1;
      kinds[this.kind[i]] += 1;
      right += this.kind[i] === 2 && this.true[i] === this.predicted[i];
    }
    const total = this.there ? this.film.n : this.n;
    const parts = KINDS.map((name, k) => kinds[k] && `${count(kinds[k])} ${name}`).filter(Boolean);
    const all = shown === total;
    const words = !d.chrome && all ? [] : [`${all ? "" : `${count(shown)} of `}${count(total)} images${all || !shown ? "" : " in colour"}`];
    if (shown && d.chrome) words.push(parts.join(", "));
    if (d.modes.includes("right") && kinds[2]) {
      words.push(`${count(right)} of ${kinds[2] === 1 ? "the 1" : count(kinds[2])} test right${d.note ? ` (${d.note})` : ""}`);
    }
    if (this.there) words.unshift(`After epoch ${this.film.epochs[this.frame]}`);
    this.status.replaceChildren(words.join(" · "));
    const { filter, lasso, mode } = this.group;
    const chip = (text, undo) => this.status.append(element("button", { class: "chip", title: "Remove this filter",
      onclick: undo }, text, icon("close")));
    if (lasso) chip("lasso", () => tell(this.group, { lasso: null }, this));
    for (const other of Object.keys(filter)) {
      if (other === mode && d.chrome) continue;
      const names = other === "entropy" ? `at least ${filter.entropy.toFixed(2)} nats`
        : this.entries(other).filter((e) => filter[other].has(e.k)).map((e) => e.name).join(", ");
      chip(`${MODES[other].toLowerCase()}: ${names}`, () => setFilter(this, other, null));
    }
  }

  destroy() {
    cancelAnimationFrame(this.waiting);
    cancelAnimationFrame(this.travelling);
    clearTimeout(this.later);
    window.removeEventListener("wheel", this.past, { capture: true });
    this.observer.disconnect();
    leave(this.group, this);
    this.root.remove();
  }
}

// A film as it came over the wire: one picture after the other.
const FULL = 32767;

function unpacked(data) {
  const { version, epochs, centre, half } = data.film;
  const ids = data.film_ids.getChild("id").toArray();
  const at = new Map();
  ids.forEach((id, r) => at.set(id, r));
  const [x, y, predicted, sure, entropy] = ["x", "y", "predicted", "sure", "entropy"]
    .map((name) => data.film_frames.getChild(name).toArray());
  return { version, epochs, centre, half, ids, n: ids.length, at, x, y, predicted, sure, entropy };
}

// How far the points of a film get from the middle of its map, in the map's units, by axis.
function reach(film, fit, least) {
  const far = [0, 0];
  const offset = [film.centre[0] - fit.cx, film.centre[1] - fit.cy];
  [film.x, film.y].forEach((values, axis) => {
    for (const v of values) far[axis] = Math.max(far[axis], Math.abs(v * film.half / FULL + offset[axis]) / fit.half);
  });
  return far.map((f, axis) => Math.max(f, least[axis]));
}

// Coordinates centred and shrunk to [-1, 1] without changing their shape, and their half-widths.
function fitted(x, y) {
  const range = (v) => v.reduce(([a, b], c) => [Math.min(a, c), Math.max(b, c)], [Infinity, -Infinity]);
  const [[x0, x1], [y0, y1]] = [range(x), range(y)];
  const half = Math.max(x1 - x0, y1 - y0, 1e-9) / 2;
  const put = (v, lo, hi) => Float32Array.from(v, (c) => (c - (lo + hi) / 2) / half);
  const wide = (lo, hi) => Math.max(0.05, (hi - lo) / 2 / half);
  const fit = x.length ? { cx: (x0 + x1) / 2, cy: (y0 + y1) / 2, half } : { cx: 0, cy: 0, half: 1 };
  return { x: put(x, x0, x1), y: put(y, y0, y1), span: x.length ? [wide(x0, x1), wide(y0, y1)] : [1, 1], fit };
}

// --- Controls and legend, of one map or of several that belong together

function setFilter(owner, mode, wanted) {
  const filter = { ...owner.group.filter };
  if (wanted == null || wanted.size === 0) delete filter[mode];
  else filter[mode] = wanted;
  tell(owner.group, { filter }, owner);
}

function drawControls(box, owner, data) {
  const { group } = owner;
  const choose = (mode) => tell(group, { mode }, owner);
  if (box.dataset.modes !== data.modes.join()) {
    box.dataset.modes = data.modes.join();
    const segments = element("div", { class: "segments", role: "radiogroup", "aria-label": "Colour by" },
      ...data.modes.map((m) => element("button", { role: "radio", "data-mode": m, onclick: () => choose(m) }, MODES[m])));
    const narrow = element("select", { "aria-label": "Colour by", onchange: (e) => choose(e.target.value) },
      ...data.modes.map((m) => element("option", { value: m }, MODES[m])));
    const show = element("select", { class: "show", "aria-label": "Show",
      onchange: (e) => setFilter(owner, "kind", e.target.value === "" ? null : new Set([Number(e.target.value)])) },
      element("option", { value: "" }, "All images"),
      ...KINDS.map((name, k) => element("option", { value: k }, `${name[0].toUpperCase()}${name.slice(1)} only`)));
    box.replaceChildren(
      element("span", { class: "by" }, "Colour by"), segments, element("span", { class: "narrow" }, narrow),
      element("span", { class: "which" }, show));
  }
  for (const button of box.querySelectorAll("[data-mode]")) {
    const chosen = button.dataset.mode === group.mode;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
    button.onkeydown = (e) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const modes = data.modes;
      const next = modes[(modes.indexOf(group.mode) + step + modes.length) % modes.length];
      choose(next);
      box.querySelector(`[data-mode=${next}]`).focus();
    };
  }
  box.querySelector(".narrow select").value = group.mode;
  const kinds = group.filter.kind;
  box.querySelector(".show").value = kinds && kinds.size === 1 ? [...kinds][0] : "";
}

function drawLegend(box, owner, entries, counts) {
  const { group, data } = owner;
  if (group.mode === "entropy") {
    drawScale(box, owner, data);
    return;
  }
  const wanted = group.filter[group.mode];
  const press = (k, more) => {
    let next = new Set(wanted);
    if (more && wanted) next.delete(k) || next.add(k);
    else next = wanted && wanted.size === 1 && wanted.has(k) ? null : new Set([k]);
    setFilter(owner, group.mode, next && next.size === entries.length ? null : next);
  };
  const key = `${group.mode} ${entries.length}`;
  const [scroll, focus] = [box.scrollTop, box.getRootNode().activeElement?.dataset?.k];
  const buttons = entries.map(({ k, name, colour }) => element("button", {
    "data-k": k,
    "aria-pressed": wanted ? String(wanted.has(k)) : "false",
    class: wanted && !wanted.has(k) ? "off" : "",
    title: wanted && wanted.has(k) && wanted.size === 1 ? "Show all again" : "Show only these; with Shift, these too",
    onclick: (e) => press(k, e.shiftKey || e.metaKey || e.ctrlKey),
  }, element("i", { class: "dot", style: `background:${colour}` }), name,
  counts ? element("small", {}, count(counts[k] || 0)) : null));
  box.classList.toggle("many", entries.length > 24);
  box.replaceChildren(...buttons);
  if (box.dataset.key === key) box.scrollTop = scroll;
  box.dataset.key = key;
  if (focus != null) box.querySelector(`[data-k="${focus}"]`)?.focus({ preventScroll: true });
}

// The colour bar of the entropy, in nats, with how many images lie where, and a lower limit.
function drawScale(box, owner, data) {
  const { group } = owner;
  const most = Math.log(Math.max(2, data.classes.length));
  const least = group.filter.entropy || 0;
  box.classList.remove("many");
  const theme = themeOf(owner.root);
  const stops = data.entropy[theme.dark ? "dark" : "light"];
  if (box.dataset.key !== `entropy ${stops}`) {
    box.dataset.key = `entropy ${stops}`;
    const slider = element("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Least entropy shown, nats",
      oninput: (e) => {
        const value = Number(e.target.value) / 100 * most;
        const filter = { ...group.filter, entropy: value };
        if (!value) delete filter.entropy;
        tell(group, { filter }, owner);
      } });
    box.replaceChildren(element("div", { class: "scale" },
      element("div", { class: "heap" }),
      element("div", { class: "bar", style: `background:linear-gradient(90deg,${stops.join()})` }),
      slider,
      element("div", { class: "marks" }, element("span", {}, "0 nats, sure"), element("span", { class: "limit" }),
        element("span", {}, `${most.toFixed(2)}, no idea`))));
    const heap = box.querySelector(".heap");
    if (owner.entropy) {
      const bins = new Array(50).fill(0);
      for (const e of owner.entropy) bins[Math.min(49, Math.floor(50 * e / most))] += 1;
      const top = Math.log1p(Math.max(...bins));
      heap.title = "How many images have which entropy (heights on a logarithmic scale)";
      heap.append(...bins.map((b) => element("i", { style: `height:${100 * Math.log1p(b) / top}%` })));
    }
  }
  const slider = box.querySelector("input");
  if (document.activeElement !== slider) slider.value = Math.round(100 * least / most);
  box.querySelector(".limit").textContent = least ? `at least ${least.toFixed(2)}` : "";
}

// Colours, filter and legend for several maps of one data set.
class Legend {
  constructor(parent) {
    this.root = element("section", { class: "map together" });
    this.head = element("div", { class: "chrome" });
    this.legend = element("div", { class: "legend" });
    this.root.append(this.head, this.legend);
    parent.append(this.root);
  }

  update(data) {
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    this.group.mode ??= data.colour;
    this.draw();
  }

  draw() {
    drawControls(this.head, this, this.data);
    drawLegend(this.legend, this, LatentMap.prototype.entries.call(this, this.group.mode), null);
  }

  heard(changes) {
    if ("mode" in changes || "filter" in changes) this.draw();
  }

  destroy() {
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(given.data?.part === "legend" ? Legend : LatentMap, given);
