// The scale of a map whose coordinates have a unit of their own: ticks with numbers along the lower and the left edge, the
// names of both axes, and a line where each is zero.

import { css, mix } from "../shared/colours.js";
import { short, ticks } from "../shared/ticks.js";
import { toData, toScreen } from "./camera.js";

const [TICK, LETTERS, EACH, CORNER] = [5, 11, 80, 36]; // pixels: a tick, the height of letters, from tick to tick, left free
const BELOW_NOTE = 44; // pixels: where what is going on is said at the top left

/**
 * What there is to draw, in pixels of the frame; nothing where the axes have no names.
 * @param {{points: {fit: {cx: number, cy: number, half: number}}, frame: Object, view: Object, axes: string[], busy: boolean}} scene
 * @returns {{lines: {from: number[], to: number[], zero: boolean}[], words: {at: number[], text: string, anchor: string, name: boolean}[]}}
 */
export function scaleOf({ points, frame, view, axes, busy }) {
  const [lines, words] = [[], []];
  if (!axes?.length || !points.n) return { lines, words };
  const { width, height } = frame;
  const { cx, cy, half } = points.fit;
  const [[left, low], [right, high]] = [toData(frame, view, 0, height), toData(frame, view, width, 0)];
  const name = (at, text, anchor) => words.push({ at, text, anchor, name: true });
  for (const value of ticks(left * half + cx, right * half + cx, width / EACH)) {
    const [x] = toScreen(frame, view, (value - cx) / half, 0);
    if (!value) lines.push({ from: [x, 0], to: [x, height], zero: true });
    if (x < CORNER || x > width - CORNER / 2) continue;
    lines.push({ from: [x, height], to: [x, height - TICK], zero: false });
    words.push({ at: [x, height - TICK - 4], text: short(value), anchor: "middle", name: false });
  }
  const top = busy ? BELOW_NOTE : LETTERS + 4;
  for (const value of ticks(low * half + cy, high * half + cy, height / EACH)) {
    const [, y] = toScreen(frame, view, 0, (value - cy) / half);
    if (!value) lines.push({ from: [0, y], to: [width, y], zero: true });
    if (y > height - CORNER || y < top + LETTERS + 4) continue;
    lines.push({ from: [0, y], to: [TICK, y], zero: false });
    words.push({ at: [TICK + 4, y + LETTERS / 3], text: short(value), anchor: "start", name: false });
  }
  name([width - 8, height - TICK - LETTERS - 10], axes[0], "end");
  name([TICK + 4, top], axes[1], "start");
  return { lines, words };
}

const fontOf = (name) => `${name ? "600 " : ""}${LETTERS}px sans-serif`;
const colourOf = (theme, zero) => css(mix(theme.back, theme.text, zero ? 0.3 : 0.75));

/** Draw the scale of `scene` onto a canvas whose context counts in the frame's pixels. */
export function drawScale(ctx, scene) {
  const { theme } = scene;
  const { lines, words } = scaleOf(scene);
  for (const { from, to, zero } of lines) {
    ctx.beginPath();
    ctx.moveTo(...from);
    ctx.lineTo(...to);
    ctx.strokeStyle = colourOf(theme, zero);
    ctx.stroke();
  }
  for (const { at, text, anchor, name } of words) {
    ctx.font = fontOf(name);
    ctx.textAlign = { middle: "center" }[anchor] ?? anchor;
    ctx.strokeStyle = css(theme.back);
    ctx.lineWidth = 3;
    ctx.strokeText(text, ...at);
    ctx.fillStyle = colourOf(theme, false);
    ctx.fillText(text, ...at);
    ctx.lineWidth = 1;
  }
}

/** The same as elements of an SVG. @param {(text: string) => string} escaped @returns {string} */
export function scaleAsSvg(scene, escaped) {
  const { lines, words } = scaleOf(scene);
  const [zero, tick, back] = [colourOf(scene.theme, true), colourOf(scene.theme, false), css(scene.theme.back)];
  return [
    ...lines.map((l) => `<line x1="${l.from[0]}" y1="${l.from[1]}" x2="${l.to[0]}" y2="${l.to[1]}" stroke="${l.zero ? zero : tick}"/>`),
    ...words.map((w) => `<text x="${w.at[0]}" y="${w.at[1]}" text-anchor="${w.anchor}" font-size="${LETTERS}" fill="${tick}" `
      + `stroke="${back}" stroke-width="3" paint-order="stroke"${w.name ? ' font-weight="600"' : ""}>${escaped(w.text)}</text>`),
  ].join("\n");
}
