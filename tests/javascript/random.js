// Numbers for properties: the same ones in every run, so that what fails once fails again.

/** A generator of numbers from 0 to before 1. @param {number} seed @returns {() => number} */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `n` numbers from `low` to `high`. */
export function numbers(next, n, low = -1, high = 1) {
  return Array.from({ length: n }, () => low + (high - low) * next());
}

/** Call `check` with a generator of its own, `n` times. */
export function times(n, check) {
  for (let seed = 0; seed < n; seed++) check(random(seed), seed);
}
