// Arrays as Python sends them, and what lies between two frames of them.

/** @typedef {{shape: number[], type: string, base64: string}} Sent */
/** @typedef {{shape: number[], values: Float32Array | Uint8Array}} Numbers */

/** @param {Sent | Numbers | undefined} sent @returns {Numbers | null} */
export function arrayOf(sent) {
  if (!sent || "values" in sent) return sent ?? null; // none, or of a film
  const bytes = Uint8Array.from(atob(sent.base64), (c) => c.charCodeAt(0));
  return { shape: sent.shape, values: sent.type === "uint8" ? bytes : new Float32Array(bytes.buffer) };
}

/** `a` at 0, `b` at 1; `b` alone where the two are not alike. @param {Numbers | null} a @param {Numbers} b @param {number} t */
export function between(a, b, t) {
  if (!a || t >= 1 || a.values.length !== b.values.length) return b;
  const values = new Float32Array(b.values.length);
  for (let i = 0; i < values.length; i += 1) values[i] = a.values[i] + (b.values[i] - a.values[i]) * t;
  return { shape: b.shape, values };
}

/**
 * Lines along which a field over a square has the value `level`, by marching squares: [x1, y1, x2, y2] in cells.
 * @param {ArrayLike<number>} field @param {number} side @param {number} level @returns {number[][]}
 */
export function contour(field, side, level) {
  const found = [];
  for (let r = 0; r + 1 < side; r += 1) {
    for (let c = 0; c + 1 < side; c += 1) {
      const v = [field[r * side + c], field[r * side + c + 1], field[(r + 1) * side + c + 1], field[(r + 1) * side + c]];
      const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]];
      const cuts = [];
      for (let i = 0; i < 4; i += 1) {
        const j = (i + 1) % 4;
        if (v[i] < level === v[j] < level) continue;
        const t = (level - v[i]) / (v[j] - v[i]);
        cuts.push([corners[i][0] + t * (corners[j][0] - corners[i][0]), corners[i][1] + t * (corners[j][1] - corners[i][1])]);
      }
      for (let i = 0; i + 1 < cuts.length; i += 2) found.push([...cuts[i], ...cuts[i + 1]]);
    }
  }
  return found;
}

/** Of places (n, 2), the nearest to (x, y) within `reach`, or -1. */
export function nearest(places, x, y, reach) {
  let best = -1;
  let least = reach * reach;
  for (let i = 0; i * 2 < places.length; i += 1) {
    const d = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
    if (d < least) [least, best] = [d, i];
  }
  return best;
}
