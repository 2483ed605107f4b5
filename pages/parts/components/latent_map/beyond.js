// The note on a map that is seen whole: how many of the images at its edge lie beyond it. Pressed, it shows where.

import { element } from "../shared/elements.js";
import { count } from "../shared/words.js";

/** @param {() => void} press */
export function beyondNote(press) {
  return element("button", { class: "beyond", hidden: true, onclick: press });
}

/** Write that `n` images were brought to the edge. @param {HTMLElement} note @param {number} n */
export function sayBeyond(note, n) {
  note.hidden = !n;
  note.textContent = n ? `${count(n)} farther out` : "";
  note.title = n ? `${count(n)} image${n === 1 ? "" : "s"} at the edge ${n === 1 ? "lies" : "lie"} farther out. Press to see where.` : "";
}
