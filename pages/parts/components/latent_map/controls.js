// Colour by, and which images to show: of one map, or of several that belong together.

import { element, icon } from "../shared/elements.js";
import { tell } from "../shared/groups.js";
import { KINDS, MODES } from "../shared/words.js";
import { EXAMPLE, HELP, parsed } from "./filter_words.js";

const PAUSE = 800; // milliseconds without a key after which an unfinished filter is called wrong

/** Colour `group` as `data` asks for at first, unless one chose, and show only the classes that it asks for, until one chooses. */
export function beginGroup(group, { modes, colour, only }) {
  if (!group.mode || !modes.includes(group.mode)) group.mode = modes.includes(colour) ? colour : modes[0];
  if (only?.length && !group.begun) group.filter = { ...group.filter, class: new Set(only) };
  group.begun ||= Boolean(only?.length);
}

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
  const words = element("input", { type: "search", class: "words", "aria-label": "Filter", placeholder: `Filter: ${EXAMPLE}`, title: HELP,
    maxlength: 200, spellcheck: "false", autocomplete: "off" });
  const trouble = element("div", { class: "trouble", role: "alert" });
  const unfold = element("button", { class: "unfold", "aria-expanded": "false", title: "Show only some of the images",
    onclick: () => unfold.setAttribute("aria-expanded", box.classList.toggle("unfolded")) }, icon("filter"), "Filter");
  box.replaceChildren(
    element("span", { class: "by" }, "Colour by"), segments, element("span", { class: "narrow" }, narrow), unfold,
    element("span", { class: "which" }, words, show), trouble);
}

// What is typed filters as soon as it means something; what means nothing is said when the hand rests, and filters nothing.
function typed(box, owner, { classes, modes }) {
  const [words, trouble] = [box.querySelector(".words"), box.querySelector(".trouble")];
  const say = (error) => {
    trouble.textContent = error;
    words.setAttribute("aria-invalid", String(Boolean(error)));
  };
  const read = (pause) => {
    clearTimeout(box.reading);
    const { conditions, error } = parsed(words.value, classes, modes);
    const settle = () => {
      say(error);
      setFilter(owner, "words", conditions.length ? { text: words.value.trim(), conditions } : null);
    };
    if (error && pause) box.reading = setTimeout(settle, pause);
    else settle();
  };
  words.oninput = () => read(PAUSE);
  words.onkeydown = (e) => {
    if (e.key === "Enter") {
      read(0);
      pinOnly(owner);
    } else if (e.key === "Escape" && words.value) {
      words.value = "";
      read(0);
    } else return;
    e.preventDefault();
  };
  if (words.getRootNode().activeElement === words) return;
  words.value = owner.group.filter.words?.text ?? (trouble.textContent ? words.value : "");
}

// The image that a filter leaves, if it leaves one.
function pinOnly(owner) {
  if (!owner.shades || !owner.group.filter.words) return;
  const first = owner.shades.visible.indexOf(1);
  if (first >= 0 && owner.shades.visible.lastIndexOf(1) === first) owner.pin(first);
}

/** Draw the controls of `owner`, which is in a group, into `box`, or bring them up to date. */
export function drawControls(box, owner, data) {
  const [{ group }, { modes }] = [owner, data];
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
  typed(box, owner, data);
  const kinds = group.filter.kind;
  box.querySelector(".show").value = kinds && kinds.size === 1 ? [...kinds][0] : "";
}
