// Giving labels fast: one image in front, a key or a click for its class, and the next one comes.
// What was given stays in the browser's session until it has been trained on; the server hears of each change.

import { inkOf, themeOf } from "../shared/colours.js";
import { element, swatch } from "../shared/elements.js";
import { picture } from "../shared/image_sheets.js";
import { mount } from "../shared/mount.js";
import { count, percent } from "../shared/words.js";
import { matching, nextUnlabelled } from "./choosing.js";
import { Given } from "./given.js";

class Labeller {
  constructor(parent) {
    this.root = element("section", { class: "labeller", tabindex: "-1", "aria-label": "Give labels" });
    parent.append(this.root);
    this.data = null;
    this.labels = new Given((given) => this.send("labels", given));
    this.focus = null; // the id in front
    this.query = "";
    this.onkey = (event) => this.key(event);
    this.onleave = () => this.labels.flush();
    window.addEventListener("keydown", this.onkey);
    this.root.addEventListener("pointerleave", this.onleave);
    this.root.addEventListener("focusout", this.onleave);
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
    this.draw(`${this.called(id)}: ${this.name(k)}`);
  }

  undo() {
    const id = this.labels.undo();
    if (id === undefined) return;
    if (this.at(id)) this.focus = id;
    this.draw("Taken back");
  }

  takeBack() {
    if (!this.labels.has(this.focus)) return;
    this.labels.give(this.focus, undefined);
    this.draw("Taken back");
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
    this.draw();
  }

  // --- Keys

  key(event) {
    if (!this.data || event.ctrlKey || event.metaKey || event.altKey || !this.data.candidates.length) return;
    const target = event.composedPath()[0];
    const mine = this.root.contains(target);
    if (!mine && target !== document.body && target !== document.documentElement) return; // somebody types elsewhere
    const typing = mine && target.tagName === "INPUT";
    const act = (what) => {
      event.preventDefault();
      event.stopPropagation();
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

  // The classes offered: all if they are few, else those that match what was typed, the likeliest first.
  shown() {
    const every = this.data.classes.map((_, k) => k);
    if (this.few()) return every;
    const likely = (this.at(this.focus)?.top ?? []).map(([k]) => k);
    return matching(every.map((k) => this.name(k)), likely, this.query);
  }

  // --- Drawing

  draw(spoken = "") {
    const d = this.data;
    const focused = this.root.getRootNode().activeElement;
    const typing = focused?.tagName === "INPUT" && this.root.contains(focused);
    const inside = focused && this.root.contains(focused);
    const c = this.at(this.focus);
    this.root.dataset.given = this.labels.size;
    this.root.dataset.focus = c ? c.id : "";
    if (!c) {
      this.root.replaceChildren(element("p", { class: "soft empty" }, d.empty));
      return;
    }
    this.root.replaceChildren(
      element("div", { class: "front" }, this.big(c), element("div", { class: "side" }, this.head(c), this.choices(c), this.tools())),
      this.progress(), this.tiles(),
      element("div", { class: "spoken", role: "status" }, spoken));
    if (typing) this.root.querySelector("input")?.focus({ preventScroll: true });
    else if (inside) this.root.focus({ preventScroll: true });
  }

  big(c) {
    const label = this.labels.get(c.id);
    const frame = element("div", { class: "big", style: label ? `border-color:${this.data.colours[label.k]}` : "" },
      picture(this.data.sheets, c.tile, 208, this.ink(label)));
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
    const label = this.labels.get(c.id);
    const guess = c.top.length
      ? element("span", { class: "soft" }, `${this.data.q}: `,
        `${c.top.map(([k, p]) => `${this.name(k)} ${percent(p)}`).join(", ")}; entropy ${c.entropy.toFixed(2)} nats`)
      : element("span", { class: "soft" }, "No guess was kept of this image.");
    return element("div", { class: "head" },
      element("div", {}, element("strong", {}, this.called(c.id)),
        label ? element("span", { class: "soft" }, ` given ${this.name(label.k)}`) : null),
      element("div", {}, guess));
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
      this.labels.has(this.focus) ? tool("Take back", "Del", () => this.takeBack(), false) : null);
  }

  progress() {
    const n = this.data.candidates.length;
    const here = this.data.candidates.filter((c) => this.labels.has(c.id)).length;
    const more = this.labels.size - here;
    const full = this.labels.size >= this.data.most ? ` No more than ${count(this.data.most)} can be given at once.` : "";
    return element("div", { class: "progress" },
      element("div", { class: "bar", "aria-hidden": "true" }, element("span", { style: `width:${(100 * here) / n}%` })),
      element("span", {}, element("strong", {}, `${here} of ${n} given`),
        more ? element("span", { class: "soft" }, `, and ${count(more)} elsewhere`) : null,
        element("span", { class: "soft" }, full)));
  }

  tiles() {
    return element("div", { class: "tiles" }, ...this.data.candidates.map((c) => {
      const label = this.labels.get(c.id);
      const [k, p] = c.top[0] ?? [];
      const says = k == null ? "no guess" : `${this.name(k)} · ${percent(p)}\n${c.entropy.toFixed(2)} nats`;
      return element("button", {
        class: c.id === this.focus ? "tile front-tile" : "tile",
        "data-id": c.id,
        title: this.called(c.id),
        "aria-label": `${this.called(c.id)}, ${says.replace("\n", ", entropy ")}${label ? `, given ${this.name(label.k)}` : ""}`,
        onclick: () => {
          this.focus = c.id;
          this.draw();
        },
      }, element("span", { class: "frame", style: label ? `border-color:${this.data.colours[label.k]}` : "" },
        picture(this.data.sheets, c.tile, 52, this.ink(label)), label ? this.badge(label.k, "badge") : null),
      element("span", { class: "says soft" }, says));
    }));
  }

  destroy() {
    this.labels.flush();
    window.removeEventListener("keydown", this.onkey);
    this.root.remove();
  }
}

export default (given) => mount(Labeller, given);
