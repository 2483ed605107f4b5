// Round values along an axis, and numbers in words.

/** 1, 2, 5 or 10 times a power of ten, so that about so many steps make the span. @param {number} span @param {number} about @returns {number} */
export function roundStep(span, about) {
  const raw = span / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((m) => m * power >= raw * 0.999) * power;
}

/** The round values within a range. @param {number} low @param {number} high @param {number} about @returns {number[]} */
export function ticks(low, high, about) {
  const step = roundStep(high - low, about);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-6; i++) found.push(i * step);
  return found;
}

/** In at most five digits, with a true minus sign. @param {number} x @returns {string} */
export function short(x) {
  return String(Number(x.toPrecision(5))).replace("-", "−");
}
