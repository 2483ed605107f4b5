// What was pressed and not answered yet. A page hears only of the latest message, so each carries all that waits: of two
// presses in quick succession none is lost, and the page does each once. What it does not answer is sent again.

const LATE = 2000; // milliseconds after which what was sent is taken for lost
const TRIES = 5; // a page that does not answer so often never will

export class Outbox {
  constructor() {
    this.waiting = [];
    this.last = 0;
    this.reminder = undefined;
  }

  /** Send all that waits, and again while any of it waits still and somebody is `there`. */
  post(send, there, left = TRIES) {
    clearTimeout(this.reminder);
    if (!this.waiting.length || !there()) return;
    send({ acts: this.waiting });
    if (left) this.reminder = setTimeout(() => this.post(send, there, left - 1), LATE);
  }

  /** Take in one more; its number, above all before. */
  add(act) {
    this.last = Math.max(Date.now(), this.last + 1);
    this.waiting.push({ ...act, n: this.last });
    return this.last;
  }

  /** The page has done those with these numbers. */
  done(numbers) {
    this.waiting = this.waiting.filter(({ n }) => !numbers.includes(n));
  }

  /** The latest of those that wait and are called one of `whats`. */
  latest(...whats) {
    return this.waiting.filter(({ what }) => whats.includes(what)).at(-1);
  }
}
