// Which points a line drawn around them holds.

/**
 * Whether a point lies within a closed path, which may cross itself: a ray from the point meets it an odd number of times.
 * @param {[number, number][]} path its corners; the last is joined to the first
 * @param {number} x
 * @param {number} y
 * @returns {boolean}
 */
export function isInside(path, x, y) {
  let odd = false;
  for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
    const [[ax, ay], [bx, by]] = [path[a], path[b]];
    if (ay > y !== by > y && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

/**
 * The indices of the points within a path.
 * @param {[number, number][]} path
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}} screen
 * @param {(i: number) => boolean} [counts] whether point i is one of those asked about
 * @returns {number[]}
 */
export function pointsInside(path, screen, counts = () => true) {
  const found = [];
  for (let i = 0; i < screen.x.length; i++) {
    if (counts(i) && isInside(path, screen.x[i], screen.y[i])) found.push(i);
  }
  return found;
}
