// The map as it is drawn now, as one SVG: its title, every point as a circle, the legend, and the line below it.

import { mix } from "../shared/colours.js";
import { sizesOf } from "./camera.js";
import { entries, marks } from "./colouring.js";
import { inRows } from "./packing.js";
import { faintOf, RIM, STROKE } from "./renderer.js";
import { scaleAsSvg } from "./scale.js";

const [EDGE, LINE, LETTER] = [12, 22, 7.6]; // pixels: around it, a line of text, a letter of 14 pixels on average
const LEAST_WIDTH = 480;
const MOST_CLASSES = 100; // in the legend
const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => SIGNS[sign]);
const hex = (colour) => `#${[...colour].map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;
const short = (v) => String(Math.round(10 * v) / 10);

// Lines of at most so many pixels, broken at spaces.
function wrapped(text, width) {
  const lines = [];
  for (const word of text.split(" ")) {
    if (lines.length && (lines.at(-1).length + 1 + word.length) * LETTER < width) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines;
}

/**
 * The points in sight as circles, from the lowest to the highest, and a cross over each that is predicted wrong.
 * @param {Object} scene what a renderer draws
 * @returns {string}
 */
export function circles({ points, shades, screen, frame, view, theme, grey, group }) {
  const { r, mute, big, edge, cross } = sizesOf(frame, view.zoom, points);
  const [back, text, faint] = [theme.back, theme.text, faintOf(theme.back, grey, theme.dark)].map(hex);
  const made = [];
  const put = (i, radius, fill, more = "") => made.push(
    `<circle cx="${short(screen.x[i])}" cy="${short(screen.y[i])}" r="${short(radius)}" fill="${fill}"${more}/>`);
  const inSight = (i) => screen.x[i] >= -big && screen.y[i] >= -big && screen.x[i] <= frame.width + big && screen.y[i] <= frame.height + big;
  const crosses = shades.crossed.filter(inSight).map((i) => crossAt(screen.x[i], screen.y[i], cross, theme, shades.firm[i] / 256));
  for (const i of shades.order) {
    if (shades.visible[i] && points.kind[i] === 0) made.push(...crosses.splice(0)); // below the labelled images, above all others
    if (!inSight(i)) continue;
    const colour = hex(shades.colour.subarray(3 * i, 3 * i + 3));
    if (!shades.visible[i]) put(i, mute, faint);
    else if (points.kind[i] === 0) put(i, big + edge / 2, colour, ` stroke="${text}" stroke-width="${short(edge)}"`);
    else put(i, r, colour, ` stroke="${back}" stroke-width="0.6"`);
  }
  made.push(...crosses);
  const pin = points.row.get(group.pin);
  if (pin !== undefined) put(pin, r + 6, "none", ` stroke="${hex(theme.primary)}" stroke-width="3"`);
  return made.join("\n");
}

// In the colour of the text, within a rim in that of the ground.
function crossAt(x, y, arm, { text, back }, firm = 1) {
  const way = short(2 * arm);
  const path = `d="M${short(x - arm)} ${short(y - arm)}l${way} ${way}m0 -${way}l-${way} ${way}"`;
  return `<g opacity="${firm.toFixed(2)}"><path ${path} stroke="${hex(back)}" stroke-width="${STROKE + 2 * RIM}"/>`
    + `<path class="cross" ${path} stroke="${hex(text)}" stroke-width="${STROKE}"/></g>`;
}

function legend(scene, d, width) {
  const { group: { mode }, theme } = scene;
  const text = hex(theme.text);
  if (mode === "entropy") {
    const stops = d.entropy[theme.dark ? "dark" : "light"];
    const most = Math.log(Math.max(2, d.classes.length)).toFixed(2);
    return { rows: 2, text: `<defs><linearGradient id="entropy">${stops.map((c, k) =>
      `<stop offset="${k / (stops.length - 1)}" stop-color="${c}"/>`).join("")}</linearGradient></defs>`
      + `<rect width="${Math.min(width, 400)}" height="10" fill="url(#entropy)"/>`
      + `<text y="28" fill="${text}">0 nats, sure</text>`
      + `<text x="${Math.min(width, 400)}" y="28" text-anchor="end" fill="${text}">${most}, no idea</text>` };
  }
  const every = [...entries(mode, d).slice(0, MOST_CLASSES), ...marks(mode, d)];
  const { places, rows } = inRows(every.map(({ name }) => 30 + name.length * LETTER), width, 0);
  const sign = ({ colour, mark }, x, y) => (mark === "cross" ? crossAt(x, y, 4, theme)
    : `<circle cx="${x}" cy="${y}" ${mark ? `r="4" fill="none" stroke="${text}" stroke-width="2"` : `r="5" fill="${colour}"`}/>`);
  return { rows, text: every.map((entry, k) => {
    const [x, y] = [places[k][0], LINE * places[k][1] + 8];
    return `${sign(entry, x + 6, y - 4)}<text x="${x + 16}" y="${y}" fill="${text}">${escaped(entry.name)}</text>`;
  }).join("\n") };
}

/**
 * @param {Object} scene what a renderer draws
 * @param {Object} d the data of the map: classes, colours, modes
 * @param {string} title
 * @param {string} caption
 * @param {string} [inner] what stands in place of the circles
 * @param {string[]} [told] lines between the title and the points, the first one large
 * @returns {{text: string, width: number, height: number, left: number, top: number}} the file, its size in pixels, and where
 *   the points begin
 */
export function svg(scene, d, title, caption, inner = `${circles(scene)}\n${scaleAsSvg(scene, escaped)}`, told = []) {
  const { frame, theme } = scene;
  const width = Math.max(Math.round(frame.width), LEAST_WIDTH);
  const key = legend(scene, d, width);
  const [head, foot] = [wrapped(title, width), wrapped(caption, width)];
  const top = EDGE + LINE * (head.length + told.length);
  const below = top + frame.height + LINE;
  const end = below + LINE * key.rows;
  const [text, soft] = [theme.text, mix(theme.back, theme.text, 0.75)].map(hex);
  const lines = (all, y, more) => all.map((line, k) => `<text x="${EDGE}" y="${y + LINE * k + 14}" ${more}>${escaped(line)}</text>`);
  const size = { left: EDGE, top, width: width + 2 * EDGE, height: Math.round(end + LINE * foot.length + EDGE) };
  return { ...size, text: [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" `
    + 'font-family="Source Sans Pro, Source Sans 3, Helvetica, Arial, sans-serif" font-size="14">',
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="${hex(theme.back)}"/>`,
    ...lines(head, EDGE - 4, `font-weight="600" fill="${text}"`),
    ...told.map((line, k) => lines([line], EDGE - 4 + LINE * (head.length + k), k ? `fill="${soft}"` : `font-size="18" fill="${text}"`)),
    `<svg x="${EDGE}" y="${top}" width="${frame.width}" height="${frame.height}">`, inner, "</svg>",
    `<g transform="translate(${EDGE} ${below})">`, key.text, "</g>",
    ...lines(foot, end - 4, `fill="${soft}"`),
    "</svg>", ""].join("\n") };
}
