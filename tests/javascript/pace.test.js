import assert from "node:assert/strict";
import test from "node:test";

import { rested, timed } from "../../pages/parts/components/latent_map/pace.js";

test("after drawing, maps rest three times as long as it took, and no longer", () => {
  const begin = performance.now();
  timed(() => {
    while (performance.now() - begin < 20);
  });
  const end = performance.now();
  assert.ok(!rested(end + 40), "a quarter of the time at most");
  assert.ok(rested(end + 4 * (end - begin)));
  timed(() => {});
  assert.ok(rested(performance.now() + 2), "what is drawn at once is drawn in every frame");
});
