// Numbers and names as they are read.

export const KINDS = ["labelled", "unlabelled", "test"];
export const MODES = {
  class: "True class",
  sure: "Predicted class, faded where unsure",
  predicted: "Predicted",
  right: "Right or wrong",
  kind: "Labelled or not",
  entropy: "Entropy",
};

/** An id i >= 0 is training image i, -1-j is test image j. @param {number} id @param {number} kind @returns {string} */
export function nameOf(id, kind) {
  return id < 0 ? `Test image ${-1 - id}` : `Training image ${id}, ${KINDS[kind]}`;
}

/**
 * As figures.probability writes it: never none or all.
 * @param {number} p what a classifier gives a class @returns {string}
 */
export function percent(p) {
  const written = (100 * p).toFixed(1);
  if (Number(written) <= 0) return "< 0.1 %";
  return written === "100.0" ? "> 99.9 %" : `${written} %`;
}

/** @param {number} n @returns {string} */
export function count(n) {
  return n.toLocaleString("en-GB");
}

/** With a true minus sign, and none before a zero. @param {number} v @param {number} [digits] @returns {string} */
export function signed(v, digits = 2) {
  const size = Math.abs(v).toFixed(digits);
  return (v < 0 && Number(size) ? "−" : "") + size;
}
