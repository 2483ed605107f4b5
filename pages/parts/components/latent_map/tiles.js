// The images of a selection as tiles: pointing lights one, arrows walk, a click pins.

import { rgb } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { picture } from "../shared/image_sheets.js";
import { inWords, wrongs } from "./selection.js";

const SIDE = 44; // pixels

export class Tiles {
  /** `hands` has look(id or null), pin(id) and clear(). */
  constructor(hands) {
    this.hands = hands;
    this.buttons = new Map(); // id -> its tile
    this.entries = new Map(); // id -> what is known of it
    this.line = element("div", { class: "line" });
    this.box = element("div", { class: "tiles", role: "group", "aria-label": "Images. Arrows walk, Enter pins.",
      onkeydown: (e) => this.press(e) });
  }

  empty() {
    this.buttons.clear();
    this.entries.clear();
    this.box.replaceChildren();
  }

  /** Show `entries`; `d` has the classes and their colours, `names` what the belief of each map is called. */
  show(entries, d, names, pinned) {
    const focus = this.box.getRootNode().activeElement?.dataset?.id;
    const scroll = this.box.scrollTop;
    [this.d, this.names] = [d, names];
    this.buttons.clear();
    this.entries = new Map(entries.map((r) => [r.id, r]));
    this.box.replaceChildren(...entries.map((r) => this.tile(r)));
    this.box.scrollTop = scroll;
    const first = this.buttons.get(Number(focus)) || this.box.firstElementChild;
    first.tabIndex = 0;
    if (focus !== undefined) this.buttons.get(Number(focus))?.focus({ preventScroll: true });
    this.mark(pinned);
    this.rest();
  }

  tile(r) {
    const { d } = this;
    const wrong = wrongs(r);
    const several = this.names.length > 1;
    const strip = several || wrong ? element("span", { class: "strip" }, ...r.says.map((s) => element("i", {
      style: s ? `background:${d.colours[s.predicted]}` : "" }))) : null;
    const button = element("button", {
      class: wrong ? "tile wrong" : "tile", "data-id": r.id, tabindex: "-1",
      style: `border-color:${d.colours[r.true]}`, "aria-label": `${inWords(r, d.classes, this.names)}. Pin it.`,
      onclick: () => this.hands.pin(r.id),
      onpointerenter: () => this.hands.look(r.id),
      onpointerleave: () => this.hands.look(null),
      onfocus: () => this.focused(r.id),
      onblur: () => this.hands.look(null),
    }, picture(r.sheets, r.tile, SIDE, rgb(d.colours[r.true])), strip, wrong ? element("b", { class: "cross", "aria-hidden": "true" },
      several && wrong > 1 ? String(wrong) : "×") : null);
    this.buttons.set(r.id, button);
    return button;
  }

  // What can be done, while no tile is lit.
  rest() {
    const touch = window.matchMedia("(hover: none)").matches;
    this.line.replaceChildren(element("span", { class: "soft" },
      touch ? "Tap an image to pin it." : "Point at an image to see what is said of it; click to pin it."));
  }

  focused(id) {
    for (const button of this.box.querySelectorAll("[tabindex='0']")) button.tabIndex = -1;
    this.buttons.get(id).tabIndex = 0;
    this.hands.look(id);
  }

  /** Light the tile of an image, or none, and say what is known of it; with `bring` it comes into sight. */
  light(id, bring) {
    this.buttons.get(this.lit)?.classList.remove("lit");
    this.lit = id;
    const button = id == null ? null : this.buttons.get(id);
    if (!button) {
      if (this.buttons.size) this.rest();
      return;
    }
    button.classList.add("lit");
    this.line.replaceChildren(inWords(this.entries.get(id), this.d.classes, this.names));
    if (bring) this.bring(button);
  }

  // Into sight within the grid; the page does not move.
  bring(button) {
    const [box, own] = [this.box.getBoundingClientRect(), button.getBoundingClientRect()];
    if (own.top < box.top) this.box.scrollTop -= box.top - own.top + 4;
    else if (own.bottom > box.bottom) this.box.scrollTop += own.bottom - box.bottom + 4;
  }

  mark(pinned) {
    for (const [id, button] of this.buttons) button.classList.toggle("pinned", id === pinned);
  }

  press(event) {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const buttons = [...this.box.children];
    const at = buttons.indexOf(this.box.getRootNode().activeElement);
    if (at < 0) return;
    const across = Math.max(1, buttons.filter((b) => b.offsetTop === buttons[0].offsetTop).length);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - across, ArrowDown: at + across, Home: 0,
      End: buttons.length - 1 }[event.key];
    if (event.key === "Escape") {
      this.hands.clear();
    } else if (to === undefined) {
      return;
    } else if (buttons[to]) {
      buttons[to].focus({ preventScroll: true });
      this.bring(buttons[to]);
    }
    event.preventDefault();
  }
}
