// The truth beside the approximation, as quadrature gives it: the gap of the bound, p(y|x) and p(z|x,y).

import { css, mix } from "../shared/colours.js";
import { contour } from "./arrays.js";
import { bubble } from "./chips.js";

export const WIDE = 4.5; // radius of the bubble of a gap of one nat, on a panel of 280 pixels
const MOST = 10; // nats: no bubble is larger
const KNOWN = -8; // log p(x), nats: below, the model has next to nothing, and its p(y|x) means little

/** The radius of the bubble of a gap: its area says how many nats. @param {number} gap nats @param {number} scale */
export function radius(gap, scale) {
  return WIDE * Math.sqrt(Math.max(0, Math.min(MOST, gap))) * scale;
}

/** The mean of what is finite; NaN if nothing is. @param {ArrayLike<number>} values */
export function meanOf(values) {
  let [sum, n] = [0, 0];
  for (let i = 0; i < values.length; i += 1) {
    if (Number.isFinite(values[i])) [sum, n] = [sum + values[i], n + 1];
  }
  return sum / n;
}

/** A number of nats in as many digits as one compares. @param {number} v */
export function nats(v) {
  const a = Math.abs(v);
  return (Math.abs(v) < 0.005 ? 0 : v).toFixed(a >= 100 ? 0 : a >= 10 ? 1 : 2).replace("-", "−");
}

export function drawGaps(ctx, { values }, points, X, Y, theme, scale) {
  for (let i = 0; i < values.length; i += 1) {
    if (Number.isFinite(values[i])) bubble(ctx, X(points[2 * i]), Y(points[2 * i + 1]), radius(values[i], scale), scale, theme);
  }
}

/** What the bubbles mean. @returns {import("./chips.js").Chip[]} */
export function gapChips({ values }, scale) {
  const sizes = [0.1, 2].map((n) => ({ words: String(n), mark: "disc", r: radius(n, scale) }));
  return [{ words: `gap in nats: mean ${nats(meanOf(values))}` }, ...sizes];
}

/**
 * Lines on which the two likeliest classes of p(y|x) are equal, in cells: [x1, y1, x2, y2, whether p(x) is more than
 * next to nothing there]. @param {{shape: number[], values: ArrayLike<number>}} p @param {ArrayLike<number>} logP
 */
export function boundaries({ shape: [cells, classes], values }, logP) {
  const side = Math.round(Math.sqrt(cells));
  const found = [];
  for (let k = 0; k < (classes === 2 ? 1 : classes); k += 1) {
    const ahead = Float32Array.from({ length: cells }, (_, i) => {
      let other = 0;
      for (let j = 0; j < classes; j += 1) if (j !== k) other = Math.max(other, values[i * classes + j]);
      return values[i * classes + k] - other;
    });
    for (const line of contour(ahead, side, 0)) {
      const at = Math.round((line[1] + line[3]) / 2) * side + Math.round((line[0] + line[2]) / 2);
      found.push([...line, logP[at] >= KNOWN]);
    }
  }
  return found;
}

/** Where p(y|x) changes its mind: firm where the model has points at all, faint elsewhere. */
export function drawBoundary(ctx, side, p, logP, theme, scale) {
  const cell = side / Math.round(Math.sqrt(p.shape[0]));
  const lines = boundaries(p, logP);
  const stroke = (firm, width, style) => {
    ctx.lineWidth = width * scale;
    ctx.strokeStyle = style;
    ctx.lineCap = "round";
    ctx.beginPath();
    for (const [x1, y1, x2, y2, known] of lines) {
      if (known !== firm) continue;
      ctx.moveTo((x1 + 0.5) * cell, (y1 + 0.5) * cell);
      ctx.lineTo((x2 + 0.5) * cell, (y2 + 0.5) * cell);
    }
    ctx.stroke();
  };
  stroke(false, 1, css(theme.text, 0.35));
  stroke(true, 5, css(theme.back, 0.9));
  stroke(true, 2.4, css(theme.text));
}

/** What the line is. @returns {import("./chips.js").Chip} */
export function boundaryChip(classes) {
  return { words: classes === 2 ? "p(y|x) = ½" : "p(y|x): two largest equal", mark: "line" };
}

/** Which colour the curves of class `k` of `classes` have. */
function inkOf(k, classes, colours, theme) {
  return classes > 1 ? colours[k] : mix(theme.back, theme.text, 0.75);
}

/**
 * The densities of z of one point, q filled and p as a line: a band for each class where z is a line, else level lines.
 * `wide`: of the space, where its edge is. `top`: where it begins, below the words.
 */
export function drawPosteriors(ctx, { at, p, q }, { width, height, top, wide }, colours, theme) {
  const [classes, nodes] = p.shape;
  if (at.shape[1] > 1) {
    for (let k = 0; k < classes; k += 1) drawLevels(ctx, at, p, q, k, { width, height, wide }, inkOf(k, classes, colours, theme));
    return;
  }
  const unit = devicePixelRatio;
  const band = (height - top - 3 * unit) / classes;
  for (let k = 0; k < classes; k += 1) {
    const base = top + (k + 1) * band;
    let most = 1e-9;
    for (let i = k * nodes; i < (k + 1) * nodes; i += 1) most = Math.max(most, p.values[i], q.values[i]);
    const ink = inkOf(k, classes, colours, theme);
    const trace = ({ values }) => {
      ctx.beginPath();
      for (let i = 0; i < nodes; i += 1) {
        ctx.lineTo((at.values[i] / wide + 1) / 2 * width, base - values[k * nodes + i] / most * (band - 3 * unit));
      }
    };
    trace(q);
    ctx.lineTo(width, base);
    ctx.lineTo(0, base);
    ctx.fillStyle = css(ink, 0.4);
    ctx.fill();
    trace(p);
    ctx.lineWidth = 1.8 * unit;
    ctx.strokeStyle = css(mix(ink, theme.text, 0.3));
    ctx.stroke();
  }
}

/** Of two dimensions: where a density is a tenth and half of its largest. */
function drawLevels(ctx, at, p, q, k, { width, height, wide }, ink) {
  const nodes = p.shape[1];
  const n = Math.round(Math.sqrt(nodes));
  const reach = at.values.at(-1);
  const of = (a) => Float32Array.from({ length: nodes }, (_, i) => a.values[k * nodes + (i % n) * n + (n - 1 - Math.floor(i / n))]);
  const [X, Y] = [width, height].map((size) => (c) => ((2 * c / (n - 1) - 1) * reach / wide + 1) / 2 * size);
  const fields = [of(p), of(q)];
  const fill = new OffscreenCanvas(n, n);
  const image = new ImageData(n, n);
  const most = Math.max(1e-9, ...fields[1]);
  for (let i = 0; i < nodes; i += 1) image.data.set([...ink, 190 * fields[1][i] / most], 4 * i);
  fill.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = true;
  const half = 0.5 * (X(1) - X(0));
  const tall = 0.5 * (Y(1) - Y(0));
  ctx.drawImage(fill, X(0) - half, Y(0) - tall, X(n - 1) - X(0) + 2 * half, Y(n - 1) - Y(0) + 2 * tall);
  ctx.lineWidth = 1.6 * devicePixelRatio;
  ctx.strokeStyle = css(ink);
  const highest = Math.max(1e-9, ...fields[0]);
  for (const share of [0.1, 0.5]) {
    ctx.beginPath();
    for (const [x1, y1, x2, y2] of contour(fields[0], n, share * highest)) {
      ctx.moveTo(X(x1), Y(y1));
      ctx.lineTo(X(x2), Y(y2));
    }
    ctx.stroke();
  }
}
