// Which point is meant: under a pointer, or next in a direction. Straight through all of them: 70,000 take some tenths of a
// millisecond, less than an index would take to build anew in every frame of a film.

const REACH = 14; // pixels from the pointer within which a point is looked at
const LABELLED_BONUS = 9; // square pixels by which a labelled image, which is drawn larger, is nearer

/** @typedef {{x: Float32Array, y: Float32Array}} Screen where the points are, in pixels */

/**
 * The visible point nearest to a pixel; -1 if none is within reach.
 * @param {Screen} screen
 * @param {Uint8Array} visible
 * @param {ArrayLike<number>} kind 0 is labelled
 * @param {number} px
 * @param {number} py
 * @param {number} [reach] pixels
 * @returns {number}
 */
export function nearest(screen, visible, kind, px, py, reach = REACH) {
  let best = -1;
  let least = reach * reach;
  for (let i = 0; i < visible.length; i++) {
    if (!visible[i]) continue;
    const d = (screen.x[i] - px) ** 2 + (screen.y[i] - py) ** 2 - (kind[i] === 0 ? LABELLED_BONUS : 0);
    if (d < least) [least, best] = [d, i];
  }
  return best;
}

/** As `nearest`, for a finger: it covers more. */
export function nearestToFinger(screen, visible, kind, px, py) {
  return nearest(screen, visible, kind, px, py, 2 * REACH);
}

/**
 * The visible point to step to from `cursor` in a direction: near, and not too far aside; -1 if there is none. Without a
 * cursor (-1) the one nearest to `from`, rather ahead than aside.
 * @param {Screen} screen
 * @param {Uint8Array} visible
 * @param {number} cursor
 * @param {[number, number]} from pixels
 * @param {[number, number]} way of length 1, along an axis
 * @returns {number}
 */
export function nextTowards(screen, visible, cursor, from, [dx, dy]) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < visible.length; i++) {
    if (!visible[i] || i === cursor) continue;
    const [x, y] = [screen.x[i] - from[0], screen.y[i] - from[1]];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy) + Math.abs(y * dx);
    if (cursor >= 0 && (ahead < 2 || aside > ahead)) continue;
    const cost = Math.hypot(x, y) + aside;
    if (cost < least) [least, best] = [cost, i];
  }
  return best;
}
