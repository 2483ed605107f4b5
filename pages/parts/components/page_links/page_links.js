// Links to other pages. They are read from the address when they are used, not when they are drawn: a click on a map
// writes its image into the address without drawing the whole page anew.

import { element } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { carried } from "./carried.js";

const PHONE = 768; // pixels below which Streamlit lays its sidebar over the page, and leaves it there
const COLLAPSE = "[data-testid=stSidebarCollapseButton] button";
const BEFORE_USE = ["pointerenter", "pointerdown", "focus", "contextmenu"];

class PageLinks {
  constructor(parent) {
    this.nav = element("nav");
    parent.append(this.nav);
  }

  update(data, send) {
    this.send = send;
    const drawn = JSON.stringify(data);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    ({ numbers: this.numbers, last: this.last } = data);
    this.nav.setAttribute("aria-label", data.label);
    this.column = data.column;
    this.nav.hidden = !data.links.length;
    this.nav.className = data.column ? "column" : "row";
    const files = data.links.map((link) => link.file).join();
    if (files !== this.files) {
      this.files = files;
      this.anchors = data.links.map((link) => this.anchor(link));
      this.nav.replaceChildren(...this.anchors);
    }
    data.links.forEach((link, i) => this.point(this.anchors[i], link));
    this.nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  anchor({ icon, name, what }) {
    const sign = icon ? element("span", { class: "icon", "aria-hidden": "true", translate: "no" }, icon) : null;
    const a = element("a", { title: what || null }, sign, name);
    for (const event of BEFORE_USE) a.addEventListener(event, () => this.renew(a));
    a.addEventListener("click", (e) => {
      const query = this.renew(a);
      if (e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return; // a new tab or window: the browser's own
      e.preventDefault();
      if (a.link.current !== "page") this.send("go", { file: a.link.file, query });
      if (this.column && innerWidth < PHONE) document.querySelector(COLLAPSE)?.click();
    });
    return a;
  }

  // On another page the menu stays, and another of its entries is the current one.
  point(a, link) {
    a.link = link;
    if (link.current) a.setAttribute("aria-current", link.current);
    else a.removeAttribute("aria-current");
    this.renew(a);
  }

  renew(a) {
    const query = carried(location.search, a.link, this.numbers, this.last);
    const text = new URLSearchParams(query).toString().replaceAll("%2C", ",");
    a.href = a.link.address + (text && `?${text}`);
    return query;
  }

  destroy() {
    this.nav.remove();
  }
}

export default (given) => mount(PageLinks, given);
