import assert from "node:assert/strict";
import test from "node:test";

import { fitted, toScreen, WHOLE } from "../../pages/parts/components/latent_map/camera.js";
import { scaleAsSvg, scaleOf } from "../../pages/parts/components/latent_map/scale.js";
import { correct } from "../../pages/parts/components/latent_map/status.js";

const frame = { width: 700, height: 400, span: [1, 1] };

function sceneOf(x, y, more = {}) {
  const { fit, span } = fitted(x, y);
  return { points: { n: x.length, fit }, frame: { ...frame, span }, view: { ...WHOLE }, axes: ["z1", "z<2"], busy: false, ...more };
}

test("a number of the scale stands where a point of that value is drawn", () => {
  for (const [low, high] of [[-3, 5], [100, 140], [-0.02, 0.01]]) {
    for (const view of [WHOLE, { x: 0.3, y: -0.2, zoom: 4 }]) {
      const scene = sceneOf([low, high], [low / 2, high], { view });
      const { words, lines } = scaleOf(scene);
      const numbers = words.filter((w) => !w.name);
      assert.ok(numbers.length >= 4, "there are some");
      const { cx, cy, half } = scene.points.fit;
      for (const { at, text, anchor } of numbers) {
        const value = Number(text.replace("−", "-"));
        const [x, y] = toScreen(scene.frame, view, (value - cx) / half, (value - cy) / half);
        if (anchor === "middle") assert.ok(Math.abs(at[0] - x) < 0.1, `${text} at ${at[0]}, not ${x}`);
        else assert.ok(Math.abs(at[1] - y) < 5, `${text} at ${at[1]}, not ${y}`);
      }
      for (const { from, to } of lines) assert.ok(from[0] === to[0] || from[1] === to[1]);
    }
  }
  assert.deepEqual(scaleOf(sceneOf([0, 1], [0, 1])).words.filter((w) => w.name).map((w) => w.text), ["z1", "z<2"]);
});

test("axes without a unit have no scale, and names cannot write SVG", () => {
  assert.deepEqual(scaleOf(sceneOf([0, 1], [0, 1], { axes: [] })), { lines: [], words: [] });
  const theme = { back: [255, 255, 255], text: [0, 0, 0] };
  assert.ok(scaleAsSvg({ ...sceneOf([0, 1], [0, 1]), theme }, (t) => t.replace("<", "&lt;")).includes(">z&lt;2<"));
});

test("of the test images shown those that are predicted correctly are counted", () => {
  const points = { n: 5, kind: [2, 2, 2, 0, 2], true: [1, 1, 1, 1, 1], predicted: [1, 2, 1, 1, 1] };
  assert.deepEqual(correct(points, [1, 1, 1, 1, 0], { modes: ["right"] }), { share: 2 / 3, words: "2 of the 3 test images shown correct" });
  assert.equal(correct(points, [0, 0, 0, 1, 0], { modes: ["right"] }), null, "none is shown");
  assert.equal(correct(points, [1, 1, 1, 1, 1], { modes: [] }), null, "no predictions");
});
