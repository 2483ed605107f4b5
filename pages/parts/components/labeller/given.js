// The labels given so far. They stay in the browser's session until they have been trained on; the server hears of each change.

const KEPT = "few-labels-given ";
const WAIT = 150; // milliseconds: labels given in quick succession travel together

export class Given {
  /** `send` is called with {batch, labels} after changes. */
  constructor(send) {
    this.send = send;
    this.labels = new Map(); // id -> { k, how }
    this.past = []; // of what was done, for Undo: { id, before }
    this.batch = null;
  }

  get size() {
    return this.labels.size;
  }

  has(id) {
    return this.labels.has(id);
  }

  get(id) {
    return this.labels.get(id);
  }

  /** Begin with the labels of another run: those the server knows, or those that this browser kept. */
  recall({ run, given, spent, classes }) {
    this.run = run;
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT + run));
    } catch { /* no storage, or somebody else's text in it: begin without */ }
    if (!kept || !Array.isArray(kept.labels) || spent.includes(kept.batch)) kept = null;
    const server = given.labels.length ? given : null;
    const from = server && (!kept || kept.batch !== server.batch) ? server : kept;
    this.begin();
    if (!from) return;
    this.batch = String(from.batch);
    for (const [id, k, how] of readable(from.labels, classes.length)) this.labels.set(id, { k, how });
    this.keep();
    if (from === kept && JSON.stringify(this.rows()) !== JSON.stringify(given.labels)) this.changed();
  }

  begin() {
    this.labels.clear();
    this.past = [];
    this.batch = Math.random().toString(36).slice(2);
    clearTimeout(this.timer);
    this.timer = null;
    this.keep();
  }

  rows() {
    return [...this.labels].map(([id, { k, how }]) => [id, k, how]);
  }

  keep() {
    try {
      if (!this.labels.size) sessionStorage.removeItem(KEPT + this.run);
      else sessionStorage.setItem(KEPT + this.run, JSON.stringify({ batch: this.batch, labels: this.rows() }));
    } catch { /* a browser that keeps nothing: the server still has them */ }
  }

  changed() {
    this.keep();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), WAIT);
  }

  flush() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = null;
    this.send({ batch: this.batch, labels: this.rows() });
  }

  /** Give image `id` a label, or with undefined none. */
  give(id, label) {
    this.past.push({ id, before: this.labels.get(id) });
    this.set(id, label);
  }

  /** Take back what was done last; the id it was done to, or undefined. */
  undo() {
    const last = this.past.pop();
    if (last) this.set(last.id, last.before);
    return last?.id;
  }

  set(id, label) {
    if (label) this.labels.set(id, label);
    else this.labels.delete(id);
    this.changed();
  }
}

/** The rows that are [id, class, how]; what else was kept is left out. @param {unknown[]} rows @param {number} classes */
export function readable(rows, classes) {
  return rows.filter((row) => Array.isArray(row) && Number.isInteger(row[0]) && Number.isInteger(row[1])
    && row[1] >= 0 && row[1] < classes).map(([id, k, how]) => [id, k, String(how)]);
}
