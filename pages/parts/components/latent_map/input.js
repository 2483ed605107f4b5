// Hands on a map: pointers, fingers, the wheel and keys. What they mean is the map's: it has pan, drift, zoomBy, showAll,
// pointAt, look, pin, select, walk, clear, drawFront and view.

import { keepTouch } from "../shared/elements.js";
import { WheelHint } from "./wheel_hint.js";

const TURNING = 250; // milliseconds in which two turns of the wheel are one: it goes on doing what it began to do
const PINCH = 50; // pixels: a wheel turns by more at a time, a pinch by less
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Input {
  constructor(front, map) {
    [this.front, this.map] = [front, map];
    this.pointers = new Map();
    this.lasso = false; // whether a drag draws a lasso
    this.path = null; // of the lasso that is being drawn
    this.held = false; // whether one has pressed into the map and not left it
    this.hint = new WheelHint(front);
    const on = (event, act, options) => front.addEventListener(event, act, options);
    on("pointerdown", (e) => this.down(e));
    on("pointermove", (e) => this.move(e));
    on("pointerup", (e) => this.up(e));
    on("pointercancel", (e) => this.up(e));
    on("pointerleave", () => this.leave());
    on("dblclick", () => map.showAll());
    on("blur", () => map.look(-1));
    on("keydown", (e) => this.press(e));
    on("wheel", (e) => this.wheel(e), { passive: false });
    keepTouch(front, () => front.style.touchAction === "none");
    this.past = (e) => {
      if (!e.composedPath().includes(front)) this.scrolled = performance.now();
    };
    window.addEventListener("wheel", this.past, { passive: true, capture: true });
  }

  // Seen whole, a finger that moves up or down scrolls the page, so that a map does not trap a phone.
  touchable(zoom) {
    this.front.style.touchAction = zoom > 1.02 || this.lasso ? "none" : "pan-y";
  }

  // The cursor over point i, or over none.
  over(i) {
    this.front.style.cursor = this.lasso ? "crosshair" : i < 0 ? "grab" : "pointer";
  }

  at(event) {
    const box = this.front.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (event.button) return;
    const [x, y] = this.at(event);
    this.pointers.set(event.pointerId, [x, y]);
    this.held = true;
    this.front.setPointerCapture(event.pointerId);
    this.drag = { x, y, moved: false, touch: event.pointerType !== "mouse" };
    if ((this.lasso || event.shiftKey) && this.pointers.size === 1) this.path = [[x, y]];
  }

  move(event) {
    const [x, y] = this.at(event);
    const was = this.pointers.get(event.pointerId);
    if (!was) {
      this.map.look(this.map.pointAt(x, y));
      return;
    }
    if (this.pointers.size === 2) {
      this.pinch(event.pointerId, x, y);
      return;
    }
    this.pointers.set(event.pointerId, [x, y]);
    if (!this.drag.moved && Math.hypot(x - this.drag.x, y - this.drag.y) < (this.drag.touch ? 8 : 4)) return;
    this.drag.moved = true;
    if (this.path) {
      this.path.push([x, y]);
      this.map.drawFront();
      return;
    }
    this.front.style.cursor = "grabbing";
    this.map.pan(x - was[0], y - was[1]);
  }

  pinch(pointer, x, y) {
    const [a, b] = [...this.pointers.values()];
    this.path = null;
    const before = Math.hypot(a[0] - b[0], a[1] - b[1]);
    this.pointers.set(pointer, [x, y]);
    const [c, d] = [...this.pointers.values()];
    this.drag.moved = true;
    const middle = [(c[0] + d[0]) / 2, (c[1] + d[1]) / 2];
    this.map.drift(middle[0] - (a[0] + b[0]) / 2, middle[1] - (a[1] + b[1]) / 2);
    this.map.zoomBy(Math.hypot(c[0] - d[0], c[1] - d[1]) / Math.max(1, before), ...middle);
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    const { map, drag, path } = this;
    const [x, y] = this.at(event);
    this.path = null;
    if (event.type === "pointercancel") {
      map.drawFront();
    } else if (path && drag.moved) {
      map.select(path);
    } else {
      const i = map.pointAt(x, y, drag.touch);
      map.look(i);
      if (!drag.moved && i >= 0) map.pin(i);
      else map.drawFront();
    }
  }

  leave() {
    if (this.pointers.size) return;
    this.held = false;
    this.map.look(-1);
  }

  // The wheel scrolls the page. With Ctrl, as which a pinch on a touchpad comes too, it zooms, and where one has pressed into
  // the map; but of a map that is seen whole, there is nothing to zoom out of.
  zooms(event) {
    if (event.ctrlKey || event.metaKey) return true;
    return (this.held || Boolean(document.fullscreenElement)) && (event.deltaY < 0 || this.map.view.zoom > 1);
  }

  wheel(event) {
    const now = performance.now();
    const zooms = this.zooms(event);
    if (!zooms && now - (this.zoomed || 0) >= TURNING) {
      if (now - (this.scrolled || 0) >= TURNING) this.hint.show();
      this.scrolled = now;
      return;
    }
    event.preventDefault();
    this.zoomed = now;
    if (!zooms) return;
    const pixels = event.deltaY * (event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 300 : 1);
    this.map.zoomBy(Math.exp(-pixels * (event.ctrlKey && Math.abs(pixels) < PINCH ? 0.01 : 0.0018)), ...this.at(event));
  }

  press(event) {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const { map } = this;
    const way = ARROWS[event.key];
    if (way && event.shiftKey) map.pan(-60 * way[0], -60 * way[1]);
    else if (way) map.walk(way);
    else if ((event.key === "Enter" || event.key === " ") && map.cursor >= 0) map.pin(map.cursor);
    else if (event.key === "+" || event.key === "=") map.zoomBy(1.5);
    else if (event.key === "-") map.zoomBy(1 / 1.5);
    else if (event.key === "0" || event.key === "Home") map.showAll();
    else if (event.key === "Escape") map.clear();
    else return;
    event.preventDefault();
  }

  destroy() {
    this.hint.destroy();
    window.removeEventListener("wheel", this.past, { capture: true });
  }
}
