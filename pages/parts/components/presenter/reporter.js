// Tells what the maps of this browser show, and that its address has changed, for those who follow.

import { signed, written } from "../shared/live.js";

const LOOK = 100; // ms between two looks, and so at most between a change and its message
const REST = 5000; // ms at most

export class Reporter {
  constructor(tell) {
    this.tell = tell;
    this.known = new WeakMap();
    this.resting = 0;
  }

  // Begin or stop on a page; whatever is shown is told at the beginning.
  run(on, page) {
    if (page !== this.page) this.resting = 0;
    this.page = page;
    if (on === Boolean(this.timer)) return;
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => this.look(), LOOK) : 0;
    this.had = null;
  }

  // Until another page is there: what is told while the server opens it would be told of that page.
  rest() {
    this.resting = performance.now() + REST;
  }

  look() {
    if (performance.now() < this.resting) return;
    const groups = globalThis.fewLabelsGroups ?? new Map();
    const now = `${location.pathname}${location.search} ${signed(groups, this.known)}`;
    if (now === this.had) return;
    this.had = now;
    this.tell(JSON.stringify(written(groups)));
  }
}
