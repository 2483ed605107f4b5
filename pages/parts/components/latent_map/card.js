// The pinned image: what it is, q(y|x) as bars, and its nearest neighbours in the space shown.

import { rgb } from "../shared/colours.js";
import { element, icon, swatch } from "../shared/elements.js";
import { join, leave, tell } from "../shared/groups.js";
import { picture } from "../shared/image_sheets.js";
import { mount } from "../shared/mount.js";
import { nameOf, percent } from "../shared/words.js";

class Card {
  constructor(parent) {
    this.root = element("section", { class: "card" });
    parent.append(this.root);
    this.data = null;
    this.group = null;
    this.takesPins = true;
  }

  update(data, send) {
    this.send = send;
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    this.draw();
    const near = data.marks ? (data.near || []).map((n) => n.id) : [];
    tell(this.group, { pin: data.id ?? null, near }, this);
  }

  heard(changes, from) {
    if (from === this || !("hover" in changes)) return;
    for (const button of this.root.querySelectorAll(".near button")) {
      button.classList.toggle("lit", Number(button.dataset.id) === changes.hover);
    }
  }

  // Also what a map of the group calls: the card asks the server, so that only the card is drawn anew.
  pin(id) {
    tell(this.group, { pin: id, near: [], hover: null }, this);
    this.send("pin", id);
  }

  draw() {
    const d = this.data;
    this.root.setAttribute("aria-label", d.id == null ? "No image pinned" : "Pinned image");
    if (d.id == null) {
      this.root.replaceChildren(
        element("div", { class: "empty" },
          element("strong", {}, "Pin an image"),
          element("p", {}, "Click a point to keep its image here, with the class probabilities it was given and its "
            + "nearest neighbours."),
          element("p", { class: "soft keys" }, "Keyboard: step into the map with Tab, walk from point to point with the "
            + "arrows, pin with Enter, zoom with + and −.")),
      );
      return;
    }
    this.root.classList.toggle("brief", Boolean(d.brief));
    if (d.brief) {
      this.root.replaceChildren(element("div", { class: "head" }, picture(d.sheets, d.tile, 48, rgb(d.colours[d.true])),
        element("div", { class: "words" }, element("strong", {}, nameOf(d.id, d.kind)),
          element("div", {}, "Class ", swatch(d.colours[d.true]), d.classes[d.true]),
          element("div", { class: "soft" }, "Click a point for another."))));
      return;
    }
    const words = element("div", { class: "words" }, element("div", {}, "Class ", swatch(d.colours[d.true]), d.classes[d.true]));
    if (d.predicted != null) {
      const right = d.predicted === d.true;
      words.append(element("div", {}, "Predicted ", swatch(d.colours[d.predicted]), d.classes[d.predicted]),
        element("div", { class: right ? "verdict right" : "verdict wrong" }, right ? "correct" : "wrong"));
    }
    const close = element("button", { class: "tool close", title: "Unpin", "aria-label": "Unpin",
      onclick: () => this.pin(null) }, icon("close"));
    const title = element("strong", {}, nameOf(d.id, d.kind));
    this.root.replaceChildren(title, ...(d.close ? [close] : []), element("div", { class: "head" }, picture(d.sheets, d.tile, 84, rgb(d.colours[d.true])), words));
    if (d.note) this.root.append(element("p", { class: "soft note" }, d.note));
    if (d.bars) this.root.append(this.bars());
    if (d.near && d.near.length) this.root.append(this.neighbours());
  }

  bars() {
    const d = this.data;
    const rows = d.bars.map(({ k, p }) => element("tr", { class: k === d.predicted ? "top" : "" },
      element("th", { scope: "row" }, d.classes[k]),
      element("td", { class: "bar" }, element("span", { style:
        `width:${(100 * p).toFixed(2)}%;background:${d.colours[k]}` }),
        k === d.true ? element("em", {}, "true class") : null),
      element("td", { class: "value" }, percent(p))));
    if (d.rest) {
      rows.push(element("tr", { class: "soft" }, element("th", { scope: "row" }, `${d.rest.n} others`),
        element("td", { class: "bar" }, element("span", { style: `width:${100 * d.rest.p}%;background:currentColor` })),
        element("td", { class: "value" }, percent(d.rest.p))));
    }
    const unsure = element("span", { class: "soft", title: `Of at most ${Math.log(d.classes.length).toFixed(2)} nats` },
      `entropy ${d.entropy.toFixed(2)} nats`);
    return element("div", { class: "part" }, element("h4", {}, d.q, unsure),
      element("table", { class: "bars" }, element("tbody", {}, ...rows)));
  }

  neighbours() {
    const d = this.data;
    const same = d.near.filter((n) => n.true === d.true).length;
    const buttons = d.near.map((n) => element("button", {
      "data-id": n.id,
      style: `border-color:${d.colours[n.true]}`,
      title: `${nameOf(n.id, n.kind)}, class ${d.classes[n.true]}, distance ${n.distance.toFixed(2)}`,
      "aria-label": `${nameOf(n.id, n.kind)}, class ${d.classes[n.true]}. Pin it.`,
      onclick: () => this.pin(n.id),
      onpointerenter: () => tell(this.group, { hover: n.id }, this),
      onpointerleave: () => tell(this.group, { hover: null }, this),
    }, picture(d.sheets, n.tile, 44, rgb(d.colours[n.true]))));
    return element("div", { class: "part" },
      element("h4", {}, `Nearest in ${d.space}`, element("span", { class: "soft" }, `${same} of ${d.near.length} of its class`)),
      d.marks ? element("p", { class: "soft lines" }, "Lines on the map lead to them.") : null,
      element("div", { class: "near" }, ...buttons));
  }

  destroy() {
    tell(this.group, { pin: null, near: [] }, this);
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(Card, given);
