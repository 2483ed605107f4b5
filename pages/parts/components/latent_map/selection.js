// The images that a lasso holds, as records: what each is, and what each map says of it.

import { KINDS, nameOf, percent } from "../shared/words.js";

/**
 * @typedef {{predicted: number, sure: number, entropy: number}} Belief
 * @typedef {{id: number, kind: number, true: number, tile: number, sheets: Object, says: (Belief | null)[]}} Entry
 *   `says` has an entry for each map; null: the image is not on it, or the map knows no classes
 */

export const ORDERS = {
  id: "By number",
  class: "By class",
  entropy: "Highest entropy first",
  sure: "Least sure first",
  wrong: "Wrong first",
};

/** @param {{points: Object, shades: Object, data: Object}[]} maps @param {Set<number> | null} lasso @returns {Entry[]} */
export function gathered(maps, lasso) {
  const found = new Map();
  if (!lasso) return [];
  maps.forEach(({ points, shades, data }, m) => {
    for (const id of lasso) {
      const i = points.row.get(id);
      if (i === undefined || !shades.visible[i]) continue;
      let entry = found.get(id);
      if (!entry) {
        entry = { id, kind: points.kind[i], true: points.true[i], tile: points.tile[i], sheets: data.sheets,
          says: maps.map(() => null) };
        found.set(id, entry);
      }
      if (points.predicted[i] >= 0) {
        entry.says[m] = { predicted: points.predicted[i], sure: points.sure[i], entropy: points.entropy[i] };
      }
    }
  });
  return [...found.values()];
}

/** How many maps are wrong about an image. @param {Entry} entry @returns {number} */
export function wrongs(entry) {
  return entry.says.reduce((n, s) => n + (s !== null && s.predicted !== entry.true), 0);
}

/** The mean of `what` over the maps that say it, 0 if none does. @param {Entry} entry @returns {number} */
export function meanOf(entry, what) {
  const said = entry.says.filter(Boolean);
  return said.length ? said.reduce((sum, s) => sum + s[what], 0) / said.length : 0;
}

/** In one of ORDERS; images that are equal in it by number, training images first. @returns {Entry[]} */
export function sorted(entries, order) {
  const number = (r) => (r.id >= 0 ? r.id : 1e9 - r.id);
  const by = {
    id: () => 0,
    class: (r) => r.true,
    entropy: (r) => -meanOf(r, "entropy"),
    sure: (r) => meanOf(r, "sure"),
    wrong: (r) => -(10 * wrongs(r) + (wrongs(r) ? meanOf(r, "sure") : 0)), // among them, the surest first
  }[order];
  const keys = new Map(entries.map((r) => [r, by(r)]));
  return [...entries].sort((a, b) => keys.get(a) - keys.get(b) || number(a) - number(b));
}

/**
 * What is said of an image, in a line.
 * @param {Entry} entry
 * @param {string[]} classes
 * @param {string[]} names what the belief of each map is called
 * @returns {string}
 */
export function inWords(entry, classes, names) {
  const several = names.length > 1;
  const parts = [nameOf(entry.id, entry.kind), `class ${classes[entry.true]}`];
  entry.says.forEach((s, m) => {
    if (!s) {
      if (several) parts.push(`${names[m]}: not on its map`);
      return;
    }
    const wrong = s.predicted === entry.true ? "" : ", wrong";
    const nats = `${s.entropy.toFixed(2)} nats`;
    parts.push(`${names[m]}: ${classes[s.predicted]}, ${percent(s.sure)}${wrong}${several ? `, ${nats}` : ""}`);
    if (!several) parts.push(`entropy ${nats}`);
  });
  return parts.join(" · ");
}

/**
 * The entries as a table with commas.
 * @param {Entry[]} entries
 * @param {string[]} classes
 * @param {{name: string, q: string, note: string, judged: boolean}[]} maps `judged`: it predicts classes
 * @returns {string}
 */
export function asCsv(entries, classes, maps) {
  const head = ["id", "kind", "true class (of unlabelled images for looking only)"];
  for (const { name, q, note, judged } of maps) {
    if (!judged) continue;
    const of = [name, q, note].filter(Boolean).join(", ");
    head.push(`predicted (${of})`, `probability (${of})`, `entropy in nats (${of})`);
  }
  const rows = entries.map((r) => [r.id, KINDS[r.kind], classes[r.true], ...r.says.flatMap((s, m) => {
    if (!maps[m].judged) return [];
    return s ? [classes[s.predicted], s.sure.toFixed(5), s.entropy.toFixed(5)] : ["", "", ""];
  })]);
  const cell = (v) => (/[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v));
  return `${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
