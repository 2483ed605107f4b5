// The frames that a plane has shown, kept to be played again, and written in few bytes (see models/plane/film.py).

import { arrayOf } from "./arrays.js";

export const MOST = 120; // frames that are kept
const STEP = { q_y: 3, p_y: 3, log_p: 0.1, gap: 0.1 }; // what one unit is; where it is not said, of whole numbers 1, of others
const FINE = 0.015;
const NONE = -32768; // stands for NaN

/** The frames since the learning last began anew; when there are too many, every other one goes. */
export class Film {
  constructor(most = MOST) {
    Object.assign(this, { most, frames: [], gap: 1, seen: 0, of: null });
  }

  /** @param {any} data what the plane shows now */
  add(data) {
    const of = `${data.resets} ${data.panels.map((panel) => panel.model)}`;
    if (of !== this.of) Object.assign(this, { of, frames: [], gap: 1, seen: 0, last: null });
    const steps = data.panels.map((panel) => panel.step);
    if (steps.some((step) => step == null)) return; // not all of it is there yet
    const at = JSON.stringify([steps, data.labelled, data.panels[0]?.accuracy]);
    if (at === this.at && this.frames.length) return;
    this.at = at;
    this.last = data;
    this.seen += 1;
    if ((this.seen - 1) % this.gap) return;
    this.frames.push(data);
    if (this.frames.length < this.most) return;
    this.frames = this.frames.filter((_, i) => i % 2 === 0);
    this.gap *= 2;
  }

  /** At most `n` of them, as `spread` chooses. @returns {any[]} */
  some(n = this.most) {
    const all = this.frames.at(-1) === this.last || !this.last ? this.frames : [...this.frames, this.last];
    return spread(all, n);
  }
}

/** At most `n` of `all`, evenly spread, the first and the last one among them. @template T @param {T[]} all @param {number} n */
export function spread(all, n) {
  if (all.length <= n) return all;
  return Array.from({ length: n }, (_, i) => all[Math.round(i * (all.length - 1) / (n - 1))]);
}

/** Puts arrays into bytes, each as what has changed since the last one of the same key. */
export class Writer {
  constructor() {
    Object.assign(this, { parts: [], at: 0, before: new Map() });
  }

  put(key, name, { shape, values }) {
    const step = STEP[name] ?? (values instanceof Uint8Array ? 1 : FINE);
    const n = values.length;
    const whole = Int16Array.from(values, (v) => (Number.isNaN(v) ? NONE : Math.max(NONE + 1, Math.min(32767, Math.round(v / step)))));
    const before = this.before.get(key);
    const on = before?.shape.join() === shape.join();
    this.before.set(key, { shape, whole });
    const bytes = new Uint8Array(2 * n);
    for (let i = 0; i < n; i += 1) {
      const d = (on ? whole[i] - before.whole[i] : whole[i]) << 16 >> 16;
      const folded = (d << 1 ^ d >> 15) & 0xffff;
      [bytes[i], bytes[n + i]] = [folded & 255, folded >> 8];
    }
    const ref = { shape, step, at: this.at, on };
    this.parts.push(bytes);
    this.at += bytes.length;
    return ref;
  }
}

/** Reads what a Writer wrote, in the same order. */
export class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    Object.assign(this, { bytes, before: new Map() });
  }

  get(key, { shape, step, at, on }) {
    const n = shape.reduce((a, b) => a * b, 1);
    const before = on ? this.before.get(key) : null;
    const whole = new Int16Array(n);
    for (let i = 0; i < n; i += 1) {
      const folded = this.bytes[at + i] | this.bytes[at + n + i] << 8;
      whole[i] = (folded >> 1 ^ -(folded & 1)) + (before?.[i] ?? 0);
    }
    this.before.set(key, whole);
    const values = Number.isInteger(step) ? Uint8Array.from(whole, (v) => v * step) : Float32Array.from(whole, (v) => (v === NONE ? NaN : v * step));
    return { shape, values };
  }
}

const isArray = (value) => Array.isArray(value?.shape);

/** Every array of a frame, by what tells it from the others of this frame. */
function each(data, act) {
  const copy = { ...data, panels: data.panels.map((panel) => ({ ...panel })) };
  for (const [of, holder] of [["", copy], ...copy.panels.map((panel) => [panel.model, panel])]) {
    for (const [name, value] of Object.entries(holder)) if (isArray(value)) holder[name] = act(`${of} ${name}`, name, value);
  }
  return copy;
}

/** Frames as JSON, their arrays in `bytes` beside it. @param {any[]} frames @returns {{frames: any[], bytes: Uint8Array}} */
export function written(frames) {
  const writer = new Writer();
  const made = frames.map((data) => each(data, (key, name, sent) => writer.put(key, name, arrayOf(sent))));
  for (const frame of made) for (const panel of frame.panels) delete panel.curve; // it follows from the frames
  const bytes = new Uint8Array(writer.at);
  let at = 0;
  for (const part of writer.parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { frames: made, bytes };
}

/** What `written` wrote. @param {any[]} frames @param {Uint8Array} bytes @returns {any[]} */
export function read(frames, bytes) {
  const reader = new Reader(bytes);
  const curves = {};
  return frames.map((data) => {
    const whole = each(data, (key, _, ref) => reader.get(key, ref));
    for (const panel of whole.panels) {
      const curve = (curves[panel.model] ??= []);
      if (panel.step != null && curve.at(-1)?.[0] !== panel.step) curve.push([panel.step, panel.accuracy]);
      panel.curve = [...curve];
    }
    return whole;
  });
}
