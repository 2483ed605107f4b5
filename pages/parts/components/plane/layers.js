// The layers of a panel: what is painted on the plane, one function a layer.

import { css, mix } from "../shared/colours.js";
import { contour } from "./arrays.js";

const LEVELS = [-8, -6, -4.5, -3.5, -2.5, -1.5]; // of log p(x), nats

/** A canvas as large as it is shown, and its context. @returns {[CanvasRenderingContext2D, number, number]} */
export function fitted(canvas) {
  if (canvas.fitted) return canvas.fitted(); // a part of a picture (save.js)
  const width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  const height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  return [canvas.getContext("2d"), width, height];
}

export function dot(ctx, x, y, r) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fill();
}

export function ring(ctx, x, y, r, theme) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.lineWidth = 2.5 * devicePixelRatio;
  ctx.strokeStyle = css(theme.primary);
  ctx.stroke();
}

/** q(y|x): the colour of the likeliest classes, as strong as the model is sure. */
export function drawGround(ctx, side, { shape, values }, colours, theme) {
  const n = Math.round(Math.sqrt(shape[0]));
  const classes = shape[1];
  const small = new OffscreenCanvas(n, n);
  const image = new ImageData(n, n);
  for (let i = 0; i < n * n; i += 1) {
    let most = 0;
    const c = [0, 0, 0];
    for (let k = 0; k < classes; k += 1) {
      const p = values[i * classes + k] / 255;
      most = Math.max(most, p);
      for (let a = 0; a < 3; a += 1) c[a] += p * colours[k][a];
    }
    const sure = Math.max(0, (most - 1 / classes) / (1 - 1 / classes));
    const [r, g, b] = mix(theme.back, c, (theme.dark ? 0.62 : 0.5) * sure);
    image.data.set([r, g, b, 255], 4 * i);
  }
  small.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(small, 0, 0, side, side);
}

export function drawContours(ctx, side, field, theme) {
  const n = Math.round(Math.sqrt(field.length));
  const cell = side / n;
  ctx.lineWidth = devicePixelRatio;
  for (const [i, level] of LEVELS.entries()) {
    ctx.strokeStyle = css(theme.text, 0.16 + 0.1 * i);
    ctx.beginPath();
    for (const [x1, y1, x2, y2] of contour(field, n, level)) {
      ctx.moveTo((x1 + 0.5) * cell, (y1 + 0.5) * cell);
      ctx.lineTo((x2 + 0.5) * cell, (y2 + 0.5) * cell);
    }
    ctx.stroke();
  }
}

export function drawCurves(ctx, { shape, values }, X, Y, colours, theme, scale) {
  const [classes, lines, places] = shape;
  ctx.lineWidth = (lines > 1 ? 1.1 : 2.2) * scale;
  ctx.lineJoin = "round";
  for (let k = 0; k < classes; k += 1) {
    ctx.strokeStyle = classes > 1 ? css(mix(colours[k], theme.text, 0.25)) : css(theme.text, 0.75);
    for (let l = 0; l < lines; l += 1) {
      ctx.beginPath();
      for (let p = 0; p < places; p += 1) {
        const i = 2 * ((k * lines + l) * places + p);
        ctx.lineTo(X(values[i]), Y(values[i + 1]));
      }
      ctx.stroke();
    }
  }
}

export function drawSamples(ctx, { shape, values }, X, Y, colours, theme, scale) {
  const [classes, n] = shape;
  const r = 2.6 * scale;
  ctx.lineWidth = 1.4 * scale;
  for (let k = 0; k < classes; k += 1) {
    ctx.strokeStyle = classes > 1 ? css(mix(colours[k], theme.text, 0.2)) : css(theme.text, 0.7);
    ctx.beginPath();
    for (let j = 0; j < n; j += 1) {
      const i = 2 * (k * n + j);
      const [x, y] = [X(values[i]), Y(values[i + 1])];
      ctx.moveTo(x - r, y);
      ctx.lineTo(x + r, y);
      ctx.moveTo(x, y - r);
      ctx.lineTo(x, y + r);
    }
    ctx.stroke();
  }
}
