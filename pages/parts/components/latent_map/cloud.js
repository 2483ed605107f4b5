// Where the points are now and what is said of them: on their way from one map to the next, or within a film.

import { mix } from "../shared/colours.js";
import { fitted } from "./camera.js";
import { beliefsAt, moveTo, pictureAt, placeIn, reach, unpacked } from "./film.js";

/** Slow, fast, slow: from 0 at 0 to 1 at 1. @param {number} t @returns {number} */
export function eased(t) {
  return t < 0.5 ? 4 * t * t * t : 1 - (2 - 2 * t) ** 3 / 2;
}

/** The points of a map, as columns: a point is known by its id, wherever it stands in them. */
export class Cloud {
  constructor() {
    this.n = 0;
    this.film = null;
    this.there = null; // within a film: which points it has; an image that it does not have is nowhere
    this.frame = -1; // the film's picture that is shown, or -1
  }

  /** Take a table of points. They stand where they stood before, if they did; whether any has to move. */
  take(table) {
    const column = (name) => table.getChild(name).toArray();
    const before = { row: this.row ?? new Map(), x: this.x, y: this.y, span: this.span };
    this.id = column("id");
    this.n = this.id.length;
    [this.true, this.predicted, this.kind] = [column("true"), column("predicted"), column("kind")];
    [this.sure, this.entropy, this.tile] = [column("sure"), column("entropy"), column("tile")];
    this.labelled = this.kind.reduce((n, kind) => n + (kind === 0), 0);
    this.row = new Map();
    for (let i = 0; i < this.n; i++) this.row.set(this.id[i], i);
    this.latest = { predicted: this.predicted, sure: this.sure, entropy: this.entropy };
    this.there = null;
    const { x, y, span, far, fit } = fitted(column("x"), column("y"));
    [this.toX, this.toY, this.toSpan, this.far, this.toFar, this.fit] = [x, y, span, far, far, fit];
    [this.fromX, this.fromY, this.fromSpan] = [Float32Array.from(x), Float32Array.from(y), before.span || span];
    let moves = false;
    for (let i = 0; i < this.n; i++) {
      const j = before.row.get(this.id[i]);
      if (j === undefined) continue; // a new one appears where it belongs
      this.fromX[i] = before.x[j];
      this.fromY[i] = before.y[j];
      moves ||= Math.abs(before.x[j] - x[i]) + Math.abs(before.y[j] - y[i]) > 1e-4;
    }
    [this.x, this.y, this.span] = [Float32Array.from(this.fromX), Float32Array.from(this.fromY), this.fromSpan];
    return moves;
  }

  /** A share of the way from where the points stood to where they belong. */
  travel(share) {
    for (let i = 0; i < this.n; i++) {
      this.x[i] = this.fromX[i] + (this.toX[i] - this.fromX[i]) * share;
      this.y[i] = this.fromY[i] + (this.toY[i] - this.fromY[i]) * share;
    }
    this.span = mix(this.fromSpan, this.toSpan, share);
  }

  arrive() {
    this.x.set(this.toX);
    this.y.set(this.toY);
    [this.span, this.far] = [this.toSpan, this.toFar];
  }

  /** Take the film of `data`, or none; `fresh` says that the points were taken anew. Whether anything changed. */
  takeFilm(data, fresh) {
    const same = this.film?.version === data.film?.version;
    if (same && !fresh) return false;
    if (!data.film) {
      this.film = null;
    } else {
      if (!same) this.film = unpacked(data);
      this.rows = Int32Array.from(this.id, (id) => this.film.at.get(id) ?? -1);
      this.reach = reach(this.film, this.fit, { span: this.toSpan, far: this.toFar });
    }
    this.frame = -1;
    return true;
  }

  /**
   * Put the points where the film has them at an epoch; with null, or at its end, where they belong.
   * @param {number | null} epoch
   * @param {number} classes
   * @returns {"nothing" | "moved" | "said" | "ended"} what changed: "said" if what q(y|x) says did, too
   */
  seek(epoch, classes) {
    const { film } = this;
    if (!film || epoch == null || epoch >= film.epochs.at(-1)) {
      if (!this.there) return "nothing";
      this.there = null;
      this.frame = -1;
      Object.assign(this, this.latest);
      this.arrive();
      return "ended";
    }
    return this.show(epoch, classes);
  }

  /** Put the points where the film has them at an epoch, its last one too. As `seek`, what changed. */
  show(epoch, classes) {
    const { film } = this;
    const k = pictureAt(film.epochs, epoch);
    this.there ??= Uint8Array.from(this.rows, (r) => r >= 0);
    const place = placeIn(film.epochs, epoch);
    moveTo(film, this.rows, place, this.fit, this.x, this.y);
    const closer = place.k === film.epochs.length - 2 ? eased(place.share) : 0; // one look for all, and nearer to its end
    this.span = mix(this.reach.span, this.toSpan, closer);
    this.far = this.reach.far;
    if (this.frame === k) return "moved";
    this.frame = k;
    Object.assign(this, beliefsAt(film, this.rows, k, classes));
    return "said";
  }

  /** The epoch of the film's picture that is shown; null outside of it. */
  get epoch() {
    return this.there ? this.film.epochs[this.frame] : null;
  }
}
