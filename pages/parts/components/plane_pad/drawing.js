// Paints the plane, and the sheet of pictures to take away.

import { css, readable, rgb } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { paint, wrapped } from "../shared/levels.js";
import { typeScale } from "../shared/type_size.js";
import { signed } from "../shared/words.js";

/** A square canvas, cleared, with a line at each standard deviation: {ctx, at}, `at(v)` being where a coordinate lies. */
export function grid(canvas, reach, { text }, root) {
  const size = canvas.clientWidth;
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const side = Math.round(size * ratio);
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, size, size);
  const at = (v) => size * (0.5 + v / (2 * reach));
  ctx.lineWidth = 1;
  ctx.font = `${11 * typeScale(1.6)}px ${getComputedStyle(root).fontFamily}`;
  for (let v = -2; v <= 2; v++) {
    ctx.strokeStyle = css(text, v ? 0.08 : 0.25);
    ctx.beginPath();
    ctx.moveTo(at(v), 0);
    ctx.lineTo(at(v), size);
    ctx.moveTo(0, at(v));
    ctx.lineTo(size, at(v));
    ctx.stroke();
    ctx.fillStyle = css(text, 0.6);
    ctx.fillText(signed(v, 0), at(v) + 3, size - 4);
    if (v) ctx.fillText(signed(v, 0), 3, at(-v) - 3);
  }
  return { ctx, at };
}

/** The point that is dragged, held at the edge. */
export function drawPoint(ctx, at, xy, reach, theme) {
  const hold = (v) => Math.max(-reach, Math.min(reach, v));
  ctx.beginPath();
  ctx.arc(at(hold(xy[0])), at(-hold(xy[1])), 8, 0, 7);
  ctx.fillStyle = css(theme.primary, 0.95);
  ctx.fill();
  ctx.lineWidth = 2.5;
  ctx.strokeStyle = css(theme.back);
  ctx.stroke();
}

/** The plane with its axes, the codes of the images as dots, and the point. */
export function drawPlane(canvas, d, xy, theme, root) {
  const { ctx, at } = grid(canvas, d.reach, theme, root);
  ctx.fillStyle = css(readable(rgb(d.colour), theme), 0.85);
  for (const [x, y] of d.dots) {
    ctx.beginPath();
    ctx.arc(at(x), at(-y), 2, 0, 7);
    ctx.fill();
  }
  drawPoint(ctx, at, xy, d.reach, theme);
}

/** The pictures as they are now, with their names and a caption, on white. @returns {HTMLCanvasElement} */
export function picturesSheet(d, drawn, caption) {
  const [h, w] = d.tile;
  const by = Math.max(2, Math.floor(120 / w));
  const columns = Math.min(5, d.classes.length);
  const [cell, line, edge] = [[w * by + 16, h * by + 34], 22, 24];
  const width = Math.max(640, columns * cell[0] + 2 * edge);
  const rows = Math.ceil(d.classes.length / columns);
  const canvas = element("canvas");
  const ctx = canvas.getContext("2d");
  ctx.font = "15px sans-serif";
  const lines = wrapped((words) => ctx.measureText(words).width, caption, width - 2 * edge);
  canvas.width = width;
  canvas.height = 64 + rows * cell[1] + lines.length * line + edge;
  ctx.fillStyle = "#fff";
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.fillStyle = "#000";
  ctx.font = "18px sans-serif";
  ctx.fillText(d.title, edge, 38);
  ctx.imageSmoothingEnabled = false;
  ctx.textAlign = "center";
  ctx.font = "14px sans-serif";
  drawn.forEach((levels, i) => {
    const small = element("canvas", { width: w, height: h });
    paint(small.getContext("2d"), levels, d.tile, rgb(d.colours[i]).map((v) => 0.78 * v));
    const [x, y] = [edge + (i % columns) * cell[0], 56 + Math.floor(i / columns) * cell[1]];
    ctx.drawImage(small, x, y, w * by, h * by);
    ctx.fillText(d.names[i], x + (w * by) / 2, y + h * by + 18);
  });
  ctx.textAlign = "left";
  ctx.fillStyle = "#555";
  ctx.font = "15px sans-serif";
  lines.forEach((words, i) => ctx.fillText(words, edge, 64 + rows * cell[1] + (i + 0.7) * line));
  return canvas;
}
