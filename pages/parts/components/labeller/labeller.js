// Giving labels fast: one image in front, a key or a click for its class, and the next one comes.
// What was given stays in the browser's session until it has been trained on; the server hears of each change.

import { inkOf, themeOf } from "../shared/colours.js";
import { element, swatch } from "../shared/elements.js";
import { picture } from "../shared/image_sheets.js";
import { mount } from "../shared/mount.js";
import { count } from "../shared/words.js";
import { matching, nextUnlabelled } from "./choosing.js";
import { Given } from "./given.js";
import { below, compared, whatIsBelow } from "./guess.js";
import { isFree } from "./keys.js";

class Labeller {
  constructor(parent) {
    this.root = element("section", { class: "labeller", tabindex: "-1", "aria-label": "Give labels" });
    parent.append(this.root);
    this.data = null;
    this.labels = new Given((given) => this.send("labels", given));
    this.focus = null; // the id in front
    this.query = "";
    this.said = ""; // of the image before
    this.open = false; // whether the guess is shown before somebody has answered
    this.onkey = (event) => this.key(event);
    this.onleave = () => this.labels.flush();
    window.addEventListener("keydown", this.onkey);
    this.root.addEventListener("pointerleave", this.onleave);
    this.root.addEventListener("focusout", this.onleave);
    this.root.addEventListener("pointermove", (event) => this.moved(event));
  }

  update(data, send) {
    this.send = send;
    const other = !this.data || this.data.run !== data.run;
    const shown = other || this.data.candidates.map((c) => c.id).join() !== data.candidates.map((c) => c.id).join();
    this.data = data;
    if (other) this.labels.recall(data);
    if (data.spent.includes(this.labels.batch)) this.labels.begin();
    if (shown || !this.at(this.focus)) this.focus = this.next(null);
    this.draw();
  }

  // --- What was given

  give(k) {
    const id = this.focus;
    if (id == null || k < 0 || k >= this.data.classes.length) return;
    if (!this.labels.has(id) && this.labels.size >= this.data.most) return;
    this.labels.give(id, { k, how: this.data.how });
    this.query = "";
    this.focus = this.next(id);
    this.say(`${this.called(id)}. ${compared(this.at(id), k, true, (i) => this.name(i))}`);
  }

  undo() {
    const id = this.labels.undo();
    if (id === undefined) return;
    if (this.at(id)) this.focus = id;
    this.say("Taken back");
  }

  takeBack() {
    if (!this.labels.has(this.focus)) return;
    this.labels.give(this.focus, undefined);
    this.say("Taken back");
  }

  say(words) {
    this.said = words;
    this.draw();
  }

  // --- Which image is in front

  at(id) {
    return this.data.candidates.find((c) => c.id === id);
  }

  next(id) {
    return nextUnlabelled(this.data.candidates.map((c) => c.id), id, this.labels);
  }

  step(by) {
    const every = this.data.candidates;
    if (!every.length) return;
    const i = every.findIndex((c) => c.id === this.focus);
    this.focus = every[(i + by + every.length) % every.length].id;
    this.say("");
  }

  // --- Keys

  key(event) {
    if (!this.data || event.ctrlKey || event.metaKey || event.altKey || !this.data.candidates.length) return;
    const target = event.composedPath()[0];
    const mine = this.root.contains(target);
    if (!mine && !isFree(target, event.key)) return;
    const typing = mine && target.type === "search";
    const act = (what) => {
      event.preventDefault();
      event.stopPropagation();
      if (!mine) this.root.focus({ preventScroll: true }); // or the page, which had it, would be framed
      what();
    };
    if (/^[0-9]$/.test(event.key)) {
      const shown = this.shown();
      const d = Number(event.key);
      const k = this.few() ? d : shown[(d + 9) % 10];
      if (k != null && k < this.data.classes.length) act(() => this.give(k));
    } else if (event.key === "Enter" && typing) act(() => this.shown().length && this.give(this.shown()[0]));
    else if (event.key === "Backspace" && !(typing && this.query)) act(() => this.undo());
    else if (event.key === "ArrowRight" && !typing) act(() => this.step(1));
    else if (event.key === "ArrowLeft" && !typing) act(() => this.step(-1));
    else if (event.key === "Delete" && !typing) act(() => this.takeBack());
  }

  // --- Words

  few() {
    return this.data.classes.length <= 10;
  }

  name(k) {
    return this.data.classes[k].replaceAll("_", " ");
  }

  called(id) {
    return `Training image ${id}`;
  }

  // Whether the run's guess of an image may be seen.
  shows(c) {
    return this.open || this.labels.has(c.id);
  }

  // The classes offered: all if they are few, else those that match what was typed, the likeliest first if they may be seen.
  shown() {
    const every = this.data.classes.map((_, k) => k);
    if (this.few()) return every;
    const c = this.at(this.focus);
    const likely = c && this.shows(c) ? c.top.map(([k]) => k) : [];
    return matching(every.map((k) => this.name(k)), likely, this.query);
  }

  // --- Drawing

  // A key that was clicked is drawn anew under a pointer that rests: it lights up only when the pointer moves again.
  moved({ clientX, clientY }) {
    const at = `${clientX} ${clientY}`;
    if (at !== this.pointer) this.root.classList.remove("resting");
    this.pointer = at;
  }

