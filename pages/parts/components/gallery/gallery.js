// Pictures to choose from: all from one sheet, each a button with its lines of text. A click sends one id.

import { element } from "../shared/elements.js";

const KEPT = new WeakMap();

// Grey pictures are ink in a colour, masked by the sheet; the others are the sheet itself.
function ink(d, item) {
  const made = element("b");
  const at = `${(100 * item.tile) / Math.max(1, d.tiles - 1)}% 0px / ${100 * d.tiles}% 100% no-repeat`;
  if (d.grey) {
    made.style.background = item.colour;
    made.style.mask = `var(--sheet) ${at}`;
  } else {
    made.style.background = `var(--sheet) ${at}`;
  }
  return element("i", {}, made);
}

function choice(d, item, send) {
  const made = element("button", { type: "button", "data-id": item.id, "aria-label": item.says, title: item.says,
    "aria-pressed": String(item.id === d.chosen) }, ink(d, item), ...item.lines.map((line) => element("span", {}, line)));
  made.onclick = () => {
    for (const other of made.closest(".picks").querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === made));
    }
    send(item.id);
  };
  return made;
}

function section(d, group, send) {
  const made = element("section", { "aria-label": group.title || d.label });
  if (group.title) made.append(element("h4", { title: group.title }, group.title));
  group.parts.forEach((items, i) => {
    if (i) made.append(element("div", { class: "gap", "aria-hidden": "true" }, "·"));
    made.append(...items.map((item) => choice(d, item, send)));
  });
  return made;
}

export default ({ data, parentElement, setTriggerValue }) => {
  let root = KEPT.get(parentElement);
  if (!root) {
    root = element("div");
    KEPT.set(parentElement, root);
    parentElement.append(root);
  }
  root.className = data.rows ? "picks rows" : "picks";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", data.label);
  root.style.setProperty("--sheet", `url("${data.sheet}")`);
  root.style.setProperty("--ratio", data.ratio);
  root.style.setProperty("--tile", data.width);
  root.style.setProperty("--title", `${data.title}ch`);
  const focused = root.contains(document.activeElement) || root.getRootNode().activeElement;
  const at = focused && focused.dataset ? focused.dataset.id : null;
  root.replaceChildren(...data.groups.map((group) => section(data, group, (id) => setTriggerValue("pick", id))));
  if (at != null) root.querySelector(`button[data-id="${Number(at)}"]`)?.focus({ preventScroll: true });
};
