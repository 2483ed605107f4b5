// What the page was asked for and is not so yet. Of two messages in quick succession a page hears only the later one, so
// what was not heard is asked for again.

const TRIES = 5; // a page that answers so often and does not do it will not do it

export class Asked {
  constructor() {
    this.waiting = new Map(); // its name -> its value, and how often it will be asked for again
  }

  ask(send, name, value) {
    this.waiting.set(name, { value, left: TRIES });
    send(name, value);
  }

  /** The page has answered: `is` says what is so, by name. */
  answered(send, is) {
    for (const [name, asked] of this.waiting) {
      if (is[name] === asked.value || !asked.left) this.waiting.delete(name);
      else {
        asked.left -= 1;
        send(name, asked.value);
      }
    }
  }

  /** What will be so, if all goes well; `now` is what is. */
  soon(name, now) {
    return this.waiting.get(name)?.value ?? now;
  }
}
