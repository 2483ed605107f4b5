// The line under a map: how many images are shown, how many of them are right, and which filters hide the others.

import { element, icon } from "../shared/elements.js";
import { tell } from "../shared/groups.js";
import { count, KINDS, MODES } from "../shared/words.js";
import { entries } from "./colouring.js";
import { setFilter } from "./controls.js";

/** How many points are shown, by kind, and how many test images among them are predicted correctly. */
export function shownCounts(points, visible) {
  const kinds = [0, 0, 0];
  let [shown, right] = [0, 0];
  for (let i = 0; i < points.n; i++) {
    if (!visible[i]) continue;
    shown += 1;
    kinds[points.kind[i]] += 1;
    right += points.kind[i] === 2 && points.true[i] === points.predicted[i];
  }
  return { shown, kinds, right };
}

/**
 * Of the test images shown those that are predicted correctly; null where there are none, or no predictions.
 * @returns {{share: number, words: string} | null}
 */
export function correct(points, visible, d) {
  const { kinds, right } = shownCounts(points, visible);
  if (!d.modes.includes("right") || !kinds[2]) return null;
  return { share: right / kinds[2], words: `${count(right)} of the ${count(kinds[2])} test images shown correct` };
}

/** Draw the line of `map` into `box`. */
export function writeStatus(box, map) {
  const { data: d, points, group } = map;
  const { shown, kinds } = shownCounts(points, map.shades.visible);
  const total = points.there ? points.film.n : points.n;
  const parts = KINDS.map((name, k) => kinds[k] && `${count(kinds[k])} ${name}`).filter(Boolean);
  const all = shown === total;
  const words = !d.chrome && all ? [] : [`${all ? "" : `${count(shown)} of `}${count(total)} images${all || !shown ? "" : " in colour"}`];
  if (shown && d.chrome) words.push(parts.join(", "));
  const told = correct(points, map.shades.visible, d);
  if (told && !all) words.push(`${told.words}${d.note ? ` (${d.note})` : ""}`); // of all it is what the run measured
  if (points.there) words.unshift(`After epoch ${points.epoch}`);
  box.replaceChildren(words.join(" · "));
  const chip = (text, undo) => box.append(element("button", { class: "chip", title: "Remove this filter",
    onclick: undo }, text, icon("close")));
  const { filter, lasso, mode } = group;
  if (lasso) chip("lasso", () => tell(group, { lasso: null }, map));
  for (const other of Object.keys(filter)) {
    if (other === mode && d.chrome) continue;
    if (other === "words") {
      if (!d.chrome) chip(filter.words.text, () => setFilter(map, "words", null));
      continue;
    }
    const names = other === "entropy" ? `at least ${filter.entropy.toFixed(2)} nats`
      : entries(other, d).filter((e) => filter[other].has(e.k)).map((e) => e.name).join(", ");
    chip(`${MODES[other].toLowerCase()}: ${names}`, () => setFilter(map, other, null));
  }
}
