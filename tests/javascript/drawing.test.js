import assert from "node:assert/strict";
import test from "node:test";

import { isNear, readStrokes } from "../../pages/parts/components/drawing_pad/strokes.js";
import { Decoder, Field, fromHalf } from "../../pages/parts/components/plane_pad/decoder.js";
import { codeAt, coordinatesOf } from "../../pages/parts/components/plane_pad/plane.js";
import { contrast, readable, rgb } from "../../pages/parts/components/shared/colours.js";
import { boxOf } from "../../pages/parts/components/shared/image_sheets.js";
import { interleaved, tileOf, wrapped } from "../../pages/parts/components/shared/levels.js";
import { nameOf, percent, signed } from "../../pages/parts/components/shared/words.js";
import { numbers, times } from "./random.js";

test("strokes come back as they were, and what is none is left out", () => {
  const good = { w: 0.09, c: "#10aBff", p: [0, 0, 0.5, 0.25] };
  assert.deepEqual(readStrokes(JSON.stringify([good])), [good]);
  const bad = [null, 7, {}, { ...good, w: "1" }, { ...good, c: "red" }, { ...good, p: [1] }, { ...good, p: [1, 2, 3] },
    { ...good, p: [1, null] }, { ...good, p: [] }];
  assert.deepEqual(readStrokes(JSON.stringify([...bad, good])), [good]);
  for (const text of ["", "{", "{}", "7", "null"]) assert.deepEqual(readStrokes(text), []);
});

test("a point that adds nothing to a stroke is near its last one", () => {
  assert.equal(isNear([0.9, 0.9, 0.1, 0.1], 0.1, 0.103), true);
  assert.equal(isNear([0.1, 0.1, 0.9, 0.9], 0.1, 0.103), false);
});

test("half numbers are read as the language reads them, all 65,536", () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const read = fromHalf(halves);
  const view = new Float16Array(halves.buffer);
  halves.forEach((h) => {
    if ((h >> 10 & 31) !== 31) assert.equal(read[h], view[h]); // no weight is infinite
  });
});

test("the decoder of the browser is matrices, ReLU, and a sigmoid at the end", () => {
  times(10, (next) => {
    const [n_y, n_z, hidden, out] = [3, 2, 5, 4];
    const sizes = [n_y + n_z, hidden, out];
    const weights = Float32Array.from(numbers(next, hidden * sizes[0] + hidden + out * hidden + out));
    const decoder = new Decoder(weights.buffer, { sizes, n_y, half: false });
    const z = Float32Array.from(numbers(next, n_z));
    const layer = (x, at, n, m, f) => Array.from({ length: m }, (_, o) =>
      f(x.reduce((sum, v, i) => sum + weights[at + o * n + i] * v, weights[at + n * m + o])));
    [2, 0].forEach((k, i) => {
      const x = [0, 1, 2].map((c) => Number(c === k)).concat(...z);
      const h = layer(x, 0, sizes[0], hidden, (v) => Math.max(0, v));
      const expected = layer(h, hidden * sizes[0] + hidden, hidden, out, (v) => 255 / (1 + Math.exp(-v)));
      decoder.pictures(z, [2, 0])[i].forEach((v, o) => assert.ok(Math.abs(v - expected[o]) < 1e-3));
    });
  });
  assert.throws(() => new Decoder(new Float32Array(3).buffer, { sizes: [2, 2], n_y: 0, half: false }), /not whole/);
});

test("at the pictures that were drawn a plane shows them, between them a mixture", () => {
  const [side, h, w, reach] = [3, 2, 2, 3];
  const values = Uint8Array.from({ length: 2 * side * side * h * w }, (_, i) => i * 5 % 251);
  const sheet = { values, width: side * w, channels: 1 };
  const field = new Field(sheet, { side }, [h, w], reach);
  const near = (a, b) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-3, `${v} is not ${b[i]}`));
  for (const row of [0, 1]) {
    for (const i of [0, 1, 2]) {
      for (const j of [0, 1, 2]) { // rows of a sheet go down, the plane goes up
        near(field.pictures((j - 1) * reach, (1 - i) * reach, [row])[0], tileOf(sheet, [h, w], row * side + i, j));
      }
    }
    const [a, b] = [tileOf(sheet, [h, w], row * side + 1, 1), tileOf(sheet, [h, w], row * side + 1, 2)];
    near(field.pictures(reach / 2, 0, [row])[0], a.map((v, p) => (v + b[p]) / 2));
  }
  near(field.pictures(99, 0, [0])[0], field.pictures(reach, 0, [0])[0]);
});

