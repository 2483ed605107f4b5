import assert from "node:assert/strict";
import test from "node:test";

import { clearHeight, pathOf } from "../../pages/parts/components/flow/edges.js";
import { apart, columnsOf, downstream, ellipseOf, likeliest, normal } from "../../pages/parts/components/flow/graph.js";
import { numbers, times } from "./random.js";

const M2 = [["x", "y"], ["x", "z"], ["y", "p"], ["z", "p"]];
const ADGM = [["x", "a"], ["a", "y"], ["x", "y"], ["a", "z"], ["y", "z"], ["x", "z"], ["y", "p"], ["z", "p"]];
const M1 = [["x", "z"], ["z", "y", true], ["z", "p"]];

test("a node stands to the right of what it comes from, z below the class that it is given", () => {
  assert.deepEqual(columnsOf(["x", "y", "z", "p"], M2), [["x"], ["y", "z"], ["p"]]);
  assert.deepEqual(columnsOf(["x", "y", "z", "p"], [...M2, ["y", "z"]]), [["x"], ["y", "z"], ["p"]]);
  assert.deepEqual(columnsOf(["x", "a", "y", "z", "p"], ADGM), [["x"], ["a"], ["y", "z"], ["p"]]);
  assert.deepEqual(columnsOf(["x", "y", "z", "p"], M1), [["x"], ["z"], ["y", "p"]]);
  assert.deepEqual(columnsOf(["x", "y"], [["x", "y"]]), [["x"], ["y"]]);
});

test("what changed goes on along every edge downstream, and along no other", () => {
  const lit = (edges, node) => downstream(edges, node).map(([a, b]) => a + b).sort().join(" ");
  assert.equal(lit(M2, "z"), "zp");
  assert.equal(lit(M2, "y"), "yp");
  assert.equal(lit(ADGM, "y"), "yp yz zp");
  assert.equal(lit(ADGM, "a"), "ay az yp yz zp");
  assert.equal(lit(ADGM, "x").split(" ").length, ADGM.length);
  assert.equal(lit(M1, "p"), "");
});

test("the ellipse has the variances that the Gaussian has along every direction of the plane", () => {
  times(50, (next) => {
    const [angle, sd] = [6 * next(), numbers(next, 3).map((v) => 0.1 + Math.abs(v))];
    const axes = [[Math.cos(angle), Math.sin(angle), 0], [0, 0, 1]];
    const scale = [0.5 + next(), 0.5 + next()];
    const { rx, ry, angle: turned } = ellipseOf({ axes, scale }, sd);
    const along = [axes[0].reduce((s, v, i) => s + (v * sd[i]) ** 2, 0) / scale[0] ** 2, (sd[2] / scale[1]) ** 2];
    const [c, s] = [Math.cos(turned), Math.sin(turned)];
    assert.ok(Math.abs((rx * c) ** 2 + (ry * s) ** 2 - along[0]) < 1e-9);
    assert.ok(Math.abs((rx * s) ** 2 + (ry * c) ** 2 - along[1]) < 1e-9);
  });
  const diagonal = ellipseOf({ axes: [[1, 0], [Math.SQRT1_2, Math.SQRT1_2]], scale: [1, 1] }, [1, 0]);
  assert.ok(diagonal.ry < 1e-6 && diagonal.angle > 0);
});

test("draws are standard normal", () => {
  const drawn = [];
  times(4000, (next) => drawn.push(normal(next)));
  const mean = drawn.reduce((s, v) => s + v, 0) / drawn.length;
  const variance = drawn.reduce((s, v) => s + (v - mean) ** 2, 0) / drawn.length;
  assert.ok(Math.abs(mean) < 0.1 && Math.abs(variance - 1) < 0.15, `${mean}, ${variance}`);
});

test("the likeliest is the first of equals, and pictures differ by their mean level", () => {
  assert.equal(likeliest([0.2, 0.4, 0.4]), 1);
  assert.equal(apart([0, 255], [255, 255]), 0.5);
});

test("a long edge passes clear of the nodes between, and a stacked one beside them", () => {
  const [from, a, to] = [[0, 200], [200, 180], [400, 0]].map(([x, y]) => ({ x, y, w: 100, h: 200 }));
  const y = clearHeight(to, [a], 190);
  assert.ok(y < a.y - 7 && y > to.y);
  assert.match(pathOf(from, to, { place: 0, of: 1, between: [a], stacked: false, next: false, lane: 1 }), /H398$/);
  assert.match(pathOf(from, { ...to, x: 0, y: 500 }, { place: 0, of: 1, between: [], stacked: true, next: true, lane: 0 }), /^M50 400V498$/);
  assert.match(pathOf(from, { ...to, x: 0, y: 900 }, { place: 1, of: 2, between: [], stacked: true, next: false, lane: 1 }), /C-14 /);
});
