// What a selection is made of: how many of each kind and class, and how right each map is about them.

import { element } from "../shared/elements.js";
import { count, KINDS } from "../shared/words.js";

const MOST_CLASSES = 20; // of more, only the most frequent ones have a column

/** How many there are, by kind, in words. @returns {[string, string]} the number, and the rest of the line */
export function kindsInWords(entries) {
  const kinds = [0, 0, 0];
  for (const r of entries) kinds[r.kind] += 1;
  const parts = KINDS.map((name, k) => kinds[k] && `${count(kinds[k])} ${name}`).filter(Boolean).join(", ");
  return [entries.length === 1 ? "1 image" : `${count(entries.length)} images`, `: ${parts}`];
}

/** What map `m` says of the entries, in words; "" if it says nothing. @param {string} note what its accuracy rests on */
export function beliefsInWords(entries, m, note) {
  const said = entries.filter((r) => r.says[m]);
  if (!said.length) return "";
  const test = said.filter((r) => r.kind === 2);
  const right = test.filter((r) => r.says[m].predicted === r.true).length;
  const entropy = said.reduce((sum, r) => sum + r.says[m].entropy, 0) / said.length;
  const words = [`mean entropy ${entropy.toFixed(2)} nats`];
  if (test.length) {
    words.unshift(`${count(right)} of the ${count(test.length)} test images selected correct${note ? ` (${note})` : ""}`);
  }
  return words.join(" · ");
}

/**
 * How many entries are of each class, how many map 0 takes for it, and which classes to show.
 * @param {number} classes
 * @returns {{is: number[], taken: number[], shown: number[]}}
 */
export function classCounts(entries, classes) {
  const [is, taken] = [new Array(classes).fill(0), new Array(classes).fill(0)];
  for (const r of entries) {
    is[r.true] += 1;
    if (r.says[0]) taken[r.says[0].predicted] += 1;
  }
  let shown = is.map((_, k) => k);
  if (classes > MOST_CLASSES) shown = shown.filter((k) => is[k]).sort((a, b) => is[b] - is[a]).slice(0, MOST_CLASSES);
  return { is, taken, shown };
}

/** A column for each class; with `judged`, a line across it says how many are taken for it. */
export function drawHistogram(box, entries, d, judged) {
  const { is, taken, shown } = classCounts(entries, d.classes.length);
  const most = Math.max(...shown.map((k) => Math.max(is[k], judged ? taken[k] : 0)), 1);
  box.classList.toggle("many", d.classes.length > MOST_CLASSES || d.classes.some((c) => c.length > 3));
  box.replaceChildren(...shown.map((k) => element("div", {
    title: `${d.classes[k]}: ${count(is[k])} of this class${judged ? `, ${count(taken[k])} predicted` : ""}` },
  element("div", { class: "column" },
    element("i", { style: `height:${100 * is[k] / most}%;background:${d.colours[k]}` }),
    judged ? element("u", { style: `bottom:${100 * taken[k] / most}%` }) : null),
  element("small", {}, d.classes[k]))));
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `Classes: ${shown.filter((k) => is[k]).map((k) => `${d.classes[k]} ${is[k]}`).join(", ")}`);
}
