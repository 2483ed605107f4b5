// Squares that must not lie upon each other, and boxes in rows.

const AROUND = [-1, 0, 1].flatMap((p) => [-1, 0, 1].map((q) => [p, q]));

/**
 * Of squares of side 1 around (u, v), in the order given, those that overlap none that was kept before them.
 * @param {Iterable<number>} order indices, the most important first
 * @param {(i: number) => [number, number]} place
 * @returns {number[]} the indices kept, in their order
 */
export function packed(order, place) {
  const taken = new Map(); // by cell of side 1: at most one square has its middle in each
  const kept = [];
  for (const i of order) {
    const [u, v] = place(i);
    const [a, b] = [Math.floor(u), Math.floor(v)];
    const overlaps = AROUND.some(([p, q]) => {
      const other = taken.get(`${a + p} ${b + q}`);
      return other && Math.abs(other[0] - u) < 1 && Math.abs(other[1] - v) < 1;
    });
    if (overlaps) continue;
    taken.set(`${a} ${b}`, [u, v]);
    kept.push(i);
  }
  return kept;
}

/**
 * Boxes of one height side by side, begun anew in the next row where one does not fit.
 * @param {number[]} widths
 * @param {number} room the right edge
 * @param {number} left where rows begin
 * @returns {{places: [number, number][], rows: number}} of each its left edge and its row
 */
export function inRows(widths, room, left) {
  const places = [];
  let [x, row] = [left, 0];
  for (const width of widths) {
    if (x + width > room && x > left) [x, row] = [left, row + 1];
    places.push([x, row]);
    x += width;
  }
  return { places, rows: row + 1 };
}

/**
 * How many tiles of `n` go side by side on a sheet that is somewhat wider than high.
 * @param {number} n
 * @returns {{across: number, down: number}}
 */
export function contactGrid(n) {
  const across = Math.min(n, Math.max(8, Math.ceil(Math.sqrt(1.4 * n))));
  return { across, down: Math.ceil(n / across) };
}