test("dragging by so much of the axes moves by so much on the plane", () => {
  times(50, (next) => {
    const angle = 6 * next();
    const axes = [[Math.cos(angle), Math.sin(angle), 0], [-Math.sin(angle), Math.cos(angle), 0]];
    const plane = { start: numbers(next, 3), centre: numbers(next, 3), axes, scale: [0.5 + next(), 0.5 + next()] };
    const start = coordinatesOf(plane, codeAt(plane, [0, 0], []));
    const moved = numbers(next, 2, -3, 3);
    coordinatesOf(plane, codeAt(plane, moved, [])).forEach((v, a) => assert.ok(Math.abs(v - start[a] - moved[a]) < 1e-5));
    coordinatesOf(plane, codeAt(plane, moved, [[2, 5]])).forEach((v, a) => assert.ok(Math.abs(v - start[a] - moved[a]) < 1e-5,
      "a dimension that is not in the plane moves nothing on it"));
    assert.ok(Math.abs(codeAt(plane, [0, 0], [[2, 5]])[2] - plane.start[2] - 5) < 1e-5);
  });
});

test("tiles of a sheet are found by row and column, colours pixel by pixel", () => {
  const sheet = { values: Uint8Array.from({ length: 4 * 6 }, (_, i) => i), width: 6, channels: 1 };
  assert.deepEqual([...tileOf(sheet, [2, 3], 1, 1)], [15, 16, 17, 21, 22, 23]);
  assert.deepEqual([...interleaved(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2])], [1, 3, 5, 2, 4, 6]);
  const grey = Float32Array.of(1, 2);
  assert.equal(interleaved(grey, [1, 2]), grey);
  const sheets = { urls: ["a", "b"], tile: [10, 20], columns: 3, each: 6 };
  assert.deepEqual(boxOf(sheets, 4), { url: "a", x: 20, y: 10, w: 20, h: 10 });
  assert.deepEqual(boxOf(sheets, 6), { url: "b", x: 0, y: 0, w: 20, h: 10 });
  assert.equal(boxOf(sheets, 12).url, undefined);
});

test("no line is wider than its room, unless a single word is; no word is lost", () => {
  times(50, (next) => {
    const words = Array.from({ length: 1 + Math.floor(30 * next()) }, () => "x".repeat(1 + Math.floor(14 * next())));
    const lines = wrapped((line) => line.length, words.join(" "), 12);
    assert.deepEqual(lines.join(" ").split(" "), words);
    for (const line of lines) assert.ok(line.length <= 12 || !line.includes(" "));
  });
});

test("no class is written as certain or impossible, and a zero has no sign", () => {
  assert.deepEqual([1, 0.99996, 0.999, 0.994, 0.5, 0.0996, 0.012, 0].map(percent),
    ["> 99.9 %", "> 99.9 %", "99.9 %", "99.4 %", "50.0 %", "10.0 %", "1.2 %", "< 0.1 %"]);
  assert.deepEqual([-0.001, -1.5, 2, 0].map((v) => signed(v)), ["0.00", "−1.50", "2.00", "0.00"]);
  assert.deepEqual([nameOf(7, 0), nameOf(-1, 2)], ["Training image 7, labelled", "Test image 0"]);
});

test("the contrast of two colours, and marks that stand out on either ground", () => {
  assert.ok(Math.abs(contrast([0, 0, 0], [255, 255, 255]) - 21) < 1e-9);
  assert.equal(contrast([9, 99, 199], [9, 99, 199]), 1);
  for (const [back, text] of [["#14161c", "#e6e8ee"], ["#ffffff", "#14161c"]].map((two) => two.map(rgb))) {
    for (const colour of ["#2f55ff", "#7f5a92", "#c8001e", "#ffffff", "#000000"].map(rgb)) {
      assert.ok(contrast(readable(colour, { back, text }), back) >= 4);
    }
  }
});
