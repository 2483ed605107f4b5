// The panels as one picture to take away.

import { css } from "../shared/colours.js";
import { download } from "../shared/elements.js";

const GAP = 24; // pixels of the canvases
const HEAD = 84;

/** Where each of `n` panels of this size lies on the picture, and how large that is: [{x, y}], [width, height]. */
export function laidOut(n, width, height) {
  const at = Array.from({ length: n }, (_, i) => ({ x: GAP + i * (width + GAP), y: HEAD }));
  return { at, size: [GAP + n * (width + GAP), HEAD + height + GAP] };
}

/** Hand the panels of the plane `view` to the browser's downloads, as they are, under the sentence above them. */
export function savePng(view) {
  const panels = [...view.panels.values()].filter((panel) => panel.canvas.width);
  if (!panels.length) return;
  const { width } = panels[0].canvas;
  const height = Math.max(...panels.map((p) => p.canvas.height + (p.space.hidden ? 0 : p.space.height + GAP / 2)));
  const { at, size } = laidOut(panels.length, width, height);
  const picture = Object.assign(document.createElement("canvas"), { width: size[0], height: size[1] });
  const ctx = picture.getContext("2d");
  ctx.fillStyle = css(view.theme.back);
  ctx.fillRect(0, 0, ...size);
  ctx.fillStyle = css(view.theme.text);
  const family = getComputedStyle(view.root).fontFamily;
  ctx.font = `18px ${family}`;
  ctx.fillText(view.claim.textContent, GAP, 32, size[0] - 2 * GAP);
  for (const [i, panel] of panels.entries()) {
    const { x, y } = at[i];
    ctx.font = `600 20px ${family}`;
    ctx.fillText(`${panel.title.textContent}  ${panel.percent.textContent}`, x, y - 14, width);
    ctx.drawImage(panel.canvas, x, y);
    if (!panel.space.hidden) ctx.drawImage(panel.space, x, y + panel.canvas.height + GAP / 2);
  }
  picture.toBlob((blob) => blob && download("plane.png", blob));
}
