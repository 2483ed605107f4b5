import assert from "node:assert/strict";
import test from "node:test";

import { contactGrid, inRows, packed } from "../../pages/parts/components/latent_map/packing.js";
import { numbers, times } from "./random.js";

test("squares that are kept do not overlap, keep their order, and what is dropped had to be", () => {
  let dropped = 0;
  times(100, (next) => {
    const n = Math.floor(next() * 120);
    const places = Array.from({ length: n }, () => numbers(next, 2, -6, 6));
    const order = [...places.keys()].map((i) => [i, next()]).sort((a, b) => a[1] - b[1]).map(([i]) => i);
    const kept = packed(order, (i) => places[i]);
    const overlap = (i, j) => Math.abs(places[i][0] - places[j][0]) < 1 && Math.abs(places[i][1] - places[j][1]) < 1;
    kept.forEach((i, k) => kept.slice(0, k).forEach((j) => assert.ok(!overlap(i, j), `${i} lies on ${j}`)));
    assert.deepEqual(kept, order.filter((i) => kept.includes(i)), "in their order");
    for (const i of order.filter((j) => !kept.includes(j))) {
      dropped += 1;
      assert.ok(kept.some((j) => order.indexOf(j) < order.indexOf(i) && overlap(i, j)), `${i} was dropped for nothing`);
    }
  });
  assert.ok(dropped > 500);
});

test("what is kept does not depend on where a map has been moved", () => {
  times(20, (next) => {
    const places = Array.from({ length: 50 }, () => numbers(next, 2, -3, 3));
    const by = [Math.round(40 * next()), Math.round(40 * next())];
    const order = [...places.keys()];
    assert.deepEqual(packed(order, (i) => places[i].map((v, a) => v + by[a])), packed(order, (i) => places[i]));
  });
});

test("boxes in rows keep their order, never overlap, and only a box wider than all room goes past it", () => {
  times(100, (next) => {
    const [left, room] = [6, 300];
    const widths = numbers(next, Math.floor(next() * 30), 5, 340);
    const { places, rows } = inRows(widths, room, left);
    assert.equal(places.length, widths.length);
    places.forEach(([x, row], i) => {
      assert.ok(x + widths[i] <= room + 1e-9 || x === left);
      if (!i) {
        assert.deepEqual([x, row], [left, 0]);
        return;
      }
      const [before, above] = places[i - 1];
      if (row === above) assert.ok(x >= before + widths[i - 1] - 1e-9);
      else assert.deepEqual([row, x], [above + 1, left]);
      if (row !== above) assert.ok(before + widths[i - 1] + widths[i] > room, "a new row only where it does not fit");
    });
    assert.equal(rows, places.length ? places.at(-1)[1] + 1 : 1);
  });
});

test("a contact sheet has room for all, and no empty row", () => {
  for (let n = 1; n <= 2500; n++) {
    const { across, down } = contactGrid(n);
    assert.ok(across * down >= n && across * (down - 1) < n, `${n}: ${across} x ${down}`);
    assert.ok(across >= Math.min(n, 8));
  }
});
