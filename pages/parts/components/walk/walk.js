// A walk between two images: all its pictures are here; a slider, a click on the strip or "Play" moves through them.

import { inkOf, themeOf } from "../shared/colours.js";
import { element, icon } from "../shared/elements.js";
import { patiently, sheetOf } from "../shared/fetched.js";
import { paint, tileOf } from "../shared/levels.js";
import { mount } from "../shared/mount.js";

const SHOWN = 13; // pictures of the strip: as many as can be told apart on a phone
const GAP = 2;

class Walk {
  constructor(parent) {
    this.root = element("section", { class: "drawn", "aria-label": "A walk between two images" });
    this.root.addEventListener("transitionend", (e) => e.target === this.root && this.paintAll());
    parent.append(this.root);
    this.version = null;
    this.timer = 0;
  }

  async update(data, send) {
    this.send = send;
    if (data.version === this.version) return;
    this.version = data.version;
    this.data = data;
    this.stop();
    this.at = this.told = Math.max(0, Math.min(data.frames - 1, data.at));
    this.build();
    try {
      const again = () => this.version === data.version && this.root.isConnected && this.send("again", data.version);
      const sheet = await patiently(() => sheetOf(data.url, data.grey), again);
      if (this.version !== data.version) return; // another walk has been chosen since
      this.tiles = data.rows.map((_, r) => Array.from({ length: data.frames }, (__, i) => tileOf(sheet, data.tile, r, i)));
    } catch (e) {
      this.says.textContent = `The pictures of this walk did not arrive (${e.message}). Reload the page.`;
      this.version = null;
      return;
    }
    this.paintAll();
    this.root.dataset.ready = data.version;
  }

  build() {
    const d = this.data;
    const [h, w] = d.tile;
    delete this.root.dataset.ready;
    this.tiles = null;
    this.kept = Array.from({ length: SHOWN }, (_, i) => Math.round((i * (d.frames - 1)) / (SHOWN - 1)));
    this.big = d.rows.map((row) => element("canvas", { class: "tile", width: w, height: h, role: "img",
      "aria-label": row.name }));
    this.strips = d.rows.map((row) => element("canvas", { class: "strip", width: SHOWN * (w + GAP) - GAP, height: h,
      role: "img", "aria-label": `${row.name}: ${SHOWN} pictures on the way` }));
    this.marks = d.rows.map(() => element("i", { class: "here" }));
    this.reads = d.rows.map(() => element("span", { class: "reads" }));
    const rows = d.rows.map((row, r) => element("div", { class: "row" },
      element("div", { class: "name" }, element("strong", {}, row.name), this.reads[r]), this.big[r],
      element("div", { class: "way" }, this.strips[r], this.marks[r])));
    for (const strip of this.strips) {
      strip.addEventListener("click", (e) => {
        const box = strip.getBoundingClientRect();
        const i = Math.min(SHOWN - 1, Math.floor((SHOWN * (e.clientX - box.left)) / box.width));
        this.stop();
        this.go(this.kept[i]);
        this.put();
      });
    }
    this.slider = element("input", { type: "range", min: 0, max: d.frames - 1, step: 1, "aria-label": "Place on the way" });
    this.slider.addEventListener("input", () => { this.stop(); this.go(Number(this.slider.value)); });
    this.slider.addEventListener("change", () => this.put());
    this.play = element("button", { class: "act", type: "button", onclick: () => this.toggle() });
    this.name();
    this.says = element("div", { class: "says", role: "status" });
    this.root.replaceChildren(element("div", { class: "rows" }, ...rows), element("div", { class: "foot" },
      this.play, this.slider, element("div", { class: "ends" }, element("span", {}, d.ends[0]), element("span", {}, d.ends[1])),
      this.says));
  }

  paintAll() {
    if (!this.tiles) return;
    const d = this.data;
    const theme = themeOf(this.root);
    this.inks = d.rows.map((row) => row.colours.map((colour) => inkOf(colour, theme)));
    const w = d.tile[1];
    this.strips.forEach((strip, r) => {
      const ctx = strip.getContext("2d");
      this.kept.forEach((frame, i) => paint(ctx, this.tiles[r][frame], d.tile, this.inks[r][frame], i * (w + GAP)));
    });
    this.go(this.at);
  }

  go(frame) {
    const d = this.data;
    this.at = frame;
    this.slider.value = frame;
    if (!this.tiles) return;
    this.big.forEach((canvas, r) => paint(canvas.getContext("2d"), this.tiles[r][frame], d.tile, this.inks[r][frame]));
    // The middle of the strip's first picture is the beginning of the way, that of its last the end.
    const place = (0.5 + (frame / (d.frames - 1)) * (SHOWN - 1)) / SHOWN;
    for (const mark of this.marks) mark.style.left = `${100 * place}%`;
    d.rows.forEach((row, r) => { this.reads[r].textContent = row.reads[frame]; });
    this.slider.setAttribute("aria-valuetext", `${frame + 1} of ${d.frames}, ${d.rows[0].reads[frame]}`);
    this.root.dataset.at = frame;
  }

  toggle() {
    if (this.timer) {
      this.stop();
      this.put();
      return;
    }
    let step = this.at === this.data.frames - 1 ? -1 : 1;
    this.timer = setInterval(() => {
      if (this.at + step < 0 || this.at + step >= this.data.frames) step = -step;
      this.go(this.at + step);
    }, 60);
    this.name();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    if (this.play) this.name();
  }

  name() { // as every other player is named
    const says = this.timer ? "Pause" : "Play";
    this.play.title = says;
    this.play.setAttribute("aria-label", says);
    this.play.replaceChildren(icon(says.toLowerCase()));
  }

  put() { // once, when a hand lets go: for the address
    if (this.at !== this.told) this.send("put", this.at);
    this.told = this.at;
  }

  destroy() {
    this.stop();
    this.root.remove();
  }
}

export default (given) => mount(Walk, given);
