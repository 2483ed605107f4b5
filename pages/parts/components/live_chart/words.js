// What a chart says in words.

import { short } from "../shared/ticks.js";

/** A number with the digits of its chart. @param {number} y @returns {string} */
export function numberOf(y, { digits }) {
  return y.toFixed(digits).replace("-", "−");
}

/** What stands behind a title: its unit, and where the axis begins, null if that is not said.
 * @param {string} unit @param {number | null} from @returns {string} */
export function inBrackets(unit, from) {
  const said = [unit, from !== null && `axis from ${short(from)}`].filter(Boolean).join(", ");
  return said && ` (${said})`;
}

/** A value with the digits and the unit of its chart. @param {number} y @returns {string} */
export function valueOf(y, data) {
  return `${numberOf(y, data)}${data.unit === "%" ? " %" : ""}`;
}

/** The i-th value of a line, with its band if it is a mean. @param {number} i @returns {string} */
export function valueAt(line, i, data) {
  const value = valueOf(line.y[i], data);
  if (!line.low) return value;
  const [low, high] = [line.low[i], line.high[i]].map((y) => numberOf(y, data));
  return `${value} (${low}–${high})`;
}

/** The name of a line: its group and its kind, as far as they tell it from the others. @returns {string} */
export function nameOf(line, { groups, kinds }) {
  const many = groups.length > 1 || kinds.length === 1;
  return [many && groups[line.g].name, kinds.length > 1 && kinds[line.k].name].filter(Boolean).join(", ");
}

/** The latest value of a group's first kind, without its unit; "" if there is none. @returns {string} */
export function latest(group, data) {
  const line = data.lines.find((l) => l.g === group && l.k === 0 && l.x.length);
  return line ? numberOf(line.y.at(-1), data) : "";
}

/** The whole chart, for who cannot see it. @returns {string} */
export function describe(data) {
  const { title, unit, lines } = data;
  const axis = data.x_title.toLowerCase();
  const ends = lines.filter((l) => l.x.length)
    .map((l) => `${nameOf(l, data)}: ${valueAt(l, l.x.length - 1, data)} at ${axis} ${short(l.x.at(-1))}`);
  const what = `${title}${unit ? ` in ${unit}` : ""} by ${axis}.`;
  const levels = (data.marks ?? []).map((m) => ` ${m.name}: ${valueOf(m.y, data)}.`).join("");
  return `${what} ${ends.join("; ") || data.empty}.${levels} Arrow keys read the values, plus and minus zoom, 0 resets.`;
}
