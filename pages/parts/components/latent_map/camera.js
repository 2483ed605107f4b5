// From the plane to the screen and back. The points lie in [-1, 1]; a screen's y runs down.
// A frame is what one looks through, a view is where one looks: the point in its middle, and how near.

/** @typedef {{low: number[], high: number[]}} Far from where to where all points lie, by axis */
/** @typedef {{width: number, height: number, span: number[], far?: Far, type?: number}} Frame in pixels; `span`: how far the points reach
 * by axis, without a few that lie far from all others; `far`: with them; `type`: how large the type of the page is */
/** @typedef {{x: number, y: number, zoom: number}} View */

export const WHOLE = Object.freeze({ x: 0, y: 0, zoom: 1 });
const MOST_ZOOM = 40;
const NOWHERE = -1e6; // pixels
const FEW_LABELS = 300; // so many labelled images may stand out; more would hide the rest
const [APART, GAP, SHRUNK] = [0.015, 0.08, 0.85]; // so few at each end, so far from the rest, lie beyond the edge if they would shrink it to that
const [TRIMMED, SHRUNK_MUCH] = [0.005, 0.6]; // or so few, with no such gap, if they would shrink it to that
const AROUND = 1.06;
const RIM = 12; // pixels from the edge at which what lies beyond it is drawn
const IN_SIGHT = 20; // pixels from the edge: a point is at least so far in sight
const TOOLS = 44; // pixels that the buttons take at the right of a wide map

const held = (v, low, high) => Math.max(low, Math.min(high, v));

/** The middle of what the buttons leave free. @param {Frame} frame @returns {[number, number]} */
export function middle({ width, height }) {
  return [(width - (width > 480 ? TOOLS : 0)) / 2, height / 2];
}

/** Pixels for a unit of the plane. @param {Frame} frame @param {number} zoom @returns {number} */
export function scaleOf(frame, zoom) {
  return Math.min(middle(frame)[0] / frame.span[0], frame.height / (2 * frame.span[1])) * 0.93 * zoom;
}

/** @param {Frame} frame @param {View} view @param {number} x @param {number} y @returns {[number, number]} pixels */
export function toScreen(frame, view, x, y) {
  const s = scaleOf(frame, view.zoom);
  const [cx, cy] = middle(frame);
  return [cx + (x - view.x) * s, cy - (y - view.y) * s];
}

/**
 * Where all points are on the screen; an image that a film does not have is nowhere. Of a map that is seen whole, a point that
 * lies beyond the edge is at the edge.
 * @param {Frame} frame
 * @param {View} view
 * @param {{n: number, x: Float32Array, y: Float32Array, there: Uint8Array | null}} points
 * @param {{x: Float32Array, y: Float32Array}} screen written to
 * @returns {number} how many were brought to the edge
 */
export function project(frame, view, points, screen) {
  const s = scaleOf(frame, view.zoom);
  const [cx, cy] = middle(frame);
  const [right, bottom] = [2 * cx, frame.height];
  let beyond = 0;
  for (let i = 0; i < points.n; i++) {
    const there = !points.there || points.there[i];
    let x = there ? cx + (points.x[i] - view.x) * s : NOWHERE;
    let y = cy - (points.y[i] - view.y) * s;
    if (there && view.zoom === 1 && (x < 0 || y < 0 || x > right || y > bottom)) {
      x = held(x, RIM, right - RIM);
      y = held(y, RIM, bottom - RIM);
      beyond += 1;
    }
    screen.x[i] = x;
    screen.y[i] = y;
  }
  return beyond;
}

/** @param {Frame} frame @param {View} view @param {number} px @param {number} py @returns {[number, number]} */
export function toData(frame, view, px, py) {
  const s = scaleOf(frame, view.zoom);
  const [cx, cy] = middle(frame);
  return [view.x + (px - cx) / s, view.y - (py - cy) / s];
}

/** The view in which the farthest point is in sight: `WHOLE`, unless a few lie beyond the edge there. @param {Frame} frame @returns {View} */
export function wholeOf(frame) {
  if (!frame.far) return WHOLE;
  const { low, high } = frame.far;
  const all = { ...frame, span: low.map((v, axis) => Math.max(0.05, (high[axis] - v) / 2)) };
  const zoom = scaleOf(all, 1) / scaleOf(frame, 1);
  const seen = low.every((v, axis) => Math.max(-v, high[axis]) <= frame.span[axis] + 1e-6);
  return seen || zoom > 1 ? WHOLE : { x: (low[0] + high[0]) / 2, y: (low[1] + high[1]) / 2, zoom };
}

/** Zoomed out, all is in the middle; zoomed in, one may go to any edge. @param {View} view @param {number[]} span
 * @param {View} [all] where the farthest point is in sight @returns {View} */
export function keptInside(view, span, all = WHOLE) {
  if (view.zoom < 1) {
    if (all.zoom >= 1) return { ...WHOLE };
    const share = (1 - view.zoom) / (1 - all.zoom);
    return { x: share * all.x, y: share * all.y, zoom: view.zoom };
  }
  const room = 1 - 1 / view.zoom;
  const [x, y] = [view.x, view.y].map((v, axis) => {
    const most = span[axis] * (room + 0.3 * Math.min(1, 4 * room));
    return held(v, -most, most);
  });
  return { x, y, zoom: view.zoom };
}

/** The points follow a hand that moves by so many pixels. @param {Frame} frame @param {View} view @returns {View} */
export function panned(frame, view, dx, dy) {
  const s = scaleOf(frame, view.zoom);
  return { x: view.x - dx / s, y: view.y + dy / s, zoom: view.zoom };
}

