// An animated GIF: one palette for all pictures; of each picture only what has changed since the one before.

const COLOURS = 255; // and one that is transparent: what has not changed
const [CLEAR, END, CODES] = [256, 257, 4096]; // of the compression (LZW)

const binOf = (pixels, at) => pixels[at] >> 3 << 10 | pixels[at + 1] >> 3 << 5 | pixels[at + 2] >> 3;

// The bins of a box, sorted by the channel in which they differ most; how much, and where half of the pixels are.
function box(bins) {
  const reach = [0, 1, 2].map((c) => {
    const of = bins.map((b) => b.mean[c]);
    return of.reduce((a, b) => Math.max(a, b)) - of.reduce((a, b) => Math.min(a, b));
  });
  const widest = reach.indexOf(Math.max(...reach));
  bins.sort((a, b) => a.mean[widest] - b.mean[widest]);
  const n = bins.reduce((sum, b) => sum + b.n, 0);
  let [half, cut] = [0, 0];
  while (cut < bins.length - 1 && (half += bins[cut].n) < n / 2) cut += 1;
  return { bins, n, cost: Math.sqrt(n) * reach[widest], cut: Math.max(1, Math.min(bins.length - 1, cut + 1)) };
}

/**
 * At most 255 colours that stand for all of some pictures, by median cut, and for every colour of 15 bits the nearest one.
 * @param {Uint8ClampedArray[]} pictures red, green, blue, opacity
 * @returns {{colours: number[][], nearest: Uint8Array}}
 */
export function paletteOf(pictures) {
  const found = new Map();
  for (const pixels of pictures) {
    for (let at = 0; at < pixels.length; at += 4) {
      const key = binOf(pixels, at);
      const bin = found.get(key) ?? { n: 0, sum: [0, 0, 0], mean: null };
      if (!bin.n) found.set(key, bin);
      bin.n += 1;
      for (let c = 0; c < 3; c++) bin.sum[c] += pixels[at + c];
    }
  }
  for (const bin of found.values()) bin.mean = bin.sum.map((s) => s / bin.n);
  const boxes = [box([...found.values()])];
  while (boxes.length < COLOURS) {
    const next = boxes.reduce((a, b) => (b.bins.length > 1 && b.cost > (a?.cost ?? 0) ? b : a), null);
    if (!next) break;
    const { bins, cut } = next;
    boxes.splice(boxes.indexOf(next), 1, box(bins.slice(0, cut)), box(bins.slice(cut)));
  }
  const colours = boxes.map(({ bins, n }) => [0, 1, 2].map((c) => Math.round(bins.reduce((sum, b) => sum + b.sum[c], 0) / n)));
  const nearest = new Uint8Array(1 << 15);
  for (let key = 0; key < nearest.length; key++) {
    const [r, g, b] = found.get(key)?.mean ?? [key >> 10, key >> 5 & 31, key & 31].map((v) => 8 * v + 4);
    let least = Infinity;
    colours.forEach((c, i) => {
      const far = (c[0] - r) ** 2 + (c[1] - g) ** 2 + (c[2] - b) ** 2;
      if (far < least) [least, nearest[key]] = [far, i];
    });
  }
  return { colours, nearest };
}

// Bytes, however many.
class Bytes {
  constructor() {
    [this.all, this.n] = [new Uint8Array(1 << 16), 0];
  }

  put(...bytes) {
    for (const byte of bytes) {
      if (this.n === this.all.length) {
        const more = new Uint8Array(2 * this.n);
        more.set(this.all);
        this.all = more;
      }
      this.all[this.n++] = byte;
    }
  }

  // Two bytes, the lower one first.
  put16(...values) {
    for (const v of values) this.put(v & 255, v >> 8);
  }
}

const TABLE = new Uint16Array(CODES << 8); // (code << 8 | next pixel) -> the code of both, or 0

// LZW: each code stands for pixels that were seen before, and is as many bits wide as there are codes by then.
function compressed(pixels) {
  const out = new Bytes();
  let [bits, held, width, next] = [0, 0, 9, END + 1];
  const emit = (code) => {
    bits |= code << held;
    for (held += width; held >= 8; held -= 8) {
      out.put(bits & 255);
      bits >>>= 8;
    }
    if (next === 1 << width && width < 12) width += 1;
  };
  const restart = () => {
    emit(CLEAR);
    TABLE.fill(0);
    [width, next] = [9, END + 1];
  };
  restart();
  let [before] = pixels;
  for (let i = 1; i < pixels.length; i++) {
    const at = before << 8 | pixels[i];
    if (TABLE[at]) {
      before = TABLE[at];
      continue;
    }
    emit(before);
    if (next < CODES) TABLE[at] = next++;
    else restart();
    before = pixels[i];
  }
  emit(before);
  emit(END);
  if (held) out.put(bits & 255);
  return out.all.subarray(0, out.n);
}

/** A GIF that repeats for ever. */
export class Gif {
  /** @param {number} width @param {number} height @param {{colours: number[][], nearest: Uint8Array}} palette */
  constructor(width, height, palette) {
    Object.assign(this, { width, height, palette, out: new Bytes(), before: null });
    const { out } = this;
    out.put(...new TextEncoder().encode("GIF89a"));
    out.put16(width, height);
    out.put(0xf7, COLOURS, 0); // a palette of 256 colours follows
    for (let i = 0; i < 256; i++) out.put(...(palette.colours[i] ?? [0, 0, 0]));
    out.put(0x21, 0xff, 11, ...new TextEncoder().encode("NETSCAPE2.0"), 3, 1, 0, 0, 0);
  }

  /** One more picture, for so many seconds. @param {Uint8ClampedArray} picture red, green, blue, opacity @param {number} seconds */
  add(picture, seconds) {
    const { width, height, palette: { nearest }, out, before } = this;
    const now = new Uint8Array(width * height);
    for (let i = 0; i < now.length; i++) now[i] = nearest[binOf(picture, 4 * i)];
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let i = 0; i < now.length; i++) {
      if (before && before[i] === now[i]) continue;
      const [x, y] = [i % width, i / width | 0];
      [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
    if (left >= right) [left, top, right, bottom] = [0, 0, 1, 1];
    const part = new Uint8Array((right - left) * (bottom - top));
    for (let y = top, k = 0; y < bottom; y++) {
      for (let x = left; x < right; x++, k++) {
        const i = y * width + x;
        part[k] = before && before[i] === now[i] ? COLOURS : now[i];
      }
    }
    out.put(0x21, 0xf9, 4, 0x05); // what is transparent shows the picture before
    out.put16(Math.round(100 * seconds));
    out.put(COLOURS, 0, 0x2c);
    out.put16(left, top, right - left, bottom - top);
    out.put(0, 8);
    const data = compressed(part);
    for (let i = 0; i < data.length; i += 255) out.put(Math.min(255, data.length - i), ...data.subarray(i, i + 255));
    out.put(0);
    this.before = now;
  }

  /** How many bytes it has so far. */
  get size() {
    return this.out.n;
  }

  /** The file. @returns {Uint8Array} */
  bytes() {
    this.out.put(0x3b);
    return this.out.all.slice(0, this.out.n);
  }
}
