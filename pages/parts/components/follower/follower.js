// Says whether this browser follows the presenter, and lets its maps show what the presenter's do.

import { Asked } from "../shared/asked.js";
import { element } from "../shared/elements.js";
import { tell } from "../shared/groups.js";
import { showIn } from "../shared/live.js";
import { mount } from "../shared/mount.js";

const ASK = 500; // ms from an answer of the server to the next question
const LOST = 15_000; // ms after which a question is asked again
const LOOK = 150; // ms between two looks whether a map is there by now
const PATIENCE = 30_000; // ms after which a map that is not there will not come

class Follower {
  constructor(parent) {
    this.root = element("section", { class: "follower", role: "status" });
    parent.append(this.root);
    this.live = "";
    this.asked = new Asked();
  }

  update(data, send) {
    this.send = send;
    this.draw(data);
    this.asked.answered(send, { let_go: !data.on, again: data.on });
    clearTimeout(this.asking);
    if (data.on) this.asking = setTimeout(() => this.ask(), ASK);
    const live = data.on ? data.live : "";
    if (live === this.live) return;
    this.live = live;
    this.take(live);
  }

  ask() {
    this.send("look", true);
    this.asking = setTimeout(() => this.ask(), LOST);
  }

  draw({ on, waits, said }) {
    const drawn = JSON.stringify([on, waits, said]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const words = waits ? "Nobody presents yet. This page follows as soon as somebody does."
      : on ? "You follow the presenter." : said || "You do not follow the presenter.";
    const act = on ? ["Let go", "let_go"] : ["Follow again", "again"];
    this.root.replaceChildren(element("span", {}, words),
      element("button", { onclick: () => this.asked.ask(this.send, act[1], true) }, act[0]));
    this.root.dataset.on = on;
  }

  // What a group was asked to show before is not asked for again: in between one may have looked elsewhere.
  take(live) {
    const before = this.wanted ?? {};
    this.wanted = live ? JSON.parse(live) : {};
    this.left = new Map();
    for (const [name, group] of Object.entries(this.wanted)) {
      const same = ["mode", "lasso", "pin"].filter((what) => JSON.stringify(before[name]?.[what]) === JSON.stringify(group[what]));
      if (before[name] && before[name].epoch === group.epoch && before[name].playing === group.playing) same.push("epoch");
      this.left.set(name, new Set(before[name] ? same : []));
    }
    this.until = performance.now() + PATIENCE;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.look(), LOOK);
    this.look();
  }

  look() {
    for (const [name, done] of this.left) {
      const group = globalThis.fewLabelsGroups?.get(name);
      if (group && showIn(group, this.wanted[name], done, tell)) this.left.delete(name);
    }
    if (!this.left.size || performance.now() > this.until) clearInterval(this.timer);
  }

  destroy() {
    clearTimeout(this.asking);
    clearInterval(this.timer);
    this.root.remove();
  }
}

export default (given) => mount(Follower, given);
