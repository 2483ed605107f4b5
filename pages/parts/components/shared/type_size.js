// How large the page's type is: what is drawn on a canvas knows no rem.

/** Of the usual size, at most `most`: 1.5 before a class. */
export function typeScale(most = 2) {
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  return Math.max(1, Math.min(most, size || 1));
}
