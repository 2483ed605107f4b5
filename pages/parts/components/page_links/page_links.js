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
    if (drawn === this.drawn) return; // what has the focus keeps it
    this.drawn = drawn;
    ({ numbers: this.numbers, last: this.last } = data);
    this.nav.setAttribute("aria-label", data.label);
    this.column = data.column;
    this.nav.className = data.column ? "column" : "row";
    this.nav.replaceChildren(...data.links.map((link) => this.link(link)));
    this.nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  link(link) {
    const icon = link.icon && element("span", { class: "icon", "aria-hidden": "true", translate: "no" }, link.icon);
    const a = element("a", { title: link.what || null, "aria-current": link.current || null }, icon || null, link.name);
    const renew = () => {
      const query = carried(location.search, link, this.numbers, this.last);
      const text = new URLSearchParams(query).toString().replaceAll("%2C", ",");
      a.href = link.address + (text && `?${text}`);
      return query;
    };
    for (const event of BEFORE_USE) a.addEventListener(event, renew);
    a.addEventListener("click", (e) => {
      const query = renew();
      if (e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return; // a new tab or window: the browser's own
      e.preventDefault();
      if (link.current !== "page") this.send("go", { file: link.file, query });
      if (this.column && innerWidth < PHONE) document.querySelector(COLLAPSE)?.click();
    });
    renew();
    return a;
  }

  destroy() {
    this.nav.remove();
  }
}

export default (given) => mount(PageLinks, given);
