// A film: where the images lay after each epoch, and what q(y|x) said of them. Epochs in between are drawn in between.

import { extent } from "./camera.js";

const SECONDS = [3, 12]; // how long a film plays, at least and at most
const EACH = 0.35; // seconds from one picture to the next, within these
export const FULL = 32767; // int16: what the farthest image from the middle is kept as

/**
 * @typedef {{version: string, epochs: number[], centre: number[], half: number, ids: Int32Array, n: number,
 *   at: Map<number, number>, x: Int16Array, y: Int16Array, predicted: Uint8Array, sure: Uint8Array,
 *   entropy: Uint8Array}} Film positions and beliefs, one epoch after the other; `at` is where an id stands in each
 */

/** A film as it came over the wire. @returns {Film} */
export function unpacked(data) {
  const { version, epochs, centre, half } = data.film;
  const ids = data.film_ids.getChild("id").toArray();
  const at = new Map();
  ids.forEach((id, r) => at.set(id, r));
  const [x, y, predicted, sure, entropy] = ["x", "y", "predicted", "sure", "entropy"]
    .map((name) => data.film_frames.getChild(name).toArray());
  return { version, epochs, centre, half, ids, n: ids.length, at, x, y, predicted, sure, entropy };
}

/** How far the points of a film get from the middle of its map, in the map's units, by axis, but for a few; and from where to where
 * all lie. `least`: what a map without it has. @returns {{span: number[], far: {low: number[], high: number[]}}} */
export function reach(film, fit, least) {
  const offset = [film.centre[0] - fit.cx, film.centre[1] - fit.cy];
  const span = [...least.span];
  const far = { low: [...least.far.low], high: [...least.far.high] };
  [film.x, film.y].forEach((values, axis) => {
    const unit = (v) => (v * film.half / FULL + offset[axis]) / fit.half;
    for (let from = 0; from < values.length; from += film.n) { // what lies apart in one picture lies elsewhere in another
      const { shown, all } = extent(values.subarray(from, from + film.n));
      span[axis] = Math.max(span[axis], ...shown.map((v) => Math.abs(unit(v))));
      far.low[axis] = Math.min(far.low[axis], unit(all[0]));
      far.high[axis] = Math.max(far.high[axis], unit(all[1]));
    }
  });
  return { span, far };
}

/**
 * The picture at or before an epoch, and how far it is on the way to the next.
 * @param {number[]} epochs ascending, two or more
 * @param {number} epoch
 * @returns {{k: number, share: number}} k is never the last one: there `share` is 1
 */
export function placeIn(epochs, epoch) {
  const last = epochs.length - 1;
  let k = 0;
  while (k < last - 1 && epochs[k + 1] <= epoch) k++;
  return { k, share: Math.max(0, (epoch - epochs[k]) / (epochs[k + 1] - epochs[k])) };
}

/** The picture at or before an epoch, the first one before all. @param {number[]} epochs @param {number} epoch @returns {number} */
export function pictureAt(epochs, epoch) {
  let k = 0;
  while (k < epochs.length - 1 && epochs[k + 1] <= epoch + 1e-9) k++;
  return k;
}

/** How long a film plays, in seconds. @param {number[]} epochs @returns {number} */
export function secondsOf(epochs) {
  return Math.max(SECONDS[0], Math.min(SECONDS[1], EACH * epochs.length));
}

/**
 * Where a film is when a share of it has played: each picture is as long as any other, whatever epochs lie between.
 * @param {number[]} epochs ascending, two or more
 * @param {number} share 0 to 1
 * @returns {number} an epoch, or something between two
 */
export function epochAt(epochs, share) {
  const place = Math.max(0, Math.min(1, share)) * (epochs.length - 1);
  const k = Math.min(epochs.length - 2, Math.floor(place));
  return epochs[k] + (place - k) * (epochs[k + 1] - epochs[k]);
}

/** The share of a film that has played at an epoch: `epochAt` the other way round. @param {number[]} epochs @param {number} epoch @returns {number} */
export function shareAt(epochs, epoch) {
  const { k, share } = placeIn(epochs, epoch);
  return Math.min(1, (k + share) / (epochs.length - 1));
}

/** The epoch that has a picture and is nearest, the earlier of two. @param {number[]} epochs @param {number} epoch @returns {number} */
export function nearestEpoch(epochs, epoch) {
  return epochs.reduce((a, b) => (Math.abs(b - epoch) < Math.abs(a - epoch) ? b : a));
}

/**
 * Put points where a film has them between its pictures k and k + 1. Those it does not have stay where they are.
 * @param {Film} film
 * @param {Int32Array} rows where each point stands in the film, or -1
 * @param {{k: number, share: number}} place
 * @param {{cx: number, cy: number, half: number}} fit of the map
 * @param {Float32Array} x
 * @param {Float32Array} y
 */
export function moveTo(film, rows, { k, share }, { cx, cy, half }, x, y) {
  const scale = film.half / FULL;
  const [a, b] = [film.n * k, film.n * (k + 1)];
  for (let i = 0; i < rows.length; i++) {
    const r = rows[i];
    if (r < 0) continue;
    const u = film.x[a + r] + (film.x[b + r] - film.x[a + r]) * share;
    const v = film.y[a + r] + (film.y[b + r] - film.y[a + r]) * share;
    x[i] = (u * scale + film.centre[0] - cx) / half;
    y[i] = (v * scale + film.centre[1] - cy) / half;
  }
}

/**
 * What q(y|x) said of the points in picture k; zeros of those that the film does not have.
 * @param {Film} film
 * @param {Int32Array} rows
 * @param {number} k
 * @param {number} classes
 * @returns {{predicted: Int16Array, sure: Float32Array, entropy: Float32Array}} entropy in nats
 */
export function beliefsAt(film, rows, k, classes) {
  const most = Math.log(Math.max(2, classes));
  const n = rows.length;
  const [predicted, sure, entropy] = [new Int16Array(n), new Float32Array(n), new Float32Array(n)];
  for (let i = 0; i < n; i++) {
    const r = rows[i];
    if (r < 0) continue;
    predicted[i] = film.predicted[k * film.n + r];
    sure[i] = film.sure[k * film.n + r] / 255;
    entropy[i] = film.entropy[k * film.n + r] / 255 * most;
  }
  return { predicted, sure, entropy };
}

/**
 * Who was of another class in the picture before k: the ways from class to class, the most taken first.
 * @param {Film} film
 * @param {number} k 1 or more
 * @returns {{from: number, to: number, ids: number[]}[]}
 */
export function classChanges(film, k) {
  const moved = new Map();
  const [now, then] = [k * film.n, (k - 1) * film.n];
  for (let r = 0; r < film.n; r++) {
    const [from, to] = [film.predicted[then + r], film.predicted[now + r]];
    if (from === to) continue;
    const way = from * 256 + to;
    if (!moved.has(way)) moved.set(way, { from, to, ids: [] });
    moved.get(way).ids.push(film.ids[r]);
  }
  return [...moved.values()].sort((a, b) => b.ids.length - a.ids.length);
}
