// The note on a map that is seen whole: how many far images lie beyond its edge. Pressed, it shows them, too.

import { element } from "../shared/elements.js";
import { count } from "../shared/words.js";

/** @param {() => void} press */
export function beyondNote(press) {
  return element("button", { class: "beyond", hidden: true, title: "Show all", onclick: press });
}

/**
 * How many points the frame does not show.
 * @param {import("./camera.js").Frame} frame
 * @param {{n: number, there: Uint8Array | null}} points
 * @param {{x: Float32Array, y: Float32Array}} screen
 * @returns {number}
 */
export function beyond({ width, height }, { n, there }, { x, y }) {
  let out = 0;
  for (let i = 0; i < n; i++) {
    if ((x[i] < 0 || y[i] < 0 || x[i] > width || y[i] > height) && (!there || there[i])) out++;
  }
  return out;
}

/** Write the note of `scene`; one who has zoomed knows that there is more. */
export function sayBeyond(note, { frame, view, points, screen }) {
  const n = view.zoom === 1 ? beyond(frame, points, screen) : 0;
  note.hidden = !n;
  note.textContent = n ? `${count(n)} image${n === 1 ? "" : "s"} beyond the edge` : "";
}