  draw() {
    this.root.classList.add("resting");
    const d = this.data;
    const focused = this.root.getRootNode().activeElement;
    const inside = focused && this.root.contains(focused);
    const field = inside && focused.tagName === "INPUT" ? `input[type=${focused.type}]` : "";
    const c = this.at(this.focus);
    this.root.dataset.given = this.labels.size;
    this.root.dataset.focus = c ? c.id : "";
    if (!c) {
      this.root.replaceChildren(element("p", { class: "soft empty" }, d.empty));
      return;
    }
    this.root.replaceChildren(
      element("div", { class: "front" }, this.big(c), element("div", { class: "side" }, this.head(c), this.choices(c), this.tools(),
        element("div", { class: "said", role: "status" }, this.said))),
      this.progress(), this.tiles(), element("p", { class: "soft under" }, c.top.length ? whatIsBelow(this.open) : ""));
    if (field) this.root.querySelector(field)?.focus({ preventScroll: true });
    else if (inside) this.root.focus({ preventScroll: true });
  }

  big(c) {
    const label = this.labels.get(c.id);
    const frame = element("div", { class: "big", style: label ? `border-color:${this.data.colours[label.k]}` : "" },
      picture(this.data.sheets, c.tile, 240, this.ink(label)));
    if (label) frame.append(this.badge(label.k, "badge large"));
    return frame;
  }

  // Its class is told by who gives it.
  ink(label) {
    return inkOf(label && this.data.colours[label.k], themeOf(this.root));
  }

  badge(k, kind) {
    return element("span", { class: kind, style: `background:${this.data.colours[k]}` }, this.name(k));
  }

  head(c) {
    const says = compared(c, this.labels.get(c.id)?.k, this.open, (k) => this.name(k));
    return element("div", { class: "head" }, element("div", {}, element("strong", {}, this.called(c.id)),
      c.top.length ? element("span", { class: "soft" }, ` · entropy ${c.entropy.toFixed(2)} nats`) : null),
    element("div", {}, says || this.how()));
  }

  how() {
    const touch = window.matchMedia("(hover: none)").matches;
    if (!this.few()) return "Which class is it? Search for it, and press Enter or choose it.";
    return `Which class is it? ${touch ? "Tap it." : `Press its key, 0 to ${this.data.classes.length - 1}, or click it.`}`;
  }

  choices(c) {
    const given = this.labels.get(c.id)?.k;
    const buttons = element("div", { class: this.few() ? "choices few" : "choices many", role: "group", "aria-label": "Class" });
    const fill = () => buttons.replaceChildren(...this.shown().map((k, i) => element("button", {
      class: k === given ? "choice given" : "choice",
      "data-class": k,
      "aria-label": `Class ${this.name(k)}`,
      "aria-pressed": k === given ? "true" : "false",
      onclick: () => this.give(k),
    }, this.few() || i < 10 ? element("kbd", {}, this.few() ? String(k) : String((i + 1) % 10)) : null,
    swatch(this.data.colours[k]),
    this.few() && this.name(k) === String(k) ? null : element("span", { class: "name" }, this.name(k)))));
    fill();
    if (this.few()) return buttons;
    const search = element("input", {
      type: "search", placeholder: `Search ${this.data.classes.length} classes`, "aria-label": "Search classes",
      autocomplete: "off", value: this.query,
      oninput: (event) => {
        this.query = event.target.value;
        fill();
      },
    });
    search.value = this.query;
    return element("div", {}, search, buttons);
  }

  tools() {
    const tool = (words, hint, onclick, disabled) =>
      element("button", { class: "plain", onclick, disabled }, words, element("kbd", {}, hint));
    return element("div", { class: "tools" },
      tool("Undo", "⌫", () => this.undo(), !this.labels.past.length),
      tool("Back", "←", () => this.step(-1), false),
      tool("Skip", "→", () => this.step(1), false),
      this.labels.has(this.focus) ? tool("Take back", "Del", () => this.takeBack(), false) : null,
      this.data.candidates.some((c) => c.top.length) ? this.peek() : null);
  }

  peek() {
    const box = element("input", { type: "checkbox", role: "switch", onchange: () => {
      this.open = box.checked;
      this.draw();
    } });
    box.checked = this.open;
    return element("label", { class: "peek" }, box, "Show the guess");
  }

  progress() {
    const n = this.data.candidates.length;
    const here = this.data.candidates.filter((c) => this.labels.has(c.id)).length;
    const more = this.labels.size - here;
    const full = this.labels.size >= this.data.most ? ` No more than ${count(this.data.most)} can be given at once.` : "";
    return element("div", { class: "progress" },
      element("span", {}, element("strong", {}, `${here} of these ${n} images labelled`),
        more ? element("span", { class: "soft" }, `, and ${count(more)} elsewhere`) : null,
        element("span", { class: "soft" }, full)),
      element("div", { class: "bar", "aria-hidden": "true" }, element("span", { style: `width:${(100 * here) / n}%` })));
  }

  tiles() {
    return element("div", { class: "tiles" }, ...this.data.candidates.map((c) => {
      const label = this.labels.get(c.id);
      const says = below(c, label?.k, this.open, (k) => this.name(k));
      return element("button", {
        class: c.id === this.focus ? "tile front-tile" : "tile",
        "data-id": c.id,
        title: this.called(c.id),
        "aria-label": `${this.called(c.id)}, ${says}`,
        onclick: () => {
          this.focus = c.id;
          this.say("");
        },
      }, element("span", { class: "frame", style: label ? `border-color:${this.data.colours[label.k]}` : "" },
        picture(this.data.sheets, c.tile, 52, this.ink(label)), label ? this.badge(label.k, "badge") : null),
      element("span", { class: "says soft" }, ...says.split(" · ").map((part) => element("span", {}, part))));
    }));
  }

  destroy() {
    this.labels.flush();
    window.removeEventListener("keydown", this.onkey);
    this.root.remove();
  }
}

export default (given) => mount(Labeller, given);
