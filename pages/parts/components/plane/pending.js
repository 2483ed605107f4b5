// What a hand has done and the page has not kept yet: it is drawn as if it were, over what the page sends.

import { css, rgb } from "../shared/colours.js";

const SAME = 1e-3; // places so near are one: what is kept has five digits

/** A labelled point is {of: where it is, row: what is drawn of it}: an edit under way may give it another number. */
export class Pending {
  constructor() {
    this.strokes = []; // points that were added: {n: the number of the edit, at: [x, y, k][]}
    this.moves = []; // of labelled points, the last perhaps under way still: {label, at, n}
  }

  stroke(at) {
    const stroke = { n: Infinity, at };
    this.strokes.push(stroke);
    return stroke;
  }

  /** `stroke` is none after all. */
  drop(stroke) {
    this.strokes = this.strokes.filter((other) => other !== stroke);
  }

  /** A label is under way and is at `at`. */
  carry(label, at, data) {
    this.let();
    this.moves.push({ label, at, n: Infinity });
    this.over(data);
  }

  /** No label is under way. */
  let() {
    this.moves = this.moves.filter(({ n }) => n < Infinity);
  }

  /** What the page does not know yet stands in what it sends; what it has kept or refused needs no drawing here. */
  over(data) {
    const kept = data.edited ?? 0;
    this.strokes = this.strokes.filter(({ n }) => n > kept);
    this.moves = this.moves.filter(({ n }) => n > kept);
    for (const { label, at } of this.moves) {
      const there = ([x, y]) => Math.hypot(x - label.of[0], y - label.of[1]) < SAME;
      if (!data.labelled.includes(label.row)) label.row = data.labelled.find(there);
      label.row?.splice(0, 2, ...at);
    }
  }

  draw(ctx, colours, { X, Y, scale, theme }) {
    for (const [x, y, k] of this.strokes.flatMap(({ at }) => at)) {
      ctx.beginPath();
      ctx.arc(X(x), Y(y), (k < 0 ? 1.7 : 6) * scale, 0, 2 * Math.PI);
      ctx.fillStyle = css(k < 0 ? theme.text : rgb(colours[k]), k < 0 ? 0.6 : 1);
      ctx.fill();
      if (k < 0) continue;
      ctx.lineWidth = 2 * scale;
      ctx.strokeStyle = css(theme.dark ? [255, 255, 255] : [20, 22, 28]);
      ctx.stroke();
    }
  }
}
