import assert from "node:assert/strict";
import test from "node:test";

import { bands, blend, cross, disc } from "../../pages/parts/components/latent_map/dots.js";
import { numbers, times } from "./random.js";

const WHITE = 0xffffffff | 0;
const channels = (pixel) => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255];

test("a disc covers as much as a circle does, wherever in a pixel its middle is", () => {
  for (const radius of [1, 2.5, 4, 7.125]) {
    for (const { cover } of disc(radius).masks) {
      const area = cover.reduce((a, b) => a + b) / 256;
      assert.ok(Math.abs(area / (Math.PI * radius ** 2) - 1) < 0.15, `${area} for a radius of ${radius}`);
    }
  }
  assert.equal(disc(3), disc(3), "each is made once");
});

test("the middle of an opaque disc has its colour, and far away nothing has changed", () => {
  const pixels = new Int32Array(40 * 30).fill(WHITE);
  blend(pixels, 40, 0, 30, disc(4), 20, 15, 200, 30, 90, 256);
  assert.deepEqual(channels(pixels[15 * 40 + 20]), [200, 30, 90]);
  assert.equal(pixels[0], WHITE);
  assert.ok(pixels.every((p) => (p >>> 24) === 255), "every pixel stays opaque");
});

test("a cross has four equal arms and leaves what is between them", () => {
  const pixels = new Int32Array(41 * 41).fill(WHITE);
  blend(pixels, 41, 0, 41, cross(6, 1.5), 20, 20, 0, 0, 0, 256);
  const at = (x, y) => channels(pixels[(20 + y) * 41 + 20 + x])[0];
  for (const [a, b] of [[1, 1], [1, -1], [-1, 1], [-1, -1]]) {
    for (const k of [0, 3, 6]) assert.ok(at(a * k, b * k) < 60, "the strokes reach the corners");
    assert.equal(at(8 * a, 8 * b), 255, "and no farther");
    assert.equal(at(3 * a, 0) + at(0, 3 * b), 510);
  }
  const area = cross(6, 1.5).masks[0].cover.reduce((a, b) => a + b) / 256;
  assert.ok(Math.abs(area / (2 * 1.5 * (12 * Math.SQRT2 + 1.5)) - 1) < 0.15, `${area}`);
});

test("a faint disc lies between what was there and its colour", () => {
  times(50, (next) => {
    const pixels = new Int32Array(20 * 20).fill(WHITE);
    const colour = numbers(next, 3, 0, 255.99).map(Math.floor);
    blend(pixels, 20, 0, 20, disc(3), 6 + 8 * next(), 6 + 8 * next(), ...colour, Math.floor(256 * next()));
    for (const p of pixels) channels(p).forEach((v, c) => assert.ok(v >= colour[c] - 2 && v <= 255));
  });
});

test("discs at the edge and beyond it touch nothing on the other side", () => {
  times(100, (next) => {
    const pixels = new Int32Array(20 * 20).fill(WHITE);
    const [x, y] = numbers(next, 2, -12, 32);
    blend(pixels, 20, 0, 20, disc(4), x, y, 0, 0, 0, 256);
    pixels.forEach((p, at) => {
      if (Math.hypot(at % 20 - x, Math.floor(at / 20) - y) > 5.5) assert.equal(p, WHITE);
    });
  });
});

test("band by band the picture is the same as all at once", () => {
  times(20, (next) => {
    const [n, width, height] = [80, 60, 200];
    const [x, y] = [Float32Array.from(numbers(next, n, -8, width + 8)), Float32Array.from(numbers(next, n, -8, height + 8))];
    const order = Uint32Array.from([...Array(n).keys()].sort(() => next() - 0.5));
    const mask = disc(5);
    const colour = (i) => [i * 3 % 256, i * 7 % 256, i * 11 % 256];
    const [once, banded] = [new Int32Array(width * height).fill(WHITE), new Int32Array(width * height).fill(WHITE)];
    for (const i of order) blend(once, width, 0, height, mask, x[i], y[i], ...colour(i), 200);
    const parts = bands(order, y, height, mask.half + 1);
    for (const { top, bottom, points } of parts) {
      for (const i of points) blend(banded, width, top, bottom, mask, x[i], y[i], ...colour(i), 200);
    }
    assert.deepEqual(banded, once);
    assert.deepEqual([parts[0].top, parts.at(-1).bottom], [0, height]);
    parts.slice(1).forEach((part, k) => assert.equal(part.top, parts[k].bottom));
  });
});
