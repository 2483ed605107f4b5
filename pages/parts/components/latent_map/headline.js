// A heading that says what is so after the epoch that a group's film shows.

import { element } from "../shared/elements.js";
import { join, leave } from "../shared/groups.js";
import { mount } from "../shared/mount.js";
import { pictureAt } from "./film.js";

class Headline {
  constructor(parent) {
    this.root = element("h3", { class: "headline" });
    parent.append(this.root);
  }

  update(data) {
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    const longest = data.says.reduce((a, b) => (b.length > a.length ? b : a), "");
    this.root.dataset.longest = longest;
    this.draw();
  }

  heard(changes) {
    if ("epoch" in changes) this.draw();
  }

  draw() {
    const { epochs, says } = this.data;
    const said = says[pictureAt(epochs, this.group.epoch ?? epochs.at(-1))];
    if (this.said === said) return;
    this.said = said;
    this.root.replaceChildren(element("span", {}, said));
  }

  destroy() {
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(Headline, given);
