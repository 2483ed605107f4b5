// The plane through z: from what was dragged to z, and from z to its coordinates on the plane.

/** @typedef {{start: number[], centre: number[], axes: number[][], scale: number[]}} Plane `axes` are of length 1 */

/**
 * z after moves along the two axes, in standard deviations, and of single dimensions.
 * @param {Plane} plane
 * @param {number[]} moved
 * @param {Iterable<[number, number]>} changes of a dimension, by how much
 * @returns {Float32Array}
 */
export function codeAt({ start, scale, axes }, moved, changes) {
  const z = Float32Array.from(start, (v, i) => v + moved[0] * scale[0] * axes[0][i] + moved[1] * scale[1] * axes[1][i]);
  for (const [dimension, by] of changes) z[dimension] += by;
  return z;
}

/** Where z is on the plane, in standard deviations from its centre. @param {Plane} plane @param {Float32Array} z @returns {number[]} */
export function coordinatesOf({ axes, centre, scale }, z) {
  return axes.map((axis, a) => axis.reduce((sum, v, i) => sum + v * (z[i] - centre[i]), 0) / scale[a]);
}
