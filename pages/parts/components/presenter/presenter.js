// The corner of a page that is presented, and what its keys do. While one presents, it tells the server what the maps show.

import { carried } from "../page_links/carried.js";
import { Asked } from "../shared/asked.js";
import { element } from "../shared/elements.js";
import { filmOf } from "../shared/live.js";
import { mount } from "../shared/mount.js";
import { actionOf } from "./keys.js";
import { keysShown, qrShown } from "./overlays.js";
import { Reporter } from "./reporter.js";

const KEPT = "few-labels-presenter"; // in the tab: the key, so that a reload goes on presenting

class Presenter {
  constructor(parent) {
    this.root = element("section", { class: "presenter", "aria-label": "Presenter" });
    this.over = element("div", { class: "over", hidden: true });
    this.over.addEventListener("click", (e) => e.target === this.over && this.close());
    parent.append(this.root, this.over);
    this.panel = false; // whether the field for the key is open
    this.asked = new Asked();
    this.reporter = new Reporter((live) => this.send("live", live));
    this.onkey = (e) => this.press(e);
    window.addEventListener("keydown", this.onkey);
  }

  update(data, send) {
    this.send = send;
    const before = this.data;
    this.data = data;
    if (data.presenting) sessionStorage.setItem(KEPT, data.key);
    else if (!before && !data.replaced && sessionStorage.getItem(KEPT)) this.send("key", sessionStorage.getItem(KEPT));
    if (data.said) sessionStorage.removeItem(KEPT); // it was a wrong one
    if (data.presenting && !before?.presenting) this.panel = false;
    this.reporter.run(data.presenting, data.at);
    this.draw();
    this.asked.answered(send, { qr: Boolean(data.qr), stop: !data.presenting });
    if (data.qr && this.asked.soon("qr", true)) this.open(qrShown(data.qr, data.presenting), "qr");
    else if (this.shown === "qr" && !data.qr) this.close();
  }

  // --- Drawing

  draw() {
    const { data: d } = this;
    const drawn = JSON.stringify([d.presenting, d.replaced, d.said, d.at, this.panel]);
    if (drawn === this.drawn) return; // what is typed stays
    this.drawn = drawn;
    const tool = (text, title, act, off = false) => element("button", { title, "aria-label": title, onclick: act,
      disabled: off }, text);
    this.root.replaceChildren(this.panel ? this.keyPanel() : "", element("div", { class: "bar" },
      tool("‹", "Page before", () => this.page(-1), d.at === 0),
      element("span", { class: "name" }, d.links[d.at].name),
      tool("›", "Next page", () => this.page(1), d.at === d.links.length - 1),
      tool("QR", "The address as a QR code", () => this.ask("qr", true)),
      tool("?", "Keys", () => this.open(keysShown(), "keys")),
      element("button", { class: d.presenting ? "follow on" : "follow", title: d.presenting
        ? "Browsers that follow see this page" : "Let other browsers follow this one", "aria-expanded": String(this.panel),
      onclick: () => this.toggle() }, d.presenting ? "Followers see this" : "Follow me"),
      tool("Leave", "Leave the large type", () => this.leave())));
  }

  keyPanel() {
    const { data: d } = this;
    if (d.presenting) {
      return element("div", { class: "panel" },
        element("p", {}, "Whoever opens the QR code's address sees this page, its epoch, pinned image and lasso."),
        element("button", { class: "main", onclick: () => this.stop() }, "Stop presenting"));
    }
    const input = element("input", { type: "text", autocomplete: "off", spellcheck: "false", "aria-label": "Presenter's key",
      placeholder: "abcd-efgh" });
    return element("form", { class: "panel", onsubmit: (e) => {
      e.preventDefault();
      this.send("key", input.value);
    } },
    element("p", {}, d.replaced ? "Another browser presents, or this one was away. Enter the key to present again."
      : "Enter the key that the server printed when it was started. Then other browsers can follow this one."),
    element("div", { class: "row" }, input, element("button", { class: "main" }, "Present")),
    d.said ? element("p", { class: "refused", role: "alert" }, d.said) : null);
  }

  toggle() {
    this.panel = !this.panel;
    this.draw();
    this.root.querySelector(".panel input, .panel button")?.focus();
  }

  open(content, what) {
    if (this.shown === what && what !== "qr") return;
    this.shown = what;
    this.over.replaceChildren(content);
    this.over.hidden = false;
    content.focus();
  }

  close() {
    if (this.panel && this.over.hidden) this.toggle();
    if (this.shown === "qr" && this.data.qr) this.ask("qr", false);
    this.shown = null;
    this.over.hidden = true;
  }

  // --- What is asked for

  ask(what, value) {
    this.asked.ask(this.send, what, value);
  }

  press(event) {
    const action = actionOf(event);
    if (!action) return;
    const [what, value] = action;
    if (what === "entry") { // the page's own keys come first: on Label digits give labels
      setTimeout(() => event.defaultPrevented || this.go(this.data.entries[value]));
      return;
    }
    const acts = { film: () => this.film((f) => f.button.click()), step: () => this.film((f) => f.press(event)),
      page: () => this.page(value), qr: () => (this.shown === "qr" ? this.close() : this.ask("qr", true)),
      keys: () => (this.shown === "keys" ? this.close() : this.open(keysShown(), "keys")), close: () => this.close() };
    if (acts[what]() !== false) event.preventDefault();
  }

  films() {
    return [...(globalThis.fewLabelsGroups?.values() ?? [])].map(filmOf).filter((f) => f?.root.isConnected);
  }

  // The film in sight, else the first; false if there is none.
  film(act) {
    const films = this.films();
    const inSight = (f) => {
      const { top, bottom } = f.root.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    };
    const film = films.find(inSight) ?? films[0];
    if (!film) return false;
    act(film);
    return true;
  }

  page(way) {
    this.go(this.data.at + way);
  }

  go(i) {
    const { links, at, numbers, last } = this.data;
    const link = links[i];
    if (!link || i === at) return;
    this.reporter.rest();
    for (const film of this.films()) clearTimeout(film.later); // an epoch told now would call the server back to this page
    this.send("go", { file: link.file, query: carried(location.search, link, numbers, last) });
  }

  stop() {
    sessionStorage.removeItem(KEPT);
    this.panel = false;
    this.ask("stop", true);
  }

  leave() {
    sessionStorage.removeItem(KEPT);
    this.send("leave", true);
  }

  destroy() {
    window.removeEventListener("keydown", this.onkey);
    this.reporter.run(false);
    this.root.remove();
    this.over.remove();
  }
}

export default (given) => mount(Presenter, given);
