// The scrubber of a film: a slider over the epochs that moves every map of its group, plays, and says who changed class.
// Nothing of this reaches the server until one lets go of it.

import { element, icon, swatch } from "../shared/elements.js";
import { join, leave, tell } from "../shared/groups.js";
import { mount } from "../shared/mount.js";
import { count } from "../shared/words.js";
import { classChanges, epochAt, nearestEpoch, pictureAt, secondsOf, shareAt } from "./film.js";

const FLOWS = 8; // of the largest ones, as far as they fit into one line
const BEGIN = 150; // milliseconds at the first picture, where it plays by itself

class Scrubber {
  constructor(parent) {
    this.playsFilm = true; // by which others of the group know it
    this.root = element("section", { class: "film", "aria-label": "Epochs" });
    this.button = element("button", { class: "tool play", onclick: () => (this.playing ? this.stop() : this.play()) });
    this.ends = element("div", { class: "ends", role: "group", "aria-label": "First or last epoch" },
      ...["First", "Last"].map((name, end) => element("button", { onclick: () => this.jump(end) }, name)));
    this.slider = element("input", { type: "range", step: "any", "aria-label": "After epoch",
      oninput: () => {
        this.stop(false);
        this.go(Number(this.slider.value));
      },
      onchange: () => this.let(),
      onkeydown: (e) => this.press(e) });
    this.label = element("output", { class: "at" });
    this.flows = element("div", { class: "flows" });
    this.root.append(element("div", { class: "line" }, this.button, this.ends, this.slider, this.label), this.flows);
    parent.append(this.root);
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.calm = () => {
      if (this.still.matches) this.stop();
      this.draw();
    };
    this.still.addEventListener("change", this.calm);
  }

  get first() {
    return this.data.epochs[0];
  }

  get last() {
    return this.data.epochs.at(-1);
  }

  update(data, send) {
    this.send = send;
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    const before = this.data;
    this.data = data;
    this.group = join(data.group, this);
    this.slider.min = this.first;
    this.slider.max = this.last;
    const ofTheAddress = data.at ?? null;
    if (!this.playing && (!before || (before.at ?? null) !== ofTheAddress)) {
      if (this.group.epoch !== ofTheAddress) tell(this.group, { epoch: ofTheAddress }, this);
    }
    this.draw();
    if (data.plays && data.plays !== before?.plays && !this.still.matches) this.begin();
    else if (!before) this.rests(true);
  }

  // Whether it has played by itself, for the page around: what tells the end waits for that.
  rests(on) {
    const { host } = this.root.getRootNode();
    if (host) host.dataset.film = on ? "rests" : "begins";
  }

