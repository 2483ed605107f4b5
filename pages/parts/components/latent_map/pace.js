// How often travelling maps are drawn: never more than a quarter of the time, for all maps of the page together. Where
// training shares the machine with the browser, a frame less is an epoch sooner; a fast one draws every frame.

const REST = 3; // times as long as the last map took to draw
let until = 0;

/** Whether it is time to draw again. @param {number} now @returns {boolean} */
export const rested = (now) => now >= until;

/** Draw, and take note of how long it took. @param {() => void} draw */
export function timed(draw) {
  const begin = performance.now();
  draw();
  const end = performance.now();
  until = end + REST * (end - begin);
}
