// How points are coloured, which are shown, and which lie on top.

import { mix, ramp, rgb } from "../shared/colours.js";
import { KINDS } from "../shared/words.js";

/** Ways of colouring that show the class predicted, so that what is predicted wrong has to be marked. */
export const CROSSED = ["sure", "predicted"];
const FAINTEST = 90; // of 256: a cross over an image of which the model has no idea

/** Whether point i gets a cross: a test image that is predicted wrong. No run was told of those, and accuracies count them. */
export function isCrossed(points, mode, i) {
  return CROSSED.includes(mode) && points.kind[i] === 2 && points.predicted[i] !== points.true[i];
}

/** What point i counts as in a way of colouring: its class, or right (0) or wrong (1), or its kind. */
export function keyOf(points, mode, i) {
  if (mode === "class") return points.true[i];
  if (mode === "predicted") return points.predicted[i];
  if (mode === "sure") return points.kind[i] === 0 ? points.true[i] : points.predicted[i];
  if (mode === "right") return points.true[i] === points.predicted[i] ? 0 : 1;
  return points.kind[i];
}

/** The entries of the legend: {k, name, colour}. */
export function entries(mode, d) {
  if (["class", "predicted", "sure"].includes(mode)) return d.classes.map((name, k) => ({ k, name, colour: d.colours[k] }));
  if (mode === "right") return [{ k: 0, name: "right", colour: d.right }, { k: 1, name: "wrong", colour: d.wrong }];
  return KINDS.map((name, k) => ({ k, name, colour: [d.colours[1], d.grey, d.colours[0]][k] }));
}

/** The marks that the legend explains besides its colours. @returns {{mark: "ring" | "cross", name: string}[]} */
export function marks(mode, d) {
  return [
    d.ringed && !["entropy", "kind"].includes(mode) && { mark: "ring", name: "labelled" },
    d.tested && CROSSED.includes(mode) && { mark: "cross", name: "wrong test image" },
  ].filter(Boolean);
}

/**
 * Whether point i passes the filters of its group, and its lasso; `but` names a filter that does not count.
 * @param {{filter: Object, lasso: Set<number> | null}} group
 * @param {string[]} modes ways of colouring that the points have: a filter by another one does not count
 */
export function isShown(points, { filter, lasso }, modes, i, but = "") {
  if (points.there && !points.there[i]) return false;
  for (const [mode, wanted] of Object.entries(filter)) {
    if (mode === but) continue;
    if (mode === "entropy") {
      if (points.entropy[i] < wanted) return false;
    } else if (mode === "words") {
      if (!wanted.conditions.every((c) => !modes.includes(c.mode) || c.test(points, i))) return false;
    } else if (modes.includes(mode) && !wanted.has(keyOf(points, mode, i))) return false;
  }
  return !lasso || lasso.has(points.id[i]);
}

/** 0 where q(y|x) has no idea of an image, 1 where it is sure or was told. */
export function certainty(points, i, classes) {
  const chance = 1 / classes;
  return points.kind[i] === 0 ? 1 : Math.max(0, (points.sure[i] - chance) / (1 - chance)) ** 2;
}

/**
 * @param {{mode: string, filter: Object, lasso: Set<number> | null}} group
 * @param {Object} d the data of the component: classes, colours, modes
 * @param {boolean} dark whether the page is
 * @returns {{colour: Uint8Array, visible: Uint8Array, order: Uint32Array, crossed: number[], firm: Uint16Array}} three
 *   numbers a point; who is shown; the points from the lowest to the highest: what is rare or wrong lies on top, labelled
 *   images above all; who gets a cross, above all but those; how firmly that is drawn, of 256: faint where the model is unsure
 */
export function shaded(points, group, d, dark) {
  const { mode } = group;
  const { n } = points;
  const [colour, visible, rank] = [new Uint8Array(3 * n), new Uint8Array(n), new Float32Array(n)];
  const [crossed, firm] = [[], new Uint16Array(n)];
  const most = Math.log(Math.max(2, d.classes.length));
  const stops = d.entropy[dark ? "dark" : "light"].map(rgb);
  const table = mode === "entropy"
    ? Array.from({ length: 256 }, (_, t) => ramp(stops, t / 255))
    : entries(mode, d).map((e) => rgb(e.colour));
  const grey = rgb(d.grey);
  for (let i = 0; i < n; i++) {
    const c = table[mode === "entropy" ? Math.min(255, Math.round(255 * points.entropy[i] / most)) : keyOf(points, mode, i)];
    const certain = mode === "sure" ? certainty(points, i, d.classes.length) : 1;
    colour.set(mode === "sure" ? mix(grey, c, certain) : c, 3 * i);
    visible[i] = isShown(points, group, d.modes, i);
    if (visible[i] && isCrossed(points, mode, i)) crossed.push(i);
    firm[i] = FAINTEST + (256 - FAINTEST) * certain;
    const over = mode === "entropy" ? points.entropy[i] / most : mode === "right" ? keyOf(points, mode, i) : 0;
    rank[i] = visible[i] * 10 + (points.kind[i] === 0) * 3 + over + (i * 7919 % 997) / 1e5;
  }
  return { colour, visible, crossed, firm, order: Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => rank[a] - rank[b]) };
}

/** How many points each entry of the legend has. They ignore the legend's own filter, so one sees what one would get. */
export function legendCounts(points, visible, group, modes) {
  const { mode, filter } = group;
  const counts = {};
  if (mode === "entropy") return counts;
  const mine = filter[mode];
  for (let i = 0; i < points.n; i++) {
    const key = keyOf(points, mode, i);
    if (visible[i] || (mine && !mine.has(key) && isShown(points, group, modes, i, mode))) counts[key] = (counts[key] || 0) + 1;
  }
  return counts;
}
