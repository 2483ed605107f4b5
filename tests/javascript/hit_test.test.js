import assert from "node:assert/strict";
import test from "node:test";

import { nearest, nearestToFinger, nextTowards } from "../../pages/parts/components/latent_map/hit_test.js";
import { numbers, times } from "./random.js";

function crowd(next, n = 60) {
  return { screen: { x: Float32Array.from(numbers(next, n, 0, 200)), y: Float32Array.from(numbers(next, n, 0, 120)) },
    visible: Uint8Array.from(numbers(next, n, 0, 3), (v) => v > 1), kind: Uint8Array.from(numbers(next, n, 0, 3)) };
}

test("the nearest visible point within reach, a labelled one three pixels sooner", () => {
  let found = 0;
  times(300, (next) => {
    const { screen, visible, kind } = crowd(next);
    const [px, py] = [next() * 200, next() * 120];
    const reach = 4 + 20 * next();
    const all = [...visible.keys()].filter((i) => visible[i]).map((i) => ({ i,
      d: (screen.x[i] - px) ** 2 + (screen.y[i] - py) ** 2 - (kind[i] === 0 ? 9 : 0) }));
    const best = all.filter(({ d }) => d < reach * reach).sort((a, b) => a.d - b.d)[0]?.i ?? -1;
    assert.equal(nearest(screen, visible, kind, px, py, reach), best);
    found += best >= 0;
  });
  assert.ok(found > 100 && found < 300, "some pointers are over nothing");
});

test("14 pixels are near enough for a pointer, twice as many for a finger; a hidden point is not there", () => {
  const one = (x) => [{ x: [x], y: [0] }, [1], [1]];
  assert.equal(nearest(...one(13.9), 0, 0), 0);
  assert.equal(nearest(...one(14.1), 0, 0), -1);
  assert.equal(nearestToFinger(...one(27.9), 0, 0), 0);
  assert.equal(nearestToFinger(...one(28.1), 0, 0), -1);
  assert.equal(nearest({ x: [0], y: [0] }, [0], [1], 0, 0), -1);
  assert.equal(nearest({ x: [], y: [] }, [], [], 0, 0), -1);
});

test("an arrow goes to a visible point that lies rather ahead than aside, the one that costs least", () => {
  times(200, (next) => {
    const { screen, visible } = crowd(next);
    const cursor = Math.floor(next() * visible.length);
    const from = [screen.x[cursor], screen.y[cursor]];
    for (const way of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      const costs = [...visible.keys()].filter((i) => visible[i] && i !== cursor).map((i) => {
        const [x, y] = [screen.x[i] - from[0], screen.y[i] - from[1]];
        const [ahead, aside] = way[0] ? [x * way[0], Math.abs(y)] : [y * way[1], Math.abs(x)];
        return { i, ahead, aside, cost: Math.hypot(x, y) + aside };
      }).filter(({ ahead, aside }) => ahead >= 2 && aside <= ahead).sort((a, b) => a.cost - b.cost);
      assert.equal(nextTowards(screen, visible, cursor, from, way), costs[0]?.i ?? -1);
    }
  });
});

test("without a cursor an arrow finds some point, also behind", () => {
  assert.equal(nextTowards({ x: [-50], y: [0] }, [1], -1, [0, 0], [1, 0]), 0);
  assert.equal(nextTowards({ x: [-50], y: [0] }, [0], -1, [0, 0], [1, 0]), -1);
});
