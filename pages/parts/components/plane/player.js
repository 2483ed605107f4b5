// A session that was kept, played again: the plane as it is on its page, which learns nothing here but shows frame after frame.

import { element } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { read } from "./film.js";

const [WHOLE, LEAST, LONGEST] = [8, 0.12, 0.33]; // seconds: all frames, and one of them at least and at most

class Player {
  constructor(parent) {
    this.at = 0;
    this.acted = [];
    this.room = element("div", {});
    this.bar = element("input", { type: "range", min: 0, value: 0, step: 1, "aria-label": "Where in the session" });
    this.bar.addEventListener("input", () => {
      this.stop(false);
      this.show(Number(this.bar.value));
    });
    this.says = element("span", { class: "soft", role: "status" });
    this.root = element("section", { class: "drawn plane-player" }, this.room,
      element("div", { class: "bar" }, this.bar), this.says);
    parent.append(this.root);
    this.seen = new IntersectionObserver((all) => all.some((e) => e.isIntersecting) && this.begin(), { threshold: 0.4 });
    this.seen.observe(this.root);
  }

  /** `draw` is what draws the plane; `session` one of those of a file, `bytes` its arrays. */
  update({ draw, session, bytes }) {
    this.stop();
    this.draw = draw;
    this.frames = read(session.frames, bytes.subarray(session.at, session.at + session.length));
    this.truth = false;
    this.bar.max = String(this.frames.length - 1);
    this.says.textContent = session.says;
    this.show(0);
    if (this.began) this.play();
  }

  /** Play by itself once it is seen, but for whoever wants nothing to move. */
  begin() {
    this.seen.disconnect();
    this.began = !globalThis.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.began) this.play();
  }

  show(i) {
    this.at = Math.max(0, Math.min(this.frames.length - 1, i));
    const data = this.frames[this.at];
    const done = this.at === this.frames.length - 1;
    if (done) this.stop(false);
    const step = Math.max(...data.panels.map((panel) => panel.step));
    const state = { playing: Boolean(this.timer), settled: done, truth: this.truth, says: "", film: this.frames,
      recorded: true, ready: true, offered: [], undo: false, acted: this.acted };
    this.end = this.draw({ data: { ...data, ...state }, parentElement: this.room, setTriggerValue: (_, { acts }) => this.hear(acts) });
    this.bar.value = String(this.at);
    this.bar.setAttribute("aria-valuetext", `Step ${step.toLocaleString("en")}`);
    this.root.dataset.frame = String(this.at);
  }

  play() {
    this.stop(false);
    const each = Math.max(LEAST, Math.min(LONGEST, WHOLE / this.frames.length));
    this.timer = setInterval(() => this.show(this.at + 1), 1000 * each);
    this.show(this.at === this.frames.length - 1 ? 0 : this.at);
  }

  stop(again = true) {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    if (again) this.show(this.at);
  }

  hear(acts) {
    const one = acts.filter(({ n }) => !this.acted.includes(n));
    this.acted = acts.map(({ n }) => n);
    for (const { what } of one) this.act(what);
  }

  /** What was pressed on the plane; what else it asks for, a recording has not. */
  act(what) {
    if (what === "play" || what === "again") this.play();
    else if (what === "truth" || what === "no truth") {
      this.truth = what === "truth";
      this.show(this.at);
    } else if (what === "pause") this.stop();
    else if (what === "step" || what === "reset") {
      this.stop(false);
      this.show(what === "step" ? this.at + 1 : 0);
    }
  }

  destroy() {
    this.stop(false);
    this.seen.disconnect();
    this.end?.();
    this.root.remove();
  }
}

export default (given) => mount(Player, given);
