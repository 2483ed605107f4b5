// What draws the pictures of a place in latent space: the decoder itself, or pictures of the plane, blended.

import { tileOf } from "../shared/levels.js";

// p(x|y,z) as matrices: every layer W h + b, ReLU between them, a sigmoid at the end.
export class Decoder {
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

/** Numbers of 16 bits as numbers of 32. @param {Uint16Array} halves @returns {Float32Array} */
export function fromHalf(halves) {
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

// Pictures at even steps of the plane, blended between the four nearest.
export class Field {
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
