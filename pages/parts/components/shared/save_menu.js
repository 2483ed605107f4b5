// A button that opens a choice of files to save.

import { element } from "./elements.js";

/**
 * @param {HTMLElement} button
 * @param {{name: string, title: string, act: () => void, there?: () => boolean}[]} choices `there`: whether it can be had now
 * @returns {HTMLElement} the button and what it opens
 */
export function saveMenu(button, choices) {
  const made = choices.map(({ name, title, act }) => element("button", { type: "button", title, onclick: () => {
    open(false);
    button.focus();
    act();
  } }, name));
  const list = element("div", { class: "formats", hidden: true }, ...made);
  const open = (on) => {
    choices.forEach(({ there }, i) => { made[i].hidden = there ? !there() : false; });
    list.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (on) list.firstChild.focus();
  };
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => open(list.hidden));
  const save = element("div", { class: "save" }, button, list);
  save.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || list.hidden) return;
    open(false);
    button.focus();
    e.stopPropagation();
  });
  save.addEventListener("focusout", (e) => save.contains(e.relatedTarget) || open(false));
  return save;
}
