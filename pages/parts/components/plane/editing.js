// A hand on the panels, by pointer or by keys: it gives points a label, puts new ones there, paints many, moves and removes.

import { css } from "../shared/colours.js";
import { keepTouch } from "../shared/elements.js";
import { nearest } from "./arrays.js";
import { Pending } from "./pending.js";

const NEAR = 0.035; // of the plane's half side: so near one means a point
const STILL = 4; // pixels a click may move
const APART = 0.05; // of the half side: points that are painted; twice as far if they have a label, and are drawn larger
const LONG = 350; // milliseconds after which a finger that rests paints in whatever direction it moves
const STEP = 0.02; // of the half side, of the cursor
const FAR = 0.1; // with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
export const KEYS = "Arrow keys move the cursor, with Shift farther. Enter does what a click does there. Left and right bracket go to "
  + "the labelled points. M picks a labelled point up and puts it down. Delete removes a label, or a point that was added. "
  + "1, 2 and so on choose the class, 0 no label. Control Z undoes.";

/** "−.05" @param {number} n */
export const short = (n) => n.toFixed(2).replace(/^(-?)0(?=\.)/, "$1").replace("-", "−").replace(/^−\.00$/, ".00");

/** Of a way from `from` to `to`, the places that lie `apart` from the one before. @returns {number[][]} */
export function along(from, to, apart) {
  const far = Math.hypot(to[0] - from[0], to[1] - from[1]);
  const n = Math.floor(far / apart + 1e-9);
  return Array.from({ length: n }, (_, i) => from.map((a, d) => a + (to[d] - a) * (i + 1) * apart / far));
}

/** The hand on all panels of one plane. What it has done is drawn at once; the page answers when it has kept it. */
export class Hand {
  /** @param {any} view has data, points, brush, edit(change): its number, undo(), soon(), point(i), say(words) */
  constructor(view) {
    this.view = view;
    this.held = null; // what the pointer has gone down on
    this.pending = new Pending(); // what it has done and the page has not kept yet
    this.carried = null; // one picked up by keys: a label
    this.cursor = null; // of the keys
    this.panel = null; // that has the focus
    this.shown = false; // whether the cursor is
  }

