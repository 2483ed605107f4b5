// Words with a mark before them, line below line, painted on a canvas: what is saved as a picture has them, too.

import { css } from "../shared/colours.js";

/** @typedef {{words: string, mark?: "fill" | "line" | "disc", colour?: number[], r?: number}} Chip */

/**
 * Where the chips lie, side by side as far as there is room: one row each, chips with their left edges.
 * @param {Chip[]} chips @param {(words: string) => number} measure @param {number} width @param {number} unit of a pixel
 * @returns {{x: number, chip: Chip}[][]}
 */
export function rowsOf(chips, measure, width, unit) {
  const rows = [[]];
  let x = 0;
  for (const chip of chips) {
    const wide = markOf(chip, unit) + measure(chip.words);
    if (x && x + wide > width) {
      rows.push([]);
      x = 0;
    }
    rows.at(-1).push({ x, chip });
    x += wide + 9 * unit;
  }
  return rows;
}

function markOf({ mark, r = 0 }, unit) {
  return mark === "disc" ? Math.max(8 * unit, 2 * r) + 4 * unit : mark ? 15 * unit : 0;
}

/**
 * Paint chips into a corner and return how high they are. @param {any} ctx @param {Chip[]} chips
 * @param {{width: number, bottom?: number, theme: any, family: string}} at `bottom`: they end there, else they begin at the top
 */
export function paintChips(ctx, chips, { width, bottom, theme, family }) {
  const unit = devicePixelRatio;
  const line = 14 * unit;
  ctx.font = `${12 * unit}px ${family}`;
  const pad = 4 * unit;
  const rows = rowsOf(chips, (words) => ctx.measureText(words).width, width - 2 * pad, unit);
  const top = bottom == null ? 0 : bottom - rows.length * line - 2 * unit;
  for (const [i, row] of rows.entries()) {
    const middle = top + (i + 0.5) * line + unit;
    const last = row.at(-1);
    const end = last.x + markOf(last.chip, unit) + ctx.measureText(last.chip.words).width;
    ctx.fillStyle = css(theme.back, 0.84);
    ctx.fillRect(0, middle - line / 2, Math.min(width, end + 2 * pad), line);
    for (const { x, chip } of row) {
      paintMark(ctx, chip, pad + x, middle, unit, theme);
      ctx.fillStyle = css(theme.text, 0.9);
      ctx.fillText(chip.words, pad + x + markOf(chip, unit), middle + 4 * unit, width - pad - x - markOf(chip, unit));
    }
  }
  return rows.length * line;
}

function paintMark(ctx, { mark, colour, r = 0 }, x, y, unit, theme) {
  const paint = css(colour ?? theme.text);
  if (mark === "fill") {
    ctx.fillStyle = css(colour ?? theme.text, colour ? 1 : 0.4);
    ctx.fillRect(x, y - 4 * unit, 11 * unit, 8 * unit);
  } else if (mark === "line") {
    ctx.fillStyle = paint;
    ctx.fillRect(x, y - unit, 11 * unit, 2 * unit);
  } else if (mark === "disc") bubble(ctx, x + Math.max(4 * unit, r), y, r, unit, theme);
}

/** A disc whose area says how much. */
export function bubble(ctx, x, y, r, unit, theme) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = css(theme.back, 0.4);
  ctx.fill();
  ctx.lineWidth = 1.2 * unit;
  ctx.strokeStyle = css(theme.text, 0.85);
  ctx.stroke();
}
