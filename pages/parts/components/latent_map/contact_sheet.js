// A picture of many images to take away, with what its frames and strips mean.

import { css, paperOf, rgb } from "../shared/colours.js";
import { drawTile, sheet } from "../shared/image_sheets.js";
import { contactGrid, inRows } from "./packing.js";

const [EDGE, STRIP, GAP] = [3, 5, 6]; // pixels: of the frame, of what is predicted, between two images
const [LINE, ENTRY] = [22, 24]; // pixels: a line of text, a line of the legend
const LEAST_WIDTH = 620;
const MOST_CLASSES = 20; // in the legend

/** Resolves when the sheets of these images have arrived, or have failed to. */
export async function arrived(entries) {
  const urls = new Set(entries.map((r) => r.sheets.urls[Math.floor(r.tile / r.sheets.each)]).filter(Boolean));
  await Promise.all([...urls].map((url) => new Promise((done) => {
    const image = sheet(url, done);
    if (image.complete) done();
    else image.addEventListener("error", done, { once: true });
  })));
}

/**
 * Draw the images of `entries` below `lines` of text; `d` has the classes and their colours.
 * @returns {HTMLCanvasElement}
 */
export function contactSheet(entries, lines, d, theme, family) {
  const [h, w] = entries[0].sheets.tile;
  const size = w * Math.max(1, Math.round(56 / w));
  const [cell, tall] = [size + 2 * EDGE + GAP, Math.round(size * h / w) + 2 * EDGE + STRIP + GAP];
  const { across, down } = contactGrid(entries.length);
  const canvas = document.createElement("canvas");
  const ctx = canvas.getContext("2d");
  const font = (weight) => `${weight} 15px ${family}`;
  ctx.font = font(400);
  const names = d.classes.length <= MOST_CLASSES ? d.classes : [];
  const width = Math.max(across * cell + GAP, LEAST_WIDTH);
  const legend = inRows(names.map((name) => ctx.measureText(name).width + 34), width, GAP);
  const head = GAP + LINE * lines.length + (names.length ? ENTRY * legend.rows : 0) + 8;
  [canvas.width, canvas.height] = [width, head + down * tall + GAP];
  ctx.fillStyle = css(theme.back);
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.textBaseline = "middle";
  lines.forEach((line, i) => {
    ctx.font = font(i ? 400 : 600);
    ctx.fillStyle = css(theme.text, i ? 0.75 : 1);
    ctx.fillText(line, GAP, GAP + LINE * i + 11, width - 2 * GAP);
  });
  ctx.font = font(400);
  names.forEach((name, k) => {
    const [left, row] = legend.places[k];
    const top = GAP + LINE * lines.length + ENTRY * row + 12;
    ctx.fillStyle = d.colours[k];
    ctx.fillRect(left, top - 6, 12, 12);
    ctx.fillStyle = css(theme.text);
    ctx.fillText(name, left + 17, top + 1);
  });
  entries.forEach((r, i) => {
    const [left, top] = [GAP + (i % across) * cell, head + Math.floor(i / across) * tall];
    drawEntry(ctx, r, left, top, size, d.colours, theme);
  });
  return canvas;
}

// An image in the frame of its class, and below it a strip with the class that each map predicts.
function drawEntry(ctx, r, left, top, size, colours, theme) {
  const wide = size + 2 * EDGE;
  ctx.fillStyle = colours[r.true];
  ctx.fillRect(left, top, wide, wide);
  ctx.fillStyle = css(paperOf(theme));
  ctx.fillRect(left + EDGE, top + EDGE, size, size);
  drawTile(ctx, r.sheets, r.tile, left + EDGE, top + EDGE, size, rgb(colours[r.true]));
  const said = r.says.filter(Boolean);
  const part = wide / said.length;
  said.forEach((s, k) => {
    ctx.fillStyle = colours[s.predicted];
    ctx.fillRect(left + k * part, top + wide + 1, part - (k < said.length - 1), STRIP - 1);
  });
}
