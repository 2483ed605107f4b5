// What image goes through every model. Follows what is pinned in the maps of its group, and pins there what is chosen
// here: two fragments of the page, of which the server draws one for a click, and this asks for the other.

import { element } from "../shared/elements.js";
import { join, leave, pinCard } from "../shared/groups.js";
import { mount } from "../shared/mount.js";

class SelectedImage {
  constructor(parent) {
    this.root = element("div", { class: "through" });
    this.group = null;
    parent.append(this.root);
  }

  update(data, send) {
    const before = this.data;
    this.send = send;
    if (this.group && before.group !== data.group) leave(this.group, this);
    this.data = data;
    this.asked = null;
    this.group = join(data.group, this);
    this.root.replaceChildren(element("b", {}, data.name),
      element("i", { style: `background:${data.colour}` }), data.true);
    if (!before || before.id === data.id || !data.mapped || this.group.pin === data.id) return;
    pinCard(this.group)?.pin(data.id);
  }

  heard(changes, from) {
    if (from === this || changes.pin == null || changes.pin === (this.asked ?? this.data.id)) return;
    this.asked = changes.pin;
    // Later: what two components send at once becomes one message, which draws the fragment of one of them only.
    clearTimeout(this.later);
    this.later = setTimeout(() => this.send("image", this.asked ?? this.data.id), 40);
  }

  destroy() {
    clearTimeout(this.later);
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(SelectedImage, given);
