// Numbers for properties: the same ones in every run, so that what fails once fails again.

import { seeded } from "../../pages/parts/components/flow/graph.js";

export const random = seeded;

/** `n` numbers from `low` to `high`. */
export function numbers(next, n, low = -1, high = 1) {
  return Array.from({ length: n }, () => low + (high - low) * next());
}

/** Call `check` with a generator of its own, `n` times. */
export function times(n, check) {
  for (let seed = 0; seed < n; seed++) check(random(seed), seed);
}
