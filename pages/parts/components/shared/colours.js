// Colours as [red, green, blue] from 0 to 255.

/** @typedef {number[]} Rgb three numbers from 0 to 255 */

/** Of "#rrggbb" or "rgb(r, g, b)"; grey for what is neither. @param {string} colour @returns {Rgb} */
export function rgb(colour) {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour.trim());
  if (hex) return [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16));
  const parts = colour.match(/[\d.]+/g);
  return parts && parts.length >= 3 ? parts.slice(0, 3).map(Number) : [128, 128, 128];
}

/** @param {Rgb} colour @param {number} [a] opacity @returns {string} */
export function css([r, g, b], a = 1) {
  return `rgba(${Math.round(r)},${Math.round(g)},${Math.round(b)},${a})`;
}

/** From `a` at 0 to `b` at 1, number by number. @param {number[]} a @param {number[]} b @param {number} t @returns {number[]} */
export function mix(a, b, t) {
  return a.map((v, i) => v + (b[i] - v) * t);
}

/** A sequential scale whose stops are spread evenly over 0 to 1. @param {Rgb[]} stops @param {number} t @returns {Rgb} */
export function ramp(stops, t) {
  const at = Math.max(0, Math.min(1, t || 0)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return mix(stops[i], stops[i + 1], at - i);
}

/** Whether text on this background is light. @param {Rgb} background @returns {boolean} */
export function isDark(background) {
  return background[0] + background[1] + background[2] < 384;
}

/** The theme as it is now: Streamlit hands it down in CSS properties and calls again when it changes. */
export function themeOf(host) {
  const style = getComputedStyle(host);
  const read = (name, otherwise) => rgb(style.getPropertyValue(name).trim() || otherwise);
  const back = read("--st-background-color", "#ffffff");
  const text = read("--st-text-color", "#14161c");
  return { back, text, primary: read("--st-primary-color", "#3a56b4"), dark: isDark(back) };
}

/** Relative luminance, as WCAG defines it. @param {Rgb} colour @returns {number} from 0 to 1 */
function luminance(colour) {
  const [r, g, b] = colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {Rgb} a @param {Rgb} b @returns {number} the contrast of two colours, from 1 to 21 */
export function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((p, q) => p - q);
  return (light + 0.05) / (dark + 0.05);
}

/** The colour, nearer to that of the text until small marks of it stand out. @param {Rgb} colour @returns {Rgb} */
export function readable(colour, { back, text }, least = 4) {
  for (let t = 0; t < 1; t += 0.05) if (contrast(mix(colour, text, t), back) >= least) return mix(colour, text, t);
  return text;
}

/** The ink of a grey image: the colour of its class, or without one that of the text. */
export function inkOf(colour, theme) {
  return colour ? rgb(colour) : theme.text;
}

/** What grey images are drawn on. */
export function paperOf(theme) {
  return mix(theme.back, theme.text, 0.05);
}
