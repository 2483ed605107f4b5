// What to see in a map, above it: of a trained run. Before its training there is nothing to see as yet.

import { element } from "../shared/elements.js";
import { pictureAt } from "./film.js";

const UNTRAINED = "Before training: nothing is learned of these images yet.";

/** What is so at an epoch, null being the last. @param {{claim: string, film?: {epochs: number[]}}} data @param {number | null} epoch */
export function claimAt({ claim, film }, epoch) {
  return claim && film && epoch != null && film.epochs[pictureAt(film.epochs, epoch)] === 0 ? UNTRAINED : claim;
}

export class Claim {
  constructor() {
    this.root = element("p", { class: "claim" });
  }

  draw(data, epoch) {
    const said = claimAt(data, epoch);
    if (this.root.textContent !== said) this.root.textContent = said;
    this.root.hidden = !said;
  }
}
