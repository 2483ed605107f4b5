// A hand on a panel: a click gives a point a label or puts a new one there, a drag moves a labelled one.

import { nearest } from "./arrays.js";

const NEAR = 0.035; // of the plane's half side: so near one means a point
const STILL = 4; // pixels a click may move

/** Let one edit the points on this canvas. @param {HTMLCanvasElement} canvas @param {any} panel @param {any} view */
export function editable(canvas, panel, view) {
  let held = null;
  const at = (e) => {
    const box = canvas.getBoundingClientRect();
    const { reach } = view.data;
    return [((e.clientX - box.left) / box.width * 2 - 1) * reach, (1 - (e.clientY - box.top) / box.height * 2) * reach];
  };
  canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || !view.data || view.data.recorded) return;
    const [x, y] = at(e);
    const marks = Float32Array.from(view.data.labelled.flatMap(([a, b]) => [a, b]));
    held = { mark: nearest(marks, x, y, 2 * NEAR * view.data.reach), from: [e.clientX, e.clientY], moved: false };
    canvas.setPointerCapture(e.pointerId);
  });
  canvas.addEventListener("pointermove", (e) => {
    if (!held) return;
    held.moved ||= Math.hypot(e.clientX - held.from[0], e.clientY - held.from[1]) > STILL;
    if (held.moved && held.mark >= 0) {
      const [x, y] = at(e);
      view.data.labelled[held.mark].splice(0, 2, x, y);
      view.soon();
    }
  });
  canvas.addEventListener("pointerup", (e) => {
    const it = held;
    held = null;
    if (!it || !view.data) return;
    const [x, y] = at(e);
    if (it.moved) {
      if (it.mark >= 0) view.edit({ kind: "move", mark: it.mark, x, y });
      return;
    }
    if (it.mark >= 0) view.edit({ kind: "name", mark: it.mark, k: view.brush });
    else {
      const point = nearest(panel.points, x, y, NEAR * view.data.reach);
      view.edit(point >= 0 && view.brush >= 0 ? { kind: "label", point, k: view.brush } : { kind: "add", x, y, k: view.brush });
    }
  });
  canvas.addEventListener("pointercancel", () => { held = null; });
}
