// Colour by, and which images to show: of one map, or of several that belong together.

import { element } from "../shared/elements.js";
import { tell } from "../shared/groups.js";
import { KINDS, MODES } from "../shared/words.js";

/** Filter the group of `owner` by `wanted` keys of a way of colouring; none, or null, ends that filter. */
export function setFilter(owner, mode, wanted) {
  const filter = { ...owner.group.filter };
  if (wanted == null || wanted.size === 0) delete filter[mode];
  else filter[mode] = wanted;
  tell(owner.group, { filter }, owner);
}

function build(box, owner, modes, choose) {
  const segments = element("div", { class: "segments", role: "radiogroup", "aria-label": "Colour by" },
    ...modes.map((m) => element("button", { role: "radio", "data-mode": m, onclick: () => choose(m) }, MODES[m])));
  const narrow = element("select", { "aria-label": "Colour by", onchange: (e) => choose(e.target.value) },
    ...modes.map((m) => element("option", { value: m }, MODES[m])));
  const show = element("select", { class: "show", "aria-label": "Show",
    onchange: (e) => setFilter(owner, "kind", e.target.value === "" ? null : new Set([Number(e.target.value)])) },
  element("option", { value: "" }, "All images"),
  ...KINDS.map((name, k) => element("option", { value: k }, `${name[0].toUpperCase()}${name.slice(1)} only`)));
  box.replaceChildren(
    element("span", { class: "by" }, "Colour by"), segments, element("span", { class: "narrow" }, narrow),
    element("span", { class: "which" }, show));
}

/** Draw the controls of `owner`, which is in a group, into `box`, or bring them up to date. */
export function drawControls(box, owner, { modes }) {
  const { group } = owner;
  const choose = (mode) => tell(owner.group, { mode }, owner);
  if (box.dataset.modes !== modes.join()) {
    box.dataset.modes = modes.join();
    build(box, owner, modes, choose);
  }
  for (const button of box.querySelectorAll("[data-mode]")) {
    const chosen = button.dataset.mode === group.mode;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
    button.onkeydown = (e) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const next = modes[(modes.indexOf(group.mode) + step + modes.length) % modes.length];
      choose(next);
      box.querySelector(`[data-mode=${next}]`).focus();
    };
  }
  box.querySelector(".narrow select").value = group.mode;
  const kinds = group.filter.kind;
  box.querySelector(".show").value = kinds && kinds.size === 1 ? [...kinds][0] : "";
}
