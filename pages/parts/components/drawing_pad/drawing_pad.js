// A pad to draw on. The screen shows strokes as sharp as it can, and what is sent to the server is drawn of the same lines
// at the size the preparation wants. What is given and sent: see __init__.py.

import { themeOf } from "../shared/colours.js";
import { element, icon, keepTouch } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { isNear, paintStroke, pictureOf, readStrokes } from "./strokes.js";

const PAUSE = 200; // milliseconds between two messages while a stroke is being drawn
const PATIENCE = 3000; // after which an answer that has not come is not waited for
const MOST_POINTS = 20000;

class Pad {
  constructor(parent) {
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.cursor = element("div", { class: "cursor" });
    this.hint = element("div", { class: "hint" });
    this.paper = element("div", { class: "paper", role: "img", tabindex: "0" }, this.canvas, this.cursor);
    this.undoButton = element("button", { type: "button", title: "Undo (Ctrl+Z)", onclick: () => this.undo() }, icon("undo"), "Undo");
    this.clearButton = element("button", { type: "button", onclick: () => this.clear() }, icon("clear"), "Clear");
    this.range = element("input", { type: "range", min: "0.015", max: "0.25", step: "0.005", "aria-label": "Brush width",
      oninput: () => { this.width = Number(this.range.value); this.showWidth(); } });
    const width = element("label", { class: "width" }, element("span", {}, "Brush"), this.range);
    this.inks = element("div", { class: "inks", role: "radiogroup", "aria-label": "Colour of the brush" });
    this.tiny = element("canvas", { role: "img", "aria-label": "What the model sees" });
    this.words = element("span", {});
    this.seen = element("div", { class: "seen" }, this.tiny, element("div", {}, element("b", {}, "What the model sees"), this.words));
    this.spoken = element("div", { class: "spoken", "aria-live": "polite" });
    this.root = element("div", { class: "pad" },
      element("div", { class: "sheet" }, this.paper, this.hint), this.inks,
      element("div", { class: "tools" }, this.undoButton, this.clearButton, width), this.seen, this.spoken);
    parent.append(this.root);
    this.strokes = [];
    this.past = []; // what the strokes were before each step, for Undo
    this.stroke = null; // the one being drawn
    this.pointer = null;
    this.sent = this.heard = 0;
    this.path = location.pathname;
    keepTouch(this.paper);
    this.paper.addEventListener("pointerdown", (e) => this.down(e));
    this.paper.addEventListener("pointermove", (e) => this.move(e));
    this.paper.addEventListener("pointerup", (e) => this.up(e));
    this.paper.addEventListener("pointercancel", (e) => this.up(e));
    this.paper.addEventListener("pointerleave", () => { this.cursor.style.visibility = "hidden"; });
    this.root.addEventListener("keydown", (e) => {
      if ((e.ctrlKey || e.metaKey) && !e.shiftKey && e.key.toLowerCase() === "z") {
        e.preventDefault();
        this.undo();
      }
    });
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.paper);
  }

  update(data, send) {
    const anew = !this.data || this.data.version !== data.version;
    this.data = data;
    this.send = send;
    if (anew) {
      this.strokes = readStrokes(data.strokes);
      this.example = data.example ? this.strokes : null; // the very array: what is drawn instead is another
      this.past = data.example ? [] : this.strokes.map((_, i) => this.strokes.slice(0, i));
      this.stroke = this.pointer = null;
      this.colour = data.inks[0].colour;
      this.width = data.width;
      this.range.value = String(this.width);
      this.base = data.base ? pictureOf(data.base) : null;
      this.showInks();
    }
    this.heard = Math.max(this.heard, data.heard);
    if (data.heard >= this.sent) this.waiting = false;
    this.root.classList.toggle("light", !themeOf(this.root).dark);
    this.root.classList.toggle("grey", data.grey);
    this.paper.setAttribute("aria-label", data.label);
    this.showSeen();
    this.draw();
    this.toAddress();
    if (anew && this.strokes.length && !data.seen) this.say(true); // strokes that nobody has seen painted yet
  }

  // --- Drawing

  at(e) {
    const box = this.paper.getBoundingClientRect();
    const round = (v) => Math.round(1e4 * v) / 1e4;
    return [round((e.clientX - box.left) / box.width), round((e.clientY - box.top) / box.height)];
  }

  down(e) {
    if (this.pointer !== null || e.button > 0 || !e.isPrimary) return; // a second finger, another button
    e.preventDefault();
    this.paper.focus({ preventScroll: true });
    this.pointer = e.pointerId;
    try {
      this.paper.setPointerCapture(e.pointerId); // so that a stroke may leave the pad and come back
    } catch { /* the pointer is gone already */ }
    this.stroke = { w: this.width, c: this.colour, p: this.at(e) };
    this.draw();
    this.say(false);
  }

  move(e) {
    this.showCursor(e);
    if (e.pointerId !== this.pointer || !this.stroke) return;
    const events = e.getCoalescedEvents ? e.getCoalescedEvents() : [];
    const p = this.stroke.p;
    for (const event of events.length ? events : [e]) {
      const [x, y] = this.at(event);
      if (!isNear(p, x, y) && p.length < MOST_POINTS) p.push(x, y);
    }
    this.draw();
    this.say(false);
  }

  up(e) {
    if (e.pointerId !== this.pointer) return;
    this.pointer = null;
    if (this.stroke) this.step(this.all());
  }

  step(strokes) {
    this.past.push(this.strokes);
    this.strokes = strokes;
    this.stroke = null;
    this.draw();
    this.say(true);
  }

  undo() {
    if (this.stroke || !this.past.length) return;
    this.strokes = this.past.pop();
    this.draw();
    this.say(true);
    this.spoken.textContent = `Undone. ${this.strokes.length} strokes.`;
  }

  clear() {
    if (this.stroke) return;
    this.step([]);
    this.spoken.textContent = "Cleared.";
  }

  // --- What is sent: at most every 200 ms while drawing and once answered, and always at the end of a stroke.

  say(last) {
    clearTimeout(this.timer);
    const now = performance.now();
    const wait = this.waiting && now - this.since < PATIENCE ? 30 : PAUSE - (now - (this.since ?? -PAUSE));
    if (wait > 0 && !(last && !this.waiting)) {
      this.timer = setTimeout(() => this.say(false), wait);
      return;
    }
    this.since = now;
    this.waiting = true;
    this.sent = Math.max(this.sent, this.heard) + 1;
    this.send("drawn", {
      version: this.data.version,
      n: this.sent,
      layer: this.layer(),
      strokes: this.stroke ? null : JSON.stringify(this.strokes),
      example: this.isExample(),
    });
  }

  layer() {
    const side = this.data.fine;
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = side;
    const ctx = canvas.getContext("2d");
    for (const stroke of this.all()) paintStroke(ctx, stroke, side);
    return canvas.toDataURL("image/png").split(",")[1];
  }

  isExample() {
    return this.strokes === this.example && !this.stroke;
  }

  all() {
    if (!this.stroke) return this.strokes;
    return this.strokes === this.example ? [this.stroke] : [...this.strokes, this.stroke];
  }

  // --- What is shown

  draw() {
    if (!this.data) return;
    const side = Math.round(this.paper.clientWidth * Math.min(window.devicePixelRatio || 1, 3));
    if (!side) return;
    if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
    const ctx = this.canvas.getContext("2d");
    ctx.clearRect(0, 0, side, side);
    if (this.base) {
      ctx.imageSmoothingEnabled = false;
      ctx.drawImage(this.base, 0, 0, side, side);
    }
    const all = this.all();
    for (const stroke of all) paintStroke(ctx, stroke, side);
    const [example, empty] = [this.isExample(), !(all.length || this.base)];
    // What is said of the example is no hint for empty paper: the server's next answer brings that.
    this.hint.textContent = example || (empty && !this.data.example) ? this.data.hint : "";
    this.hint.classList.toggle("low", example); // below the pad, where it hides no ink
    this.undoButton.disabled = !this.past.length;
    this.clearButton.disabled = !this.strokes.length;
    this.root.dataset.strokes = String(this.strokes.length);
  }

  showSeen() {
    const { seen, says } = this.data;
    this.seen.hidden = !seen;
    this.seen.style.display = seen ? "" : "none";
    this.words.textContent = says;
    if (!seen) return;
    const picture = pictureOf(seen);
    [this.tiny.width, this.tiny.height] = [picture.width, picture.height];
    this.tiny.getContext("2d").drawImage(picture, 0, 0);
  }

  showInks() {
    const { inks, free } = this.data;
    const choose = (colour) => {
      this.colour = colour;
      for (const button of this.inks.querySelectorAll("button")) {
        button.setAttribute("aria-checked", String(button.dataset.colour === colour));
      }
    };
    this.inks.classList.toggle("named", !free);
    this.inks.replaceChildren(...inks.map(({ name, colour }) => element("button", {
      type: "button", role: "radio", title: name, "aria-label": name, "data-colour": colour,
      "aria-checked": String(colour === this.colour), onclick: () => choose(colour),
    }, element("i", { style: `background:${colour}` }), free ? null : name)));
    if (free) {
      const any = element("input", { type: "color", title: "Any colour", "aria-label": "Any colour", value: this.colour });
      any.addEventListener("input", () => choose(any.value));
      this.inks.append(any);
    }
  }

  showCursor(e) {
    const show = e.pointerType !== "touch";
    this.cursor.style.visibility = show ? "visible" : "hidden";
    if (!show) return;
    const [x, y] = this.at(e);
    this.cursor.style.left = `${100 * x}%`;
    this.cursor.style.top = `${100 * y}%`;
    this.cursor.style.width = this.cursor.style.height = `${100 * this.width}%`;
  }

  showWidth() {
    this.cursor.style.left = this.cursor.style.top = "50%";
    this.cursor.style.width = this.cursor.style.height = `${100 * this.width}%`;
    this.cursor.style.visibility = "visible";
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.cursor.style.visibility = "hidden"; }, 900);
  }

  // The address carries the drawing, so that it can be copied at any time. It is replaced, not added to: each stroke
  // would be one more press of Back otherwise. The page may write its own part of the address a moment later, so look again.
  toAddress() {
    clearTimeout(this.addressing);
    const write = () => {
      if (this.gone || location.pathname !== this.path) return;
      const given = new URLSearchParams(location.search);
      const { share } = this.data;
      if ((given.get("drawing") ?? "") === share) return;
      if (share) given.set("drawing", share);
      else given.delete("drawing");
      const text = given.toString();
      history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : ""));
    };
    write();
    this.addressing = setTimeout(write, 400);
  }

  destroy() {
    this.gone = true;
    clearTimeout(this.timer);
    clearTimeout(this.fading);
    clearTimeout(this.addressing);
    this.observer.disconnect();
    this.root.remove();
  }
}

export default (given) => mount(Pad, given);
