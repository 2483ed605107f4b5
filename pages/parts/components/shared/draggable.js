// A square canvas on which one moves a point: with the pointer, a finger, or the arrow keys.

import { keepTouch } from "./elements.js";

const STEP = 0.1; // standard deviations an arrow key moves
const SETTLE = 500; // milliseconds after the last key before one counts as having let go

/**
 * `moveTo(x, y)` is called with coordinates from -reach to reach, `at()` says where the point is, `settled()` is called
 * once when one lets go. Returns what stops a wait for that.
 */
export function draggable(canvas, { reach, at, moveTo, settled }) {
  let dragging = null;
  let settling = null;
  const put = (e) => {
    const box = canvas.getBoundingClientRect();
    moveTo((2 * (e.clientX - box.left) / box.width - 1) * reach, (1 - 2 * (e.clientY - box.top) / box.height) * reach);
  };
  keepTouch(canvas);
  canvas.addEventListener("pointerdown", (e) => {
    if (e.button !== 0) return;
    canvas.setPointerCapture(e.pointerId);
    canvas.focus({ preventScroll: true });
    dragging = e.pointerId;
    put(e);
  });
  canvas.addEventListener("pointermove", (e) => { if (e.pointerId === dragging) put(e); });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (e) => {
      if (e.pointerId !== dragging) return;
      dragging = null;
      settled();
    });
  }
  canvas.addEventListener("keydown", (e) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    if (!way) return;
    e.preventDefault();
    const step = STEP * (e.shiftKey ? 5 : 1);
    const [x, y] = at();
    moveTo(x + way[0] * step, y + way[1] * step);
    clearTimeout(settling);
    settling = setTimeout(settled, SETTLE);
  });
  return () => clearTimeout(settling);
}