  // From the first picture, by itself: as soon as the page has room to draw.
  begin() {
    this.stop(false);
    this.rests(false);
    this.go(this.first);
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.play(), BEGIN);
  }

  heard(changes) {
    if (["epoch", "film", "lasso"].some((what) => what in changes)) this.draw();
  }

  get at() {
    return Math.min(this.group.epoch ?? this.last, this.last);
  }

  // The picture at or before where the film is.
  get k() {
    return pictureAt(this.data.epochs, this.at);
  }

  go(epoch) {
    tell(this.group, { epoch: epoch >= this.last ? null : epoch }, this);
  }

  // To the first picture, or the last: in place of the film where no motion is wanted.
  jump(end) {
    this.go(end ? this.last : this.first);
    this.let();
  }

  // One has let go: settle on a picture, and let the address say so.
  let() {
    const nearest = nearestEpoch(this.data.epochs, this.at);
    this.go(nearest);
    const at = nearest >= this.last ? null : nearest;
    if ((this.data.at ?? null) === at) return; // a film that played to where it stood
    this.data.at = at; // what the server is about to say
    this.send("epoch", at);
  }

  press(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (step) {
      const k = Math.max(0, Math.min(this.data.epochs.length - 1, this.k + step));
      this.stop(false);
      this.go(this.data.epochs[k]);
      clearTimeout(this.later); // one message for a key that is held
      this.later = setTimeout(() => this.let(), 300);
    } else if (event.key === " ") {
      if (this.still.matches) this.jump(this.at < this.last ? 1 : 0);
      else this.button.click();
    } else return;
    event.preventDefault();
  }

  play() {
    const last = this.last; // that of a running run grows meanwhile
    const from = this.at >= last ? this.first : this.at;
    const whole = 1000 * secondsOf(this.data.epochs);
    const begin = performance.now() - whole * shareAt(this.data.epochs, from);
    const step = (now) => {
      const share = Math.min(1, (now - begin) / whole);
      const epoch = share < 1 ? epochAt(this.data.epochs, share) : this.last;
      if (this.group.epoch !== epoch) this.go(epoch);
      if (share < 1) this.playing = requestAnimationFrame(step);
      else this.stop();
    };
    this.playing = requestAnimationFrame(step);
    this.draw();
  }

  stop(settle = true) {
    if (!this.playing) return;
    cancelAnimationFrame(this.playing);
    this.playing = 0;
    this.rests(true);
    if (settle) this.let();
    this.draw();
  }

  draw() {
    const { k } = this;
    const title = this.playing ? "Pause" : "Play the epochs";
    if (this.button.title !== title) {
      this.button.title = title;
      this.button.setAttribute("aria-label", title);
      this.button.replaceChildren(icon(this.playing ? "pause" : "play"));
    }
    this.button.hidden = this.still.matches;
    this.ends.hidden = !this.still.matches;
    [...this.ends.children].forEach((b, end) => b.setAttribute("aria-pressed", String(this.at === [this.first, this.last][end])));
    this.slider.value = this.at;
    this.slider.setAttribute("aria-valuetext", `epoch ${this.data.epochs[k]}`);
    this.label.textContent = `Epoch ${this.data.epochs[k]} of ${this.last}`;
    this.label.dataset.longest = `Epoch ${this.last} of ${this.last}`;
    this.root.dataset.epoch = this.data.epochs[k];
    this.drawFlows(k);
  }

  // Who was of another class in the picture before.
  drawFlows(k) {
    const film = this.group.film;
    const { names, colours } = this.data;
    this.flows.hidden = !names.length; // else there is room for them, so that nothing jumps when they come
    if (!film || !names.length || film.epochs.length !== this.data.epochs.length) {
      this.flows.replaceChildren();
      this.drawn = null;
      return;
    }
    const chosen = this.group.lasso;
    const key = `${film.version} ${k} ${this.chosen && this.chosen === chosen}`;
    if (this.drawn === key) return;
    this.drawn = key;
    if (!k) {
      this.flows.replaceChildren(element("span", { class: "soft" }, "The first epoch: nothing has moved yet."));
      return;
    }
    const every = classChanges(film, k);
    const all = every.reduce((n, { ids }) => n + ids.length, 0);
    this.flows.replaceChildren(
      element("span", { class: "soft" }, all
        ? `${count(all)} of ${count(film.n)} changed class since epoch ${film.epochs[k - 1]}, most:`
        : `No prediction changed since epoch ${film.epochs[k - 1]}.`),
      ...every.slice(0, FLOWS).map(({ from, to, ids }) => element("button", {
        title: "Select these images",
        "data-flow": `${from} ${to}`,
        "aria-label": `${ids.length} from ${names[from]} to ${names[to]}. Select them.`,
        onclick: () => {
          this.chosen = new Set(ids);
          tell(this.group, { lasso: this.chosen }, this);
        },
      }, swatch(colours[from]), names[from], element("span", { class: "soft" }, "→"), swatch(colours[to]), names[to],
      element("b", {}, count(ids.length)))));
    const chips = [...this.flows.querySelectorAll("button")];
    const line = chips[0]?.offsetTop;
    for (const chip of chips.filter((c) => c.offsetTop > line)) chip.remove();
  }

  destroy() {
    cancelAnimationFrame(this.playing);
    clearTimeout(this.later);
    clearTimeout(this.soon);
    this.still.removeEventListener("change", this.calm);
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(Scrubber, given);
