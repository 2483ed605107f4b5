// What a run takes an image for, in words. It is kept back until somebody has said what they take it for.

import { percent } from "../shared/words.js";

/** @typedef {{top: [number, number][], entropy: number | null}} Guess the likeliest classes with their probabilities; nats */

/**
 * The guess in words: "9 (45 %), 8 (27 %)".
 * @param {Guess} guess
 * @param {(k: number) => string} name
 * @returns {string}
 */
export function guessed({ top }, name) {
  return top.map(([k, p]) => `${name(k)} (${percent(p)})`).join(", ");
}

/**
 * What is said of an image: of one with a label also the guess, which is shown of the others only if it is `open`.
 * @param {Guess} guess
 * @param {number | undefined} label
 * @param {boolean} open
 * @param {(k: number) => string} name
 * @returns {string} "" where nothing may be said yet
 */
export function compared(guess, label, open, name) {
  const yours = label === undefined ? "" : `You: ${name(label)}. `;
  if (!yours && !open) return "";
  return `${yours}${guess.top.length ? `The model: ${guessed(guess, name)}.` : "The run kept no guess of this image."}`;
}

/**
 * What stands below a small image: how unsure the run is, its guess once that may be seen, or both answers.
 * @param {Guess} guess
 * @param {number | undefined} label
 * @param {boolean} open
 * @param {(k: number) => string} name
 * @returns {string}
 */
export function below({ top, entropy }, label, open, name) {
  if (label !== undefined) return `you ${name(label)}${top.length ? ` · model ${name(top[0][0])}` : ""}`;
  if (!top.length) return "no guess";
  return open ? `${name(top[0][0])} · ${percent(top[0][1])}` : `${entropy.toFixed(2)} nats`;
}

/**
 * What stands below the small images that have no label yet, in words.
 * @param {boolean} open
 * @returns {string}
 */
export function whatIsBelow(open) {
  return open ? "Below an image: the run's guess, and its probability by q(y|x)."
    : "Below an image: the entropy of q(y|x), how unsure the run is. Its guess is shown once you have answered.";
}
