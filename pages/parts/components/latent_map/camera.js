// From the plane to the screen and back. The points lie in [-1, 1]; a screen's y runs down.
// A frame is what one looks through, a view is where one looks: the point in its middle, and how near.

/** @typedef {{width: number, height: number, span: number[], type?: number}} Frame in pixels; `span`: how far the points reach by axis;
 * `type`: how large the type of the page is */
/** @typedef {{x: number, y: number, zoom: number}} View */

export const WHOLE = Object.freeze({ x: 0, y: 0, zoom: 1 });
const MOST_ZOOM = 60;
const NOWHERE = -1e6; // pixels
const FEW_LABELS = 300; // so many labelled images may stand out; more would hide the rest
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
 * Where all points are on the screen; an image that a film does not have is nowhere.
 * @param {Frame} frame
 * @param {View} view
 * @param {{n: number, x: Float32Array, y: Float32Array, there: Uint8Array | null}} points
 * @param {{x: Float32Array, y: Float32Array}} screen written to
 */
export function project(frame, view, points, screen) {
  const s = scaleOf(frame, view.zoom);
  const [cx, cy] = middle(frame);
  for (let i = 0; i < points.n; i++) {
    screen.x[i] = !points.there || points.there[i] ? cx + (points.x[i] - view.x) * s : NOWHERE;
    screen.y[i] = cy - (points.y[i] - view.y) * s;
  }
}

/** @param {Frame} frame @param {View} view @param {number} px @param {number} py @returns {[number, number]} */
export function toData(frame, view, px, py) {
  const s = scaleOf(frame, view.zoom);
  const [cx, cy] = middle(frame);
  return [view.x + (px - cx) / s, view.y - (py - cy) / s];
}

/** Zoomed out, all is in the middle; zoomed in, one may go to any edge. @param {View} view @param {number[]} span @returns {View} */
export function keptInside(view, span) {
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
  const zoom = held(view.zoom * factor, 1, MOST_ZOOM);
  const [before, after] = [scaleOf(frame, view.zoom), scaleOf(frame, zoom)];
  const [cx, cy] = middle(frame);
  const [dx, dy] = [px - cx, cy - py];
  const to = { x: view.x + dx / before - dx / after, y: view.y + dy / before - dy / after, zoom };
  return keptInside(to, frame.span);
}

/** The radius of a point in pixels: smaller in a crowd and on a small map, larger beside large type. @returns {number} */
export function radiusOf({ width, height, type = 1 }, zoom, n) {
  const crowd = held(Math.sqrt(2500 / Math.max(1, n)), 0.62, 1.35);
  const small = held(Math.sqrt(width * height / 420000), 0.72, 1);
  return 3 * type * crowd * small * Math.min(2.4, zoom ** 0.4);
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

/**
 * Coordinates centred and shrunk to [-1, 1] without changing their shape.
 * @param {ArrayLike<number>} x
 * @param {ArrayLike<number>} y
 * @returns {{x: Float32Array, y: Float32Array, span: number[], fit: {cx: number, cy: number, half: number}}}
 *   `span`: their half-widths; `fit`: what was subtracted and divided by
 */
export function fitted(x, y) {
  if (!x.length) return { x: new Float32Array(0), y: new Float32Array(0), span: [1, 1], fit: { cx: 0, cy: 0, half: 1 } };
  const range = (v) => v.reduce(([a, b], c) => [Math.min(a, c), Math.max(b, c)], [Infinity, -Infinity]);
  const [[x0, x1], [y0, y1]] = [range(x), range(y)];
  const half = Math.max(x1 - x0, y1 - y0, 1e-9) / 2;
  const put = (v, low, high) => Float32Array.from(v, (c) => (c - (low + high) / 2) / half);
  const wide = (low, high) => Math.max(0.05, (high - low) / 2 / half);
  return { x: put(x, x0, x1), y: put(y, y0, y1), span: [wide(x0, x1), wide(y0, y1)],
    fit: { cx: (x0 + x1) / 2, cy: (y0 + y1) / 2, half } };
}
