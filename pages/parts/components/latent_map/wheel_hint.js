// How one zooms, said in a map over which the wheel scrolls the page: once, as it is in the way.

import { element } from "../shared/elements.js";

const SHOWN = 2500; // milliseconds
let said = false; // on this page, in any map

/** The key that zooms, as it is called here. */
export const zoomKey = () => (/Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl");

export class WheelHint {
  /** @param {Element} front what it stands over */
  constructor(front) {
    this.root = element("div", { class: "hint", role: "status", hidden: true });
    front.after(this.root);
  }

  show() {
    if (said) return;
    said = true;
    Object.assign(this.root, { textContent: `${zoomKey()} + scroll to zoom`, hidden: false });
    this.gone = setTimeout(() => (this.root.hidden = true), SHOWN);
  }

  destroy() {
    clearTimeout(this.gone);
  }
}