/** Nearer by a factor, around a pixel. @param {Frame} frame @param {View} view @param {number} factor @returns {View} */
export function zoomed(frame, view, factor, px, py) {
  const all = wholeOf(frame);
  const zoom = held(view.zoom * factor, all.zoom, MOST_ZOOM);
  const [before, after] = [scaleOf(frame, view.zoom), scaleOf(frame, zoom)];
  const [cx, cy] = middle(frame);
  const [dx, dy] = [px - cx, cy - py];
  const to = { x: view.x + dx / before - dx / after, y: view.y + dy / before - dy / after, zoom };
  return keptInside(to, frame.span, all);
}

/**
 * A view with a point in it: one so near that it has none goes to the nearest point.
 * @param {Frame} frame
 * @param {View} view
 * @param {{n: number, x: Float32Array, y: Float32Array, there: Uint8Array | null}} points
 * @returns {View}
 */
export function withPoints(frame, view, points) {
  const s = scaleOf(frame, view.zoom);
  const half = middle(frame).map((v) => Math.max(1, v - IN_SIGHT) / s);
  let [least, dx, dy] = [Infinity, 0, 0]; // how far to go
  for (let i = 0; i < points.n; i++) {
    if (points.there && !points.there[i]) continue;
    const [x, y] = [points.x[i] - view.x, points.y[i] - view.y];
    const [right, up] = [x - held(x, -half[0], half[0]), y - held(y, -half[1], half[1])];
    if (!right && !up) return view;
    const far = right * right + up * up;
    if (far < least) [least, dx, dy] = [far, right, up];
  }
  return { x: view.x + dx, y: view.y + dy, zoom: view.zoom };
}

/** The radius of a point in pixels: smaller in a crowd and on a small map, larger beside large type. @returns {number} */
export function radiusOf({ width, height, type = 1 }, zoom, n) {
  const crowd = held(Math.sqrt(2500 / Math.max(1, n)), 0.62, 1.35);
  const small = held(Math.sqrt(width * height / 420000), 0.72, 1);
  return 3 * type * crowd * small * Math.min(2.4, Math.max(1, zoom) ** 0.4);
}

/**
 * How large points are drawn, in pixels: r the radius of one, `mute` of one that is hidden, `big` of a labelled one,
 * the width of its edge, and how far the cross over a wrong one reaches along each axis.
 * @param {Frame} frame
 * @param {number} zoom
 * @param {{n: number, labelled: number}} points
 */
export function sizesOf(frame, zoom, { n, labelled }) {
  const [r, many] = [radiusOf(frame, zoom, n), labelled > FEW_LABELS];
  return { r, mute: 0.8 * r, big: r * (many ? 1.1 : 1.45), edge: many ? 1 : 1.4, cross: 0.95 * r };
}

// How many of the sorted values, from their end, lie apart from the rest; at most `most`.
function apart(sorted, most, gap) {
  for (let k = most; k > 0; k--) if (Math.abs(sorted.at(k) - sorted.at(k - 1)) > gap) return k;
  return 0;
}

/** From where to where values are shown: all, but for a few that lie so far away that they would shrink the rest.
 * @param {ArrayLike<number>} values @returns {{shown: [number, number], all: [number, number]}} */
export function extent(values) {
  const sorted = Float32Array.from(values).sort();
  const last = sorted.length - 1;
  const all = [sorted[0], sorted[last]];
  const range = all[1] - all[0];
  const most = Math.round(APART * last);
  const down = sorted.slice(-most - 1).reverse();
  const trimmed = Math.round(TRIMMED * last);
  for (const [below, above, shrunk] of [
    [apart(sorted, most, GAP * range), apart(down, most, GAP * range), SHRUNK], [trimmed, trimmed, SHRUNK_MUCH]]) {
    const [first, end] = [sorted[below], sorted[last - above]];
    const room = (AROUND - 1) / 2 * (end - first);
    if (end > first && AROUND * (end - first) < shrunk * range) return { shown: [Math.max(all[0], first - room), Math.min(all[1], end + room)], all };
  }
  return { shown: all, all };
}

/**
 * Coordinates centred and shrunk to [-1, 1] without changing their shape; a few that lie far away are beyond.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @returns {{x: Float32Array, y: Float32Array, span: number[], far: Far, fit: {cx: number, cy: number, half: number}}}
 *   `span`: their half-widths; `far`: from where to where all lie; `fit`: what was subtracted and divided by
 */
export function fitted(x, y) {
  if (!x.length) {
    return { x: new Float32Array(0), y: new Float32Array(0), span: [1, 1], far: { low: [-1, -1], high: [1, 1] }, fit: { cx: 0, cy: 0, half: 1 } };
  }
  const ends = [extent(x), extent(y)];
  const [cx, cy] = ends.map(({ shown: [low, high] }) => (low + high) / 2);
  const half = Math.max(...ends.map(({ shown: [low, high] }) => high - low), 1e-9) / 2;
  const put = (v, c) => Float32Array.from(v, (value) => (value - c) / half);
  const span = ends.map(({ shown: [low, high] }) => Math.max(0.05, (high - low) / 2 / half));
  const far = { low: ends.map(({ all }, axis) => (all[0] - [cx, cy][axis]) / half), high: ends.map(({ all }, axis) => (all[1] - [cx, cy][axis]) / half) };
  return { x: put(x, cx), y: put(y, cy), span, far, fit: { cx, cy, half } };
}
