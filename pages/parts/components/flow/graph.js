// The graph of a model as it is laid out and lit, and its Gaussians in the plane.

/** @typedef {[string, string, boolean?]} Edge from, to, and whether it is dashed */

/**
 * The nodes in columns, from left to right: each to the right of what it comes from, but z below the class it is given.
 * @param {string[]} names
 * @param {Edge[]} edges
 * @returns {string[][]}
 */
export function columnsOf(names, edges) {
  const column = new Map();
  const of = (name) => {
    if (!column.has(name)) {
      const from = edges.filter(([a, b]) => b === name && !(a === "y" && b === "z")).map(([a]) => of(a) + 1);
      column.set(name, Math.max(0, ...from));
    }
    return column.get(name);
  };
  const columns = [];
  for (const name of names) (columns[of(name)] ??= []).push(name);
  return columns.filter((c) => c.length);
}

/** The edges that carry on what changed at a node. @param {Edge[]} edges @param {string} name @returns {Edge[]} */
export function downstream(edges, name) {
  const reached = new Set([name]);
  const lit = new Set();
  for (let more = true; more;) {
    more = false;
    for (const edge of edges) {
      if (!reached.has(edge[0]) || lit.has(edge)) continue;
      lit.add(edge);
      reached.add(edge[1]);
      more = true;
    }
  }
  return [...lit];
}

/**
 * The curve one standard deviation from the mean of a diagonal Gaussian, seen in a plane: half axes and angle (radians).
 * @param {{axes: number[][], scale: number[]}} plane
 * @param {ArrayLike<number>} sd
 * @returns {{rx: number, ry: number, angle: number}} in units of `scale`
 */
export function ellipseOf({ axes, scale }, sd) {
  const by = (i, j) => axes[i].reduce((sum, v, d) => sum + v * axes[j][d] * sd[d] ** 2, 0) / (scale[i] * scale[j]);
  const [a, b, c] = [by(0, 0), by(0, 1), by(1, 1)];
  const [middle, half] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  return { rx: Math.sqrt(middle + half), ry: Math.sqrt(Math.max(0, middle - half)), angle: Math.atan2(2 * b, a - c) / 2 };
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). @param {number} seed @returns {() => number} */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A draw of a standard normal, by two of `next`, each in [0, 1). @param {() => number} next @returns {number} */
export function normal(next = Math.random) {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** @param {ArrayLike<number>} values @returns {number} where the largest is, the first of equals */
export function likeliest(values) {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[at]) at = i;
  return at;
}

/** How far two pictures lie apart, as a mean over their levels, 0 to 1. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function apart(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / (255 * a.length);
}
