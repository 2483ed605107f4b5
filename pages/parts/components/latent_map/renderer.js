// Draws a map: the points on one canvas, what follows a pointer on a second above it, so that looking around redraws no points.
// A scene is {points, shades, screen, frame, view, theme, grey, images, sheets, group, path, axes, busy}: what is drawn, where,
// and how.

import { css, mix, paperOf } from "../shared/colours.js";
import { drawTile } from "../shared/image_sheets.js";
import { radiusOf, scaleOf, sizesOf } from "./camera.js";
import { bands, blend, cross, disc } from "./dots.js";
import { packed } from "./packing.js";
import { drawScale } from "./scale.js";

const CROWD = 90; // so few points in sight are drawn as their images
export const STROKE = 1.5; // pixels, of a cross
export const RIM = 0.7; // pixels of the ground around it

/** The colour of points that a filter hides. @returns {number[]} */
export function faintOf(back, grey, dark) {
  return mix(back, grey, dark ? 0.34 : 0.3).map(Math.round);
}

export class Renderer {
  /** `again` is called when an image has arrived that was missing. */
  constructor(back, front, again) {
    [this.back, this.front, this.again] = [back, front, again];
  }

  /** `ratio`: pixels of the canvases for one of the frame. */
  resize(width, height, ratio = Math.min(2, window.devicePixelRatio || 1)) {
    this.ratio = ratio;
    for (const canvas of [this.back, this.front]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.bits = null;
  }

  drawPoints(scene) {
    const ctx = this.back.getContext("2d", { alpha: false });
    const [w, h] = [this.back.width, this.back.height];
    if (!this.bits) {
      this.bits = ctx.createImageData(w, h);
      this.pixels = new Int32Array(this.bits.data.buffer);
    }
    const { back } = scene.theme;
    this.pixels.fill(0xff000000 | back[2] << 16 | back[1] << 8 | back[0]);
    this.blendPoints(scene, w, h);
    ctx.putImageData(this.bits, 0, 0);
    ctx.save();
    ctx.scale(this.ratio, this.ratio);
    drawScale(ctx, scene);
    this.drawImages(ctx, scene);
    ctx.restore();
  }

  blendPoints({ points, shades, screen, frame, view, theme, grey }, w, h) {
    const { pixels, ratio } = this;
    const { back, text, dark } = theme;
    const { r, mute: small, big, edge, cross: arm } = sizesOf(frame, view.zoom, points);
    const body = disc(r * ratio);
    const halo = r > 2.3 ? disc((r + 0.8) * ratio) : null;
    const mute = disc(small * ratio);
    const mark = disc(big * ratio);
    const ring = disc((big + edge) * ratio);
    const gap = disc((big + edge + 0.9) * ratio);
    const wrong = cross(arm * ratio, STROKE * ratio);
    const below = cross(arm * ratio, (STROKE + 2 * RIM) * ratio);
    const faint = faintOf(back, grey, dark);
    const dense = points.n > 6000 ? 190 : 220;
    const rows = screen.y.map((y) => y * ratio);
    const reach = Math.max(gap.half, body.half, mute.half, below.half, halo ? halo.half : 0) + 1;
    const crosses = bands(shades.crossed, rows, h, reach);
    for (const [k, { top, bottom, points: inBand }] of bands(shades.order, rows, h, reach).entries()) {
      const crossBand = () => {
        for (const i of crosses[k].points) {
          blend(pixels, w, top, bottom, below, screen.x[i] * ratio, rows[i], back[0], back[1], back[2], shades.firm[i] * 0.8 | 0);
          blend(pixels, w, top, bottom, wrong, screen.x[i] * ratio, rows[i], text[0], text[1], text[2], shades.firm[i]);
        }
      };
      let crossed = false; // labelled images come last, and lie above the crosses
      for (const i of inBand) {
        if (!crossed && shades.visible[i] && points.kind[i] === 0) {
          crossBand();
          crossed = true;
        }
        const [x, y] = [screen.x[i] * ratio, rows[i]];
        if (!shades.visible[i]) {
          blend(pixels, w, top, bottom, mute, x, y, faint[0], faint[1], faint[2], 200);
          continue;
        }
        const [cr, cg, cb] = [shades.colour[3 * i], shades.colour[3 * i + 1], shades.colour[3 * i + 2]];
        if (points.kind[i] === 0) {
          blend(pixels, w, top, bottom, gap, x, y, back[0], back[1], back[2], 256);
          blend(pixels, w, top, bottom, ring, x, y, text[0], text[1], text[2], 256);
          blend(pixels, w, top, bottom, mark, x, y, cr, cg, cb, 256);
        } else {
          if (halo) blend(pixels, w, top, bottom, halo, x, y, back[0], back[1], back[2], 150);
          blend(pixels, w, top, bottom, body, x, y, cr, cg, cb, dense);
        }
      }
      if (!crossed) crossBand();
    }
  }

  // Images in place of points: all of them where few are in sight, else as many as lie side by side. Which ones does not
  // depend on where the map has been moved.
  drawImages(ctx, { points, shades, screen, frame, view, theme, images, sheets }) {
    const inside = (i) => shades.visible[i] && screen.x[i] > -20 && screen.y[i] > -20
      && screen.x[i] < frame.width + 20 && screen.y[i] < frame.height + 20;
    let few = false;
    if (view.zoom > 1.5) {
      let seen = 0;
      for (let i = 0; i < points.n && seen <= CROWD; i++) seen += inside(i);
      few = seen <= CROWD;
    }
    if (!images && !few) return;
    const size = Math.round((few && !images ? 34 : 28) * frame.type);
    const paper = css(paperOf(theme));
    const perCell = scaleOf(frame, view.zoom) / (size + 4);
    let shown = Array.from(shades.order).reverse().filter(inside);
    if (images) shown = packed(shown, (i) => [points.x[i] * perCell, points.y[i] * perCell]);
    for (const i of shown) {
      const [x, y] = [screen.x[i] - size / 2, screen.y[i] - size / 2];
      const colour = shades.colour.subarray(3 * i, 3 * i + 3);
      ctx.fillStyle = css(colour);
      ctx.fillRect(x - 2, y - 2, size + 4, size + 4);
      ctx.fillStyle = paper;
      ctx.fillRect(x, y, size, size);
      drawTile(ctx, sheets, points.tile[i], x, y, size, colour, this.again);
    }
  }

  drawFront({ points, screen, frame, view, theme, group, path }) {
    const ctx = this.front.getContext("2d");
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, frame.width, frame.height);
    const r = radiusOf(frame, view.zoom, points.n);
    const circle = (i, radius, width, colour) => {
      ctx.beginPath();
      ctx.arc(screen.x[i], screen.y[i], radius, 0, 2 * Math.PI);
      ctx.lineWidth = width;
      ctx.strokeStyle = colour;
      ctx.stroke();
    };
    const [text, back] = [css(theme.text), css(theme.back)];
    const pin = points.row.get(group.pin);
    if (pin !== undefined) {
      for (const id of group.near) {
        const i = points.row.get(id);
        if (i === undefined) continue;
        ctx.beginPath();
        ctx.moveTo(screen.x[pin], screen.y[pin]);
        ctx.lineTo(screen.x[i], screen.y[i]);
        ctx.lineWidth = 1;
        ctx.strokeStyle = css(theme.text, 0.45);
        ctx.stroke();
        circle(i, r + 3, 3.5, back);
        circle(i, r + 3, 1.5, text);
      }
      circle(pin, r + 6, 5, back);
      circle(pin, r + 6, 3, css(theme.primary));
    }
    const over = points.row.get(group.hover);
    if (over !== undefined) {
      circle(over, r + 4, 4, back);
      circle(over, r + 4, 2, text);
    }
    if (path && path.length > 1) this.drawPath(ctx, path, theme);
  }

  drawPath(ctx, path, theme) {
    ctx.beginPath();
    for (const [x, y] of path) ctx.lineTo(x, y);
    ctx.closePath();
    ctx.fillStyle = css(theme.primary, 0.12);
    ctx.fill();
    ctx.setLineDash([5, 4]);
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = css(theme.primary);
    ctx.stroke();
    ctx.setLineDash([]);
  }
}
