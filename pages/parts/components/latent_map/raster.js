// A picture of a map as pixels. It is laid out once, as SVG without points; those are what the map has drawn.

import { element } from "../shared/elements.js";

/**
 * What stands around the points.
 * @param {{text: string, width: number, height: number}} picture an SVG
 * @param {number} sharp pixels for one of the picture
 * @returns {Promise<HTMLCanvasElement>}
 */
export async function painted({ text, width, height }, sharp) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = element("canvas", { width: Math.round(sharp * width), height: Math.round(sharp * height) });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Put the canvases of a map of this size into their place. @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
export function putPoints(canvas, { left, top }, layers, { width, height }, sharp) {
  const ctx = canvas.getContext("2d");
  for (const layer of layers) ctx.drawImage(layer, ...[left, top, width, height].map((v) => Math.round(sharp * v)));
  return ctx;
}
