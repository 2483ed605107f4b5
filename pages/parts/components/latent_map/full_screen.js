// A map that fills the screen, and with it what belongs to it: its play bar and the card of the pinned image.

import { css } from "../shared/colours.js";
import { element } from "../shared/elements.js";

const TOGETHER = "[class*=st-key-full-screen]"; // the container of a page whose parts go along

export class FullScreen {
  /** `map` has root, data and theme. */
  constructor(map) {
    this.map = map;
    this.title = element("strong", { class: "title", hidden: true });
    map.root.prepend(this.title);
    this.changed = () => this.show();
    document.addEventListener("fullscreenchange", this.changed);
  }

  static get possible() {
    return Boolean(document.fullscreenEnabled);
  }

  get part() {
    const { root } = this.map;
    return root.getRootNode().host?.closest(TOGETHER) ?? root;
  }

  toggle() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.part.requestFullscreen();
  }

  show() {
    const { root, data, theme } = this.map;
    const { part } = this;
    const on = part.matches(":fullscreen") && part !== root;
    root.classList.toggle("screen", on);
    this.title.hidden = !part.matches(":fullscreen");
    this.title.textContent = data.label;
    // the container is the page's: the styles of this component do not reach it
    Object.assign(part.style, on ? { background: css(theme.back), padding: "1rem 1.5rem", overflow: "auto" }
      : { background: "", padding: "", overflow: "" });
  }

  destroy() {
    document.removeEventListener("fullscreenchange", this.changed);
  }
}
