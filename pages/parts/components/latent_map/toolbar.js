// The buttons on a map.

import { element, icon } from "../shared/elements.js";
import { FullScreen } from "./full_screen.js";
import { saveButton } from "./save.js";
import { zoomKey } from "./wheel_hint.js";

function tool(name, title, press) {
  return element("button", { class: "tool", title, "aria-label": title, onclick: press }, icon(name));
}

// A button that stays pressed: `press` is told whether it is.
function toggle(name, title, press) {
  const button = tool(name, title, () => {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(pressed));
    press(pressed);
  });
  button.setAttribute("aria-pressed", "false");
  return button;
}

/** The buttons of `map`, which has zoomBy, showAll, showImages, selectByLasso, full and what `saveButton` reads. */
export function toolbar(map) {
  return element("div", { class: "tools" },
    element("div", {}, tool("plus", `Zoom in (or ${zoomKey()} + scroll)`, () => map.zoomBy(1.6)),
      tool("minus", "Zoom out", () => map.zoomBy(1 / 1.6)), tool("fit", "Show all (or double-click)", () => map.showAll())),
    element("div", {}, toggle("images", "Show images in place of points", (on) => map.showImages(on)),
      toggle("lasso", "Select with a lasso (or hold Shift and drag)", (on) => map.selectByLasso(on))),
    element("div", { class: "wide" }, saveButton(map),
      FullScreen.possible ? tool("full", "Full screen", () => map.full.toggle()) : null));
}
