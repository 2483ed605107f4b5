import assert from "node:assert/strict";
import test from "node:test";

import { isInside, pointsInside } from "../../pages/parts/components/latent_map/lasso.js";
import { numbers, times } from "./random.js";

// Another way to the same answer: how often the path turns around the point. An odd number of turns is inside.
function turns(path, x, y) {
  let angle = 0;
  path.forEach(([ax, ay], i) => {
    const [bx, by] = path[(i + 1) % path.length];
    const [u, v, p, q] = [ax - x, ay - y, bx - x, by - y];
    angle += Math.atan2(u * q - v * p, u * p + v * q);
  });
  return Math.round(angle / (2 * Math.PI));
}

function distance([ax, ay], [bx, by], x, y) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(ax + t * dx - x, ay + t * dy - y);
}

const onEdge = (path, x, y) => path.some((a, i) => distance(a, path[(i + 1) % path.length], x, y) < 1e-6);

test("random polygons, most of which cross themselves, hold what they turn around an odd number of times", () => {
  let [inside, crossed] = [0, 0];
  times(300, (next) => {
    const corners = 3 + Math.floor(150 * next() ** 4); // a hand draws some hundred
    const path = Array.from({ length: corners }, () => numbers(next, 2, 0, 100));
    for (let k = 0; k < 40; k++) {
      const [x, y] = numbers(next, 2, -10, 110);
      if (onEdge(path, x, y)) continue;
      const n = turns(path, x, y);
      assert.equal(isInside(path, x, y), n % 2 !== 0, `${JSON.stringify(path)} at ${x}, ${y}`);
      inside += n % 2 !== 0;
      crossed += Math.abs(n) > 1;
    }
  });
  assert.ok(inside > 500 && crossed > 20, `the polygons are of every kind: ${inside} inside, ${crossed} more than once around`);
});

test("a star of five points is hollow in its middle, a square is not, and a line holds nothing", () => {
  const star = [0, 2, 4, 1, 3].map((k) => [Math.cos(2 * Math.PI * k / 5), Math.sin(2 * Math.PI * k / 5)]);
  assert.equal(isInside(star, 0, 0), false);
  assert.equal(isInside(star, 0.8, 0), true);
  const square = [[0, 0], [2, 0], [2, 2], [0, 2]];
  assert.equal(isInside(square, 1, 1), true);
  assert.equal(isInside(square, 3, 1), false);
  assert.equal(isInside([[0, 0], [2, 2]], 1, 1), false);
  assert.equal(isInside([], 1, 1), false);
});

test("a corner level with the point is counted once", () => {
  const diamond = [[0, -2], [2, 0], [0, 2], [-2, 0]];
  assert.equal(isInside(diamond, 0, 0), true);
  assert.equal(isInside(diamond, -3, 0), false);
  assert.equal(isInside(diamond, 3, 0), false);
});

test("only those that count are selected, by index", () => {
  const square = [[0, 0], [10, 0], [10, 10], [0, 10]];
  const screen = { x: [1, 5, 20, 9], y: [1, 5, 5, 9] };
  assert.deepEqual(pointsInside(square, screen), [0, 1, 3]);
  assert.deepEqual(pointsInside(square, screen, (i) => i !== 1), [0, 3]);
});
