// The head of a chart: its title, and the names of its lines with their latest values, which hide what they name.

import { element } from "../shared/elements.js";
import { inBrackets, latest, numberOf } from "./words.js";

const LONG = 13; // characters of a name: with a longer one, two do not stand side by side in a page's column

/** @typedef {{group: Set<string>, kind: Set<string>}} Hidden the names of what is hidden */

export class Legend {
  /** @param {HTMLElement} root @param {(which: "group" | "kind", name: string) => void} toggle */
  constructor(root, toggle) {
    this.toggle = toggle;
    this.name = element("span");
    this.unit = element("span", { class: "unit" });
    const title = element("span", { class: "title" }, this.name, this.unit);
    this.boxes = { group: element("div", { class: "groups" }), kind: element("div", { class: "kinds" }) };
    this.marks = element("div", { class: "marks" });
    root.append(element("div", { class: "head" }, title, this.boxes.kind), this.boxes.group, this.marks);
  }

  /** @param {object} data what the chart is given @param {Hidden} hidden */
  update(data, hidden) {
    const { groups, kinds, marks } = data;
    setText(this.name, data.title);
    this.list("group", groups.map((g, i) => ({ ...g, value: latest(i, data) })), hidden);
    this.list("kind", kinds.length > 1 ? kinds : [], hidden);
    this.boxes.group.classList.toggle("long", groups.some((g) => g.name.length > LONG));
    fit(this.marks, marks.length, () => entry("span"));
    marks.forEach((mark, i) => fill(this.marks.children[i], { ...mark, value: numberOf(mark.y, data) }, "level"));
  }

  /** Say beside the title what is measured in, and where the axis begins if that is to be said: null if not.
   * @param {string} unit @param {number | null} from */
  axis(unit, from) {
    setText(this.unit, inBrackets(unit, from));
  }

  // The buttons are kept from one update to the next, so that one under the finger or with the focus stays.
  list(which, entries, hidden) {
    const box = this.boxes[which];
    fit(box, entries.length, () => {
      const button = entry("button", { type: "button" });
      button.onclick = () => this.toggle(which, button.dataset.name);
      return button;
    });
    entries.forEach((given, i) => {
      const button = box.children[i];
      button.dataset.name = given.name;
      fill(button, given, given.dash ? "dash" : "");
      button.setAttribute("aria-pressed", String(!hidden[which].has(given.name)));
    });
  }
}

function fit(box, n, make) {
  while (box.children.length > n) box.lastChild.remove();
  while (box.children.length < n) box.append(make());
}

function entry(tag, given = {}) {
  const parts = ["swatch", "name", "value"].map((part) => element("span", { class: part }));
  return element(tag, { class: "entry", ...given }, ...parts);
}

function fill(of, given, look) {
  const [swatch, name, value] = of.children;
  swatch.className = `swatch ${look}`.trim();
  swatch.style.borderColor = given.colour || "";
  setText(name, given.name);
  name.title = given.name;
  setText(value, given.value ?? "");
  value.hidden = !given.value;
}

function setText(of, text) {
  if (of.textContent !== text) of.textContent = text;
}
