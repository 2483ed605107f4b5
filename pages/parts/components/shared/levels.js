// Pictures as levels from 0 to 255, pixel by pixel, and how they are painted.

/**
 * One tile of a sheet.
 * @param {{values: Uint8Array, width: number, channels: number}} sheet
 * @param {[number, number]} size height and width of a tile
 * @param {number} row
 * @param {number} column
 * @returns {Float32Array}
 */
export function tileOf(sheet, [h, w], row, column) {
  const c = sheet.channels;
  const out = new Float32Array(h * w * c);
  for (let y = 0; y < h; y++) {
    const from = ((row * h + y) * sheet.width + column * w) * c;
    out.set(sheet.values.subarray(from, from + w * c), y * w * c);
  }
  return out;
}

/**
 * Channel by channel to pixel by pixel; grey ones stay as they are.
 * @param {Float32Array} levels
 * @param {[number, number]} size
 * @returns {Float32Array}
 */
export function interleaved(levels, [h, w]) {
  const n = h * w;
  if (levels.length === n) return levels;
  const out = new Float32Array(levels.length);
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) out[3 * i + c] = levels[c * n + i];
  return out;
}

/** Levels onto a canvas of h x w: grey ones as ink on nothing, others as they are. */
export function paint(ctx, levels, [h, w], ink, x = 0, y = 0) {
  const picture = ctx.createImageData(w, h);
  const out = picture.data;
  const grey = levels.length === h * w;
  for (let i = 0; i < h * w; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = grey ? ink[c] : levels[3 * i + c];
    out[4 * i + 3] = grey ? levels[i] : 255;
  }
  ctx.putImageData(picture, x, y);
}

/**
 * Words in lines no wider than `width`; a word that is wider has a line of its own.
 * @param {(line: string) => number} widthOf
 * @param {string} text
 * @param {number} width
 * @returns {string[]}
 */
export function wrapped(widthOf, text, width) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && widthOf(longer) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
