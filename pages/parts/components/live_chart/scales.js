// Ranges and the way from values to pixels. A line is {x, y, g, k}: its points, sorted by x, its group and its kind.

import { roundStep } from "../shared/ticks.js";

export const MARGIN = { left: 46, right: 14, top: 8, bottom: 36 };

/** `low` and `high`: the band around a line that is a mean.
 * @typedef {{x: number[], y: number[], g: number, k: number, low?: number[], high?: number[]}} Line */

/**
 * The x before which the start of the lines may be left out: a quarter of the longest, if the last three quarters of each
 * lie above `level`; null if not.
 * @param {Line[]} lines @param {number | null} level
 */
export function settled(lines, level) {
  if (level === null || !lines.length) return null;
  const high = lines.every((l) => l.y.every((y, i) => y > level || l.x[i] < 0.25 * l.x.at(-1)));
  return high ? 0.25 * Math.max(...lines.map((l) => l.x.at(-1))) : null;
}

/** The range widened to round values. @param {number} low @param {number} high @returns {[number, number]} */
export function nice(low, high) {
  const step = roundStep(high - low, 5);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

/** The index of the value nearest to x in a sorted list, the lower of two. @param {number[]} xs @param {number} x @returns {number} */
export function closest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle;
    else high = middle;
  }
  return Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
}

/** The x of a recorded point nearest to x; null without lines. @param {Line[]} lines @param {number} x @returns {number | null} */
export function nearestX(lines, x) {
  let best = null;
  for (const l of lines) {
    const found = l.x[closest(l.x, x)];
    if (best === null || Math.abs(found - x) < Math.abs(best - x)) best = found;
  }
  return best;
}

/** What each line that has a point near x is there, the highest first. @param {Line[]} lines @returns {{line: Line, y: number}[]} */
export function valuesAt(lines, x, tolerance) {
  const found = [];
  for (const line of lines) {
    const i = closest(line.x, x);
    if (Math.abs(line.x[i] - x) <= tolerance) found.push({ line, y: line.y[i], i });
  }
  return found.sort((a, b) => b.y - a.y);
}

/** All of x: from 0 to the end of the longest line, or to `xMax` if that is more. @param {Line[]} lines @param {number | null} xMax @returns {[number, number]} */
export function wholeX(lines, xMax) {
  let to = xMax ?? 0;
  for (const l of lines) if (l.x.length) to = Math.max(to, l.x.at(-1));
  return [0, to || 1];
}

/**
 * A round range around what is visible. It grows at once and shrinks only when most of it is empty: it does not jump.
 * @param {Line[]} lines
 * @param {{marks: {y: number}[], yMin: number | null, yMax: number | null, skip: number, old: number[] | null}} given
 *   `skip`: values before this x do not count, where a line has later ones: a first value far off would flatten all that
 *   follows; `old`: the range so far
 * @param {[number, number]} x the range of x
 * @returns {number[] | null} null if there is nothing to show
 */
export function rangeY(lines, { marks, yMin, yMax, skip, old }, [x0, x1]) {
  let low = Infinity;
  let high = -Infinity;
  for (const l of lines) {
    const late = l.x.at(-1) > skip;
    l.x.forEach((x, i) => {
      if (x < x0 || x > x1 || (late && x < skip)) return;
      low = Math.min(low, l.low?.[i] ?? l.y[i]);
      high = Math.max(high, l.high?.[i] ?? l.y[i]);
    });
  }
  for (const m of marks) {
    low = Math.min(low, m.y);
    high = Math.max(high, m.y);
  }
  if (low > high) return null;
  const pad = (high - low) * 0.06 || Math.abs(high) * 0.02 || 0.5;
  const range = nice(Math.max(low - pad, yMin ?? -Infinity), Math.min(high + pad, yMax ?? Infinity));
  const still = old && range[0] >= old[0] && range[1] <= old[1] && range[1] - range[0] > 0.55 * (old[1] - old[0]);
  return still ? old : range;
}

/**
 * A zoom kept within the whole range: null if it is all of it, undefined if it is less than a thousandth.
 * @param {[number, number]} wanted
 * @param {[number, number]} whole
 * @returns {[number, number] | null | undefined}
 */
export function zoomWithin([from, to], [low, high]) {
  const [a, b] = [Math.max(low, from), Math.min(high, to)];
  if (b - a >= (high - low) * 0.999) return null;
  return b - a > (high - low) / 1000 ? [a, b] : undefined;
}

/** The scales of a chart of a size. @param {[number, number]} x @param {number[]} y */
export function scalesOf(width, height, [x0, x1], [y0, y1]) {
  const w = width - MARGIN.left - MARGIN.right;
  const h = height - MARGIN.top - MARGIN.bottom;
  return {
    width, height, w, h, x0, x1, y0, y1,
    px: (x) => MARGIN.left + ((x - x0) / (x1 - x0)) * w,
    py: (y) => MARGIN.top + (1 - (y - y0) / (y1 - y0)) * h,
    at: (px) => x0 + ((px - MARGIN.left) / w) * (x1 - x0),
  };
}
