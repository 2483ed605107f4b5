// The test accuracy after the epoch that a group's film shows, in large, and beside it how many test images are wrong.

import { element } from "../shared/elements.js";
import { join, leave } from "../shared/groups.js";
import { mount } from "../shared/mount.js";
import { count } from "../shared/words.js";
import { pictureAt } from "./film.js";

class Score {
  constructor(parent) {
    this.number = element("b", {});
    this.bar = element("i", {});
    this.end = element("i", { class: "end" });
    this.name = element("span", { class: "name" });
    this.wrong = element("span", { class: "wrong" });
    this.label = element("span", { class: "soft label" });
    this.root = element("div", { class: "score" }, this.number, this.name, this.wrong, this.label,
      element("div", { class: "track", "aria-hidden": "true" }, this.bar, this.end));
    parent.append(this.root);
  }

  update(data) {
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    this.draw();
  }

  heard(changes) {
    if ("epoch" in changes) this.draw();
  }

  draw() {
    const { epochs, accuracy, images, label, colour, name, ends } = this.data;
    const k = pictureAt(epochs, this.group.epoch ?? epochs.at(-1));
    const text = `${(100 * accuracy[k]).toFixed(1)} %`;
    if (this.number.textContent !== text) this.number.textContent = text;
    Object.assign(this.name, { textContent: name, hidden: !name });
    this.wrong.textContent = `${count(Math.round((1 - accuracy[k]) * images))} of ${count(images)} wrong`;
    this.label.textContent = label;
    this.bar.style.width = `${100 * accuracy[k]}%`;
    this.bar.style.background = colour;
    this.end.hidden = !ends || epochs.length === 1;
    this.end.style.left = `${100 * accuracy.at(-1)}%`;
    this.root.dataset.epoch = epochs[k];
  }

  destroy() {
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(Score, given);
