// The legend of a map: the colours of its classes, which filter as well, or the scale of the entropy.

import { themeOf } from "../shared/colours.js";
import { element, swatch } from "../shared/elements.js";
import { join, leave, tell } from "../shared/groups.js";
import { count } from "../shared/words.js";
import { entries, marks } from "./colouring.js";
import { drawControls, setFilter } from "./controls.js";

const BINS = 50; // of the histogram of entropies
const MANY = 24; // entries, from which on the legend scrolls

/**
 * The filter after a click on entry k: only it, or all again; with `more` it joins or leaves those wanted.
 * @param {Set<number> | undefined} wanted
 * @param {number} k
 * @param {boolean} more
 * @param {number} n entries in all
 * @returns {Set<number> | null}
 */
export function filterAfter(wanted, k, more, n) {
  let next = new Set([k]);
  if (more && wanted) {
    next = new Set(wanted);
    if (!next.delete(k)) next.add(k);
  } else if (wanted && wanted.size === 1 && wanted.has(k)) {
    next = null;
  }
  return next && next.size === n ? null : next;
}

/** How many entropies lie in each of the bins from 0 to `most`. @returns {number[]} */
export function histogram(entropies, most) {
  const bins = new Array(BINS).fill(0);
  for (const e of entropies) bins[Math.min(BINS - 1, Math.floor(BINS * e / most))] += 1;
  return bins;
}

/** Draw the legend of `owner` into `box`; `counts` says how many images each entry has, or is null. */
export function drawLegend(box, owner, counts) {
  const { group, data } = owner;
  if (group.mode === "entropy") {
    drawScale(box, owner, data);
    return;
  }
  const wanted = group.filter[group.mode];
  const every = entries(group.mode, data);
  const press = (k, more) => setFilter(owner, group.mode, filterAfter(wanted, k, more, every.length));
  const key = `${group.mode} ${every.length}`;
  const [scroll, focus] = [box.scrollTop, box.getRootNode().activeElement?.dataset?.k];
  const buttons = every.map(({ k, name, colour }) => element("button", {
    "data-k": k,
    "aria-pressed": wanted ? String(wanted.has(k)) : "false",
    class: wanted && !wanted.has(k) ? "off" : "",
    title: wanted && wanted.has(k) && wanted.size === 1 ? "Show all again" : "Show only these; with Shift, these too",
    onclick: (e) => press(k, e.shiftKey || e.metaKey || e.ctrlKey),
  }, swatch(colour), name, counts ? element("small", {}, count(counts[k] || 0)) : null));
  box.classList.toggle("many", every.length > MANY);
  const keys = marks(group.mode, data).map(({ mark, name }) => element("span", { class: "key" },
    element("i", { class: mark }, mark === "cross" ? "×" : ""), name));
  box.replaceChildren(...buttons, ...keys);
  if (box.dataset.key === key) box.scrollTop = scroll;
  box.dataset.key = key;
  if (focus != null) box.querySelector(`[data-k="${focus}"]`)?.focus({ preventScroll: true });
}

// The colour bar of the entropy, in nats, with how many images lie where, and a lower limit.
function drawScale(box, owner, data) {
  const { group } = owner;
  const most = Math.log(Math.max(2, data.classes.length));
  const least = group.filter.entropy || 0;
  box.classList.remove("many");
  const stops = data.entropy[themeOf(owner.root).dark ? "dark" : "light"];
  if (box.dataset.key !== `entropy ${stops}`) {
    box.dataset.key = `entropy ${stops}`;
    buildScale(box, owner, stops, most);
  }
  const slider = box.querySelector("input");
  if (document.activeElement !== slider) slider.value = Math.round(100 * least / most);
  box.querySelector(".limit").textContent = least ? `at least ${least.toFixed(2)}` : "";
}

function buildScale(box, owner, stops, most) {
  const slider = element("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Least entropy shown, nats",
    oninput: (e) => {
      const value = Number(e.target.value) / 100 * most;
      const filter = { ...owner.group.filter, entropy: value };
      if (!value) delete filter.entropy;
      tell(owner.group, { filter }, owner);
    } });
  const heap = element("div", { class: "heap" });
  box.replaceChildren(element("div", { class: "scale" }, heap,
    element("div", { class: "bar", style: `background:linear-gradient(90deg,${stops.join()})` }),
    slider,
    element("div", { class: "marks" }, element("span", {}, "0 nats, sure"), element("span", { class: "limit" }),
      element("span", {}, `${most.toFixed(2)}, no idea`))));
  if (owner.points?.entropy) {
    const bins = histogram(owner.points.entropy, most);
    const top = Math.log1p(Math.max(...bins));
    heap.title = "How many images have which entropy (heights on a logarithmic scale)";
    heap.append(...bins.map((b) => element("i", { style: `height:${100 * Math.log1p(b) / top}%` })));
  }
}

/** Colours, filter and legend for several maps of one data set; or only the "controls" or the "legend", as `shows` says. */
export class Legend {
  constructor(parent) {
    this.root = element("section", { class: "map together" });
    this.head = element("div", { class: "chrome" });
    this.legend = element("div", { class: "legend" });
    this.root.append(this.head, this.legend);
    parent.append(this.root);
  }

  update(data) {
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    this.group.mode ??= data.colour;
    for (const look of ["compact", "folded"]) this.root.classList.toggle(look, Boolean(data[look]));
    this.draw();
  }

  draw() {
    if (this.data.shows !== "legend") drawControls(this.head, this, this.data);
    if (this.data.shows !== "controls") drawLegend(this.legend, this, null);
  }

  heard(changes) {
    if ("mode" in changes || "filter" in changes) this.draw();
  }

  destroy() {
    leave(this.group, this);
    this.root.remove();
  }
}
