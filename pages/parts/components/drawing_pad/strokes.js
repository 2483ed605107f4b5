// What is drawn: strokes are kept as lines, not as pixels, so that they can be drawn at any size.

/** @typedef {{w: number, c: string, p: number[]}} Stroke width, colour, points x0, y0, x1, y1, ... in sides of the pad */

/** Strokes that came back from the server, or none. @param {string} text @returns {Stroke[]} */
export function readStrokes(text) {
  let found;
  try {
    found = JSON.parse(text || "[]");
  } catch {
    return [];
  }
  const good = (s) => s && Number.isFinite(s.w) && /^#[0-9a-f]{6}$/i.test(s.c) && Array.isArray(s.p)
    && s.p.length >= 2 && s.p.length % 2 === 0 && s.p.every(Number.isFinite);
  return Array.isArray(found) ? found.filter(good) : [];
}

/** One stroke on a canvas of `side` pixels: a round brush along a smooth line through the middles between its points. */
export function paintStroke(ctx, stroke, side) {
  const p = stroke.p.map((v) => v * side);
  ctx.strokeStyle = ctx.fillStyle = stroke.c;
  ctx.lineWidth = stroke.w * side;
  ctx.lineCap = ctx.lineJoin = "round";
  ctx.beginPath();
  if (p.length === 2) {
    ctx.arc(p[0], p[1], (stroke.w * side) / 2, 0, 2 * Math.PI);
    ctx.fill();
    return;
  }
  ctx.moveTo(p[0], p[1]);
  for (let i = 2; i + 3 < p.length; i += 2) {
    ctx.quadraticCurveTo(p[i], p[i + 1], (p[i] + p[i + 2]) / 2, (p[i + 1] + p[i + 3]) / 2);
  }
  ctx.lineTo(p[p.length - 2], p[p.length - 1]);
  ctx.stroke();
}

/** Pixels from the server, base64 of one or three bytes each, as a picture of their own size. */
export function pictureOf({ pixels, size: [h, w] }) {
  const raw = atob(pixels);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w, h];
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(w, h);
  const plane = h * w;
  const grey = raw.length === plane;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = raw.charCodeAt(grey ? i : c * plane + i);
    image.data[4 * i + 3] = 255;
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}

/** Whether a point is so near to the last one of a stroke that it adds nothing. @param {number[]} p @returns {boolean} */
export function isNear(p, x, y) {
  return Math.hypot(x - p.at(-2), y - p.at(-1)) < 0.004;
}