  attach(canvas, panel) {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "plane");
    canvas.setAttribute("aria-describedby", "plane-keys");
    const at = (e) => {
      const box = canvas.getBoundingClientRect();
      const { reach } = this.view.data;
      return [((e.clientX - box.left) / box.width * 2 - 1) * reach, (1 - (e.clientY - box.top) / box.height * 2) * reach];
    };
    canvas.addEventListener("pointerdown", (e) => {
      if (e.button !== 0 || !this.view.data || this.view.data.recorded) return;
      canvas.setPointerCapture(e.pointerId);
      this.down(at(e), e);
    });
    canvas.addEventListener("pointermove", (e) => this.held && this.move(at(e), e));
    canvas.addEventListener("pointerup", (e) => this.held && this.up(at(e)));
    canvas.addEventListener("pointercancel", () => this.drop());
    keepTouch(canvas, () => this.held != null && (this.held.label || this.held.moved || this.held.rests));
    canvas.addEventListener("keydown", (e) => {
      if (!this.view.data || this.view.data.recorded || !this.key(e)) return;
      this.view.keyed?.(panel);
      e.preventDefault();
      e.stopPropagation();
    });
    canvas.addEventListener("focus", () => {
      this.panel = panel;
      this.shown = canvas.matches(":focus-visible");
      if (this.shown && this.view.data) this.goTo(this.cursor ?? this.view.data.labelled[0]?.slice(0, 2) ?? [0, 0]);
    });
    canvas.addEventListener("blur", () => {
      setTimeout(() => canvas.isConnected && this.view.keyed?.(null)); // one that is taken out of the page is told before it is
      this.putBack();
      this.panel = null;
      this.view.point(-1);
      this.view.soon();
    });
  }

  /** Which labelled point is meant at a place, by its number, -1: none. */
  numberAt([x, y], near = 2 * NEAR) {
    const marks = Float64Array.from(this.view.data.labelled.flatMap(([a, b]) => [a, b]));
    return nearest(marks, x, y, near * this.view.data.reach);
  }

  /** The same as a label: {of: where it is, row: what is drawn of it}. What the page keeps may have other numbers by now. */
  labelAt(place) {
    const row = this.view.data.labelled[this.numberAt(place)];
    return row && { of: row.slice(0, 2), row };
  }

  pointAt([x, y], near = NEAR) {
    return nearest(this.view.points, x, y, near * this.view.data.reach);
  }

  placeOf(point) {
    return [this.view.points[2 * point], this.view.points[2 * point + 1]];
  }

  // The pointer

  down(place, { clientX, clientY, pointerType }) {
    this.shown = false;
    this.cursor = place;
    this.held = { label: this.labelAt(place), from: [clientX, clientY], at: place, last: null, moved: false,
      rests: pointerType !== "touch" };
    if (pointerType === "touch") setTimeout((held) => { held.rests = true; }, LONG, this.held);
  }

  move(place, { clientX, clientY }) {
    const it = this.held;
    const [right, down] = [clientX - it.from[0], clientY - it.from[1]];
    if (!it.moved && Math.hypot(right, down) <= STILL) return;
    if (!it.moved && !it.label && !it.rests && Math.abs(down) > Math.abs(right)) { // a finger that scrolls the page
      this.drop();
      return;
    }
    it.moved = true;
    if (it.label) this.carry(it.label, place);
    else this.paint(it, place);
    this.view.soon();
  }

  paint(it, place) {
    const { reach } = this.view.data;
    it.stroke ??= this.pending.stroke([]);
    const more = it.last ? along(it.last, place, (this.view.brush < 0 ? 1 : 2) * APART * reach) : [it.at];
    it.last = more.at(-1) ?? it.last;
    for (const [x, y] of more) {
      if (Math.abs(x) <= reach && Math.abs(y) <= reach) it.stroke.at.push([x, y, this.view.brush]);
    }
  }

  up(place) {
    const it = this.held;
    this.held = null;
    this.cursor = place;
    if (!it.moved) this.click(place);
    else if (it.label) this.putDown();
    else if (it.stroke?.at.length) {
      it.stroke.n = this.view.edit({ kind: "paint", k: this.view.brush, at: it.stroke.at.map(([x, y]) => [x, y]) });
    }
  }

  /** The browser has made a scroll of it. */
  drop() {
    this.pending.drop(this.held?.stroke);
    this.pending.let();
    this.held = null;
    this.view.soon();
  }

  // What either of them does

  click(place) {
    const { brush } = this.view;
    const label = this.labelAt(place);
    if (label) {
      this.view.edit({ kind: "name", of: label.of, k: brush });
      return;
    }
    const point = this.pointAt(place);
    const [x, y] = place;
    if (point >= 0 && brush >= 0) this.view.edit({ kind: "label", of: this.placeOf(point), k: brush });
    else this.pending.stroke([[x, y, brush]]).n = this.view.edit({ kind: "add", x, y, k: brush });
  }

  carry(label, at) {
    this.pending.carry(label, at, this.view.data);
  }

  putDown() {
    const move = this.pending.moves.at(-1);
    const { label: { of }, at: [x, y] } = move;
    this.carried = null;
    move.n = this.view.edit({ kind: "move", of, x, y });
  }

  // The keys

  /** Whether this key means something here; then it is done. */
  key(e) {
    const { labelled } = this.view.data;
    if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "z") this.view.undo();
    else if (e.ctrlKey || e.metaKey || e.altKey) return false;
    else if (ARROWS[e.key]) {
      const step = (e.shiftKey ? FAR : STEP) * this.view.data.reach;
      const [x, y] = this.shown || this.cursor ? this.cursor : [0, 0];
      this.goTo([x + ARROWS[e.key][0] * step, y + ARROWS[e.key][1] * step]);
    } else if ((e.key === "[" || e.key === "]") && labelled.length) {
      const now = this.cursor ? this.numberAt(this.cursor, 1e-3) : -1;
      const next = e.key === "]" ? now + 1 : (now < 0 ? labelled.length : now) - 1;
      this.goTo(labelled.at(next % labelled.length).slice(0, 2));
    } else if (!this.cursor) return false;
    else if (this.carried && ["Enter", " "].includes(e.key)) this.putDown();
    else if (e.key === "Enter" || e.key === " ") this.click(this.cursor);
    else if (e.key === "Delete" || e.key === "Backspace") this.remove(this.cursor);
    else if (e.key.toLowerCase() === "m") this.pick();
    else if (e.key === "Escape" && this.carried) this.putBack();
    else return false;
    return true;
  }

  goTo(place) {
    const { reach } = this.view.data;
    this.cursor = place.map((a) => Math.max(-reach, Math.min(reach, a)));
    this.shown = true;
    if (this.carried) this.carry(this.carried, this.cursor);
    this.view.point(this.pointAt(this.cursor, 0.06));
    this.view.say(this.told());
    this.view.soon();
  }

  pick() {
    if (this.carried) {
      this.putDown();
      this.view.say(`Put down at ${this.where()}.`);
      return;
    }
    const label = this.labelAt(this.cursor);
    if (!label) {
      this.view.say("No labelled point here to pick up.");
      return;
    }
    this.carried = label;
    this.carry(label, this.cursor);
    this.view.say("Picked up. Arrow keys move it, M puts it down, Escape puts it back.");
    this.view.soon();
  }

  /** One that was picked up goes where it was. */
  putBack() {
    if (!this.carried) return;
    this.carry(this.carried, this.carried.of);
    this.carried = null;
    this.pending.let();
    this.view.soon();
  }

  remove(place) {
    const label = this.labelAt(place);
    const point = this.pointAt(place);
    if (label) this.view.edit({ kind: "remove", of: label.of });
    else if (point >= 0 && point >= this.view.data.own) this.view.edit({ kind: "remove", of: this.placeOf(point) });
    else this.view.say("Nothing here can be removed: a point of the figure has a label to lose, or stays.");
  }

  where() {
    return `x ${short(this.cursor[0])}, y ${short(this.cursor[1])}`;
  }

  /** The cursor in words. */
  told() {
    const { labelled, classes } = this.view.data;
    const near = this.view.hovered;
    if (near < 0) return `${this.where()}, no point near`;
    const mark = this.numberAt(this.placeOf(near), 1e-4);
    const what = mark < 0 ? "unlabelled point" : `point labelled ${classes[labelled[mark][2]]}`;
    const k = this.panel?.now?.predicted?.values[near];
    const says = k == null ? "" : `, ${this.panel.panel.title} says class ${classes[k]}`;
    return `${this.where()}, nearest: ${what}${says}`;
  }

  /** What is not kept yet, and the cursor. */
  draw(ctx, panel, { X, Y, scale, theme }) {
    const colours = (this.view.data.offered ?? []).map(([, colour]) => colour);
    this.pending.draw(ctx, colours, { X, Y, scale, theme });
    if (panel !== this.panel || !this.shown || !this.cursor) return;
    const [x, y] = [X(this.cursor[0]), Y(this.cursor[1])];
    const [gap, long] = [(this.carried ? 8 : 3) * scale, 14 * scale];
    for (const [width, colour] of [[4, theme.back], [2, theme.primary]]) {
      ctx.lineWidth = width * devicePixelRatio;
      ctx.strokeStyle = css(colour);
      ctx.beginPath();
      for (const [dx, dy] of Object.values(ARROWS)) {
        ctx.moveTo(x + dx * gap, y + dy * gap);
        ctx.lineTo(x + dx * long, y + dy * long);
      }
      ctx.stroke();
    }
  }
}
