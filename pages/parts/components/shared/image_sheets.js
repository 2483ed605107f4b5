// Sheets of many small images, fetched once a browser, drawn from when an image is looked at.

import { element } from "./elements.js";
import { paint } from "./levels.js";

const SHEETS = (globalThis.fewLabelsSheets ??= new Map()); // url -> HTMLImageElement

/** The image at `url`; `then` is called when it has arrived, unless it is there. */
export function sheet(url, then) {
  let image = SHEETS.get(url);
  if (!image) {
    image = new Image();
    image.src = url;
    SHEETS.set(url, image);
  }
  if (!image.complete && then) image.addEventListener("load", then, { once: true });
  return image;
}

/**
 * Where image number `tile` is: its sheet, and the box within it.
 * @param {{urls: string[], tile: [number, number], columns: number, each: number, grey: boolean}} sheets
 * @param {number} tile
 * @returns {{url: string | undefined, x: number, y: number, w: number, h: number}}
 */
export function boxOf(sheets, tile) {
  const at = tile % sheets.each;
  const [h, w] = sheets.tile;
  return { url: sheets.urls[Math.floor(tile / sheets.each)], x: (at % sheets.columns) * w,
    y: Math.floor(at / sheets.columns) * h, w, h };
}

// A grey image as ink on nothing, on a canvas of its own that the next one takes over.
let scratch = null;
function inked(image, { x, y, w, h }, ink) {
  scratch ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  [scratch.canvas.width, scratch.canvas.height] = [w, h];
  scratch.drawImage(image, x, y, w, h, 0, 0, w, h);
  const pixels = scratch.getImageData(0, 0, w, h).data;
  paint(scratch, Float32Array.from({ length: w * h }, (_, i) => pixels[4 * i]), [h, w], ink);
  return scratch.canvas;
}

/**
 * Draw image number `tile` into a box of a canvas, a grey one in `ink`, [red, green, blue]; false if its sheet has yet to
 * arrive: then `then` is called.
 */
export function drawTile(ctx, sheets, tile, x, y, size, ink, then) {
  const box = boxOf(sheets, tile);
  if (!box.url) return false;
  const image = sheet(box.url, then);
  if (!image.complete || !image.naturalWidth) return false;
  ctx.imageSmoothingEnabled = size < 3 * box.w; // big ones show their pixels, small ones would lose some
  if (sheets.grey) ctx.drawImage(inked(image, box, ink), x, y, size, size);
  else ctx.drawImage(image, box.x, box.y, box.w, box.h, x, y, size, size);
  return true;
}

/** A canvas that shows one image, a grey one in `ink`, crisp on every screen, as soon as it has arrived. */
export function picture(sheets, tile, size, ink) {
  const canvas = element("canvas", { class: "picture" });
  const draw = () => drawTile(canvas.getContext("2d"), sheets, tile, 0, 0, canvas.width, ink, draw);
  canvas.width = canvas.height = Math.round(size * Math.min(window.devicePixelRatio || 1, 3));
  canvas.style.width = canvas.style.height = `${size}px`;
  draw();
  return canvas;
}

/** Fetch the sheets one after the other while `wanted()`, so that the first look already has its picture. */
export function fetchAhead({ urls, lazy }, wanted) {
  if (lazy) return; // of a whole data set: each when an image on it is looked at
  let next = 0;
  const load = () => {
    if (next >= urls.length || !wanted()) return;
    const image = sheet(urls[next++]);
    if (image.complete) load();
    else for (const end of ["load", "error"]) image.addEventListener(end, load, { once: true });
  };
  load();
}
