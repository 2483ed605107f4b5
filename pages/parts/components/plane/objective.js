// J in its terms: what each adds, nats per point, over the steps.

import { css, rgb } from "../shared/colours.js";
import { paintChips } from "./chips.js";
import { nats } from "./truth.js";

const EARLY = 1 / 3; // of the steps so far: what J is before may be far above what one looks at
const FIRST = 1 / 10; // the same of J alone

/**
 * Terms as they are shown, labelled and unlabelled as one: {words, colour, of: columns}.
 * @param {{short: string, colour: string}[]} terms
 */
export function merged(terms) {
  const found = new Map();
  for (const [i, { short, colour }] of terms.entries()) {
    if (!found.has(short)) found.set(short, { words: short, colour: rgb(colour), of: [] });
    found.get(short).of.push(i + 1);
  }
  return [...found.values()];
}

/** Rows of (step, terms...) as [{step, parts, J}]. @param {{shape: number[], values: ArrayLike<number>} | null} terms */
export function rowsOfJ(terms, kinds) {
  if (!terms) return [];
  const [n, columns] = terms.shape;
  return Array.from({ length: n }, (_, i) => {
    const parts = kinds.map(({ of }) => of.reduce((sum, c) => sum + terms.values[i * columns + c], 0));
    return { step: terms.values[i * columns], parts, J: parts.reduce((a, b) => a + b, 0) };
  });
}

/** The values between which the terms lie once the first steps are over: what is above the line and below it adds up. */
export function rangeOf(rows) {
  const [above, below] = [1, -1].map((sign) => later(rows).map(({ parts }) => parts.reduce((sum, v) => sum + Math.max(0, sign * v), 0)));
  return [-Math.max(0, ...below), Math.max(0.1, ...above)];
}

function later(rows, early = EARLY) {
  const some = rows.filter(({ step }) => step > early * rows.at(-1).step);
  return some.length > 1 ? some : rows;
}

/** The row nearest to a place from 0 to 1 along the steps so far; the last without one. */
export function rowAt(rows, share) {
  if (share == null || !rows.length) return rows.at(-1);
  const at = share * rows.at(-1).step;
  return rows.reduce((best, row) => (Math.abs(row.step - at) < Math.abs(best.step - at) ? row : best));
}

/** One sentence with every term by its full name. @param {any} panel as Python sends it */
export function inWords(panel) {
  const values = Object.values(panel.J ?? {});
  if (!values.length) return "";
  const parts = panel.terms_of.map(({ title }, i) => `${title} ${nats(values[i])}`);
  const whole = nats(values.reduce((a, b) => a + b, 0));
  return `J ${whole}${panel.unit} per point, the mean since the picture before: ${parts.join("; ")}`;
}

/** The terms above each other, those below nothing downwards, J as a line, and what they are at the step pointed at. */
export function paintObjective(ctx, width, height, { rows, kinds, unit: of, total, share, theme, family }) {
  const unit = devicePixelRatio;
  const shown = rowAt(rows, share);
  const chips = !shown ? [{ words: kinds.length || !total ? "J appears with the first step" : "learns without J" }] :
    [{ words: `J ${nats(shown.J)}${of} =`, mark: "line" }, ...kinds.map(({ words, colour }, i) => ({ words: `${words} ${nats(shown.parts[i])}`, mark: "fill", colour }))];
  if (shown && share != null) chips.unshift({ words: `step ${shown.step.toLocaleString("en")}` });
  const place = { width, theme, family };
  if (rows.length) {
    const top = paintChips(ctx, chips, place) + 2 * unit; // for its height: painted once more over the terms
    const [least, most] = rangeOf(rows);
    const X = (step) => step / rows.at(-1).step * width;
    const Y = (v) => top + (most - v) / (most - least) * (height - top - 3 * unit);
    paintStack(ctx, rows, kinds, X, Y);
    ctx.beginPath();
    for (const { step, J } of rows) ctx.lineTo(X(step), Y(J));
    ctx.lineWidth = 1.8 * unit;
    ctx.strokeStyle = css(theme.text);
    ctx.stroke();
    ctx.fillStyle = css(theme.text, 0.5);
    ctx.fillRect(0, Y(0), width, unit);
    if (share != null) ctx.fillRect(X(shown.step), top, unit, height - top);
  }
  paintChips(ctx, chips, place);
}

function paintStack(ctx, rows, kinds, X, Y) {
  const floor = { above: rows.map(() => 0), below: rows.map(() => 0) };
  for (const [k, { colour }] of kinds.entries()) {
    for (const [side, sign] of [["above", 1], ["below", -1]]) {
      const from = floor[side];
      const to = rows.map(({ parts }, i) => from[i] + sign * Math.max(0, sign * parts[k]));
      if (to.every((v, i) => v === from[i])) continue;
      ctx.beginPath();
      for (const [i, { step }] of rows.entries()) ctx.lineTo(X(step), Y(to[i]));
      for (let i = rows.length - 1; i >= 0; i -= 1) ctx.lineTo(X(rows[i].step), Y(from[i]));
      ctx.fillStyle = css(colour, 0.75);
      ctx.fill();
      floor[side] = to;
    }
  }
}

/** J alone over the steps so far, as small as a word. */
export function paintSpark(ctx, width, height, rows, theme) {
  ctx.clearRect(0, 0, width, height);
  const values = later(rows, FIRST).map(({ J }) => J);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  ctx.beginPath();
  for (const { step, J } of rows) {
    ctx.lineTo(step / rows.at(-1).step * width, 2 + (most - J) / Math.max(1e-6, most - least) * (height - 4));
  }
  ctx.lineWidth = 1.3 * devicePixelRatio;
  ctx.strokeStyle = css(theme.text, 0.7);
  ctx.stroke();
}
