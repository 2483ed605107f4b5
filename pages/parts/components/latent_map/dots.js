// Discs and crosses blended into an array of pixels rather than drawn by WebGL: 10,000 take a few milliseconds on any machine, a page may
// hold any number of maps, and there is no graphics context to lose.

const BAND = 48; // rows of pixels that are drawn at a time
const SHAPES = new Map(); // (name, radius, width) -> 16 little pictures, one for each quarter-pixel offset

/** @typedef {{dx: Int32Array, dy: Int32Array, cover: Int32Array}} Mask pixels from the middle; 256 is all of one */

/**
 * Coverage of a disc, the same for all points of a size, at 4 x 4 positions within a pixel.
 * @param {number} radius pixels
 * @returns {{half: number, masks: Mask[]}}
 */
export function disc(radius) {
  const r = Math.max(0.5, Math.round(radius * 8) / 8);
  return shape(`disc ${r}`, r, (x, y) => r - Math.hypot(x, y));
}

/**
 * Coverage of a cross whose two strokes run from corner to corner, as `disc`.
 * @param {number} reach pixels from its middle to the end of a stroke, along each axis
 * @param {number} width pixels of a stroke
 * @returns {{half: number, masks: Mask[]}}
 */
export function cross(reach, width) {
  const [a, w] = [Math.max(0.5, Math.round(reach * 8) / 8), width / 2];
  const stroke = (x, y) => Math.min(w - Math.abs(x - y) / Math.SQRT2, (2 * a - Math.abs(x + y)) / Math.SQRT2 + w);
  return shape(`cross ${a} ${width}`, a + w, (x, y) => Math.max(stroke(x, y), stroke(x, -y)));
}

// `inside` says how many pixels a place lies within the shape; `reach` is how far that reaches from its middle.
function shape(key, reach, inside) {
  if (SHAPES.has(key)) return SHAPES.get(key);
  const half = Math.ceil(reach + 1);
  const masks = [];
  for (let v = 0; v < 4; v++) {
    for (let u = 0; u < 4; u++) {
      const [dx, dy, cover] = [[], [], []];
      for (let y = -half; y <= half; y++) {
        for (let x = -half; x <= half; x++) {
          const c = Math.round(256 * Math.max(0, Math.min(1, 0.5 + inside(x - u / 4, y - v / 4))));
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

/**
 * Blend a shape around (x, y) into the rows from `top` to before `bottom`. Red and blue share one multiplication: 60,000
 * points are some million pixels, and a frame is all this loop.
 * @param {Int32Array} pixels 0xaabbggrr
 */
export function blend(pixels, width, top, bottom, { half, masks }, x, y, r, g, b, alpha) {
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

/**
 * The points by the bands of rows that a shape of theirs may touch, those of each band in their order. Points lie anywhere;
 * a band at a time, the pixels they are blended into stay in the processor's cache.
 * @param {Uint32Array} order
 * @param {Float32Array} y rows of pixels
 * @param {number} height
 * @param {number} reach the largest shape
 * @returns {{top: number, bottom: number, points: Uint32Array}[]}
 */
export function bands(order, y, height, reach) {
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
  return Array.from({ length: last + 1 }, (_, k) => ({
    top: k * BAND, bottom: Math.min(height, (k + 1) * BAND), points: points.subarray(starts[k], starts[k + 1]) }));
}
