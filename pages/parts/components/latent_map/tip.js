// The image in front, beside its point.

import { rgb } from "../shared/colours.js";
import { element, swatch } from "../shared/elements.js";
import { picture } from "../shared/image_sheets.js";
import { nameOf, percent } from "../shared/words.js";

/** What is said of point i: its name, its class, and what q(y|x) has of it. */
export function tipWords(points, i, d) {
  const words = [element("strong", {}, nameOf(points.id[i], points.kind[i])),
    element("div", {}, "Class ", swatch(d.colours[points.true[i]]), d.classes[points.true[i]])];
  const k = points.predicted[i];
  if (k >= 0) {
    words.push(element("div", {}, `${d.q}: `, swatch(d.colours[k]), `${d.classes[k]}, ${percent(points.sure[i])}`,
      k === points.true[i] ? null : element("span", { class: "verdict wrong" }, "wrong")));
  }
  return words;
}

/** Show point i in the element `tip`, or nothing; with `brief`, as it is pointed at in another map, only the last words. */
export function showTip(tip, { points, screen, frame }, i, d, brief) {
  const [px, py] = i === undefined ? [-1, -1] : [screen.x[i], screen.y[i]];
  if (px < 0 || py < 0 || px > frame.width || py > frame.height) {
    tip.hidden = true;
    tip.dataset.id = tip.dataset.said = "";
    return;
  }
  const said = `${points.id[i]} ${brief} ${d.version} ${points.frame}`; // a film goes on under the pointer
  if (tip.dataset.said !== said) {
    tip.dataset.said = said;
    tip.dataset.id = points.id[i];
    const words = tipWords(points, i, d);
    tip.replaceChildren(picture(d.sheets, points.tile[i], d.chrome ? 84 : brief ? 36 : 56, rgb(d.colours[points.true[i]])),
      element("div", {}, ...(brief ? words.slice(-1) : words)));
  }
  tip.hidden = false;
  const [w, h] = [tip.offsetWidth, tip.offsetHeight];
  const x = px + 18 + w > frame.width ? px - 18 - w : px + 18;
  const y = py - h / 2;
  tip.style.transform = `translate(${Math.round(Math.max(4, Math.min(frame.width - w - 4, x)))}px,`
    + `${Math.round(Math.max(4, Math.min(frame.height - h - 4, y)))}px)`;
}
