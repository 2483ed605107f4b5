import assert from "node:assert/strict";
import test from "node:test";

import { certainty, entries, isShown, keyOf, legendCounts, marks, shaded }
  from "../../pages/parts/components/latent_map/colouring.js";
import { filterAfter, histogram } from "../../pages/parts/components/latent_map/legend.js";
import { css, inkOf, isDark, mix, paperOf, ramp, rgb } from "../../pages/parts/components/shared/colours.js";
import { numbers, times } from "./random.js";

test("a colour is the same as #rrggbb, as rgb() and as rgba()", () => {
  times(100, (next) => {
    const colour = numbers(next, 3, 0, 255.99).map(Math.floor);
    const hex = `#${colour.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
    assert.deepEqual(rgb(hex), colour);
    assert.deepEqual(rgb(` ${hex.toUpperCase()} `), colour);
    assert.deepEqual(rgb(`rgb(${colour.join(", ")})`), colour);
    assert.deepEqual(rgb(css(colour, 0.5)), colour);
  });
  assert.deepEqual(rgb("tomato"), [128, 128, 128]);
  assert.deepEqual(rgb(""), [128, 128, 128]);
});

test("a mixture begins with one, ends with the other, and stays between", () => {
  times(50, (next) => {
    const [a, b] = [numbers(next, 3, 0, 255), numbers(next, 3, 0, 255)];
    assert.deepEqual(mix(a, b, 0), a);
    mix(a, b, 1).forEach((v, i) => assert.ok(Math.abs(v - b[i]) < 1e-9));
    mix(a, b, next()).forEach((v, i) => assert.ok(v >= Math.min(a[i], b[i]) - 1e-9 && v <= Math.max(a[i], b[i]) + 1e-9));
  });
});

test("a ramp passes its stops at even places and is held at its ends", () => {
  const stops = [[0, 0, 0], [100, 0, 50], [255, 255, 0]];
  stops.forEach((stop, i) => ramp(stops, i / 2).forEach((v, c) => assert.ok(Math.abs(v - stop[c]) < 1e-9)));
  assert.deepEqual(ramp(stops, 0.25), [50, 0, 25]);
  assert.deepEqual(ramp(stops, -3), stops[0]);
  assert.deepEqual(ramp(stops, 7), stops[2]);
  assert.deepEqual(ramp(stops, NaN), stops[0]);
});

test("a page is dark or light, and a grey image is drawn in the colour of its class, or else in that of the text", () => {
  assert.deepEqual([isDark([14, 17, 23]), isDark([255, 255, 255])], [true, false]);
  const theme = { text: [100, 100, 100], back: [200, 200, 200] };
  assert.deepEqual([inkOf("#0000ff", theme), inkOf(undefined, theme)], [[0, 0, 255], [100, 100, 100]]);
  assert.deepEqual(paperOf(theme), [195, 195, 195]);
});

const D = { classes: ["a", "b", "c"], colours: ["#ff0000", "#00ff00", "#0000ff"], right: "#0000fe", wrong: "#fe0000",
  grey: "#808080", entropy: { light: ["#ffffff", "#000000"], dark: ["#000000", "#ffffff"] },
  modes: ["class", "sure", "predicted", "right", "kind", "entropy"] };

function cloud(next, n = 60) {
  const whole = (most) => Array.from(numbers(next, n, 0, most), Math.floor);
  return { n, id: [...Array(n).keys()].map((i) => 7 * i), true: whole(3), predicted: whole(3), kind: whole(3),
    sure: numbers(next, n, 1 / 3, 1), entropy: numbers(next, n, 0, Math.log(3)), there: null };
}

const open = { mode: "class", filter: {}, lasso: null };

test("every way of colouring has an entry for every point", () => {
  times(10, (next) => {
    const points = cloud(next);
    for (const mode of D.modes.filter((m) => m !== "entropy")) {
      const keys = entries(mode, D).map((e) => e.k);
      for (let i = 0; i < points.n; i++) assert.ok(keys.includes(keyOf(points, mode, i)), `${mode} ${keyOf(points, mode, i)}`);
    }
  });
  const one = { true: [2], predicted: [1], kind: [0] };
  assert.deepEqual(["class", "predicted", "sure", "right", "kind"].map((m) => keyOf(one, m, 0)), [2, 1, 2, 1, 0],
    "a labelled image counts as its class where it gets sure");
});

test("filters hide what they do not want, together with a lasso, whatever the order", () => {
  times(60, (next) => {
    const points = cloud(next);
    const filter = { class: new Set([0, 2]), entropy: 0.4, kind: new Set([1, 2]) };
    const lasso = new Set(points.id.filter(() => next() > 0.3));
    const group = { mode: "class", filter, lasso };
    const { visible } = shaded(points, group, D, false);
    for (let i = 0; i < points.n; i++) {
      const wanted = points.true[i] !== 1 && points.entropy[i] >= 0.4 && points.kind[i] !== 0 && lasso.has(points.id[i]);
      assert.equal(Boolean(visible[i]), wanted);
    }
    assert.ok(isShown(points, { filter: { predicted: new Set() }, lasso: null }, ["class"], 0),
      "a filter by what these points do not have does not count");
    points.there = new Uint8Array(points.n);
    assert.ok(!isShown(points, open, D.modes, 0), "not in the film");
  });
});

test("what is hidden lies below, labelled images and mistakes lie above", () => {
  times(30, (next) => {
    const points = cloud(next);
    const { order, visible } = shaded(points, { ...open, mode: "right", filter: { class: new Set([0, 1]) } }, D, false);
    assert.deepEqual([...order].sort((a, b) => a - b), [...Array(points.n).keys()], "everybody once");
    const level = (i) => 100 * visible[i] + 10 * (points.kind[i] === 0) + (points.true[i] !== points.predicted[i]);
    [...order].slice(1).forEach((i, k) => assert.ok(level(i) >= level(order[k])));
  });
});

test("a cross for each test image that is shown and predicted wrong, where the class predicted is the colour", () => {
  times(30, (next) => {
    const points = cloud(next);
    const wrong = [...Array(points.n).keys()].filter((i) => points.kind[i] === 2 && points.true[i] !== points.predicted[i]);
    for (const mode of D.modes) {
      const { crossed } = shaded(points, { ...open, mode }, D, false);
      assert.deepEqual(crossed, ["sure", "predicted"].includes(mode) ? wrong : [], mode);
    }
    const some = shaded(points, { mode: "sure", filter: { class: new Set([1]) }, lasso: null }, D, false);
    assert.deepEqual(some.crossed, wrong.filter((i) => points.true[i] === 1));
    const [faded, plain] = ["sure", "predicted"].map((mode) => shaded(points, { ...open, mode }, D, false).firm);
    assert.ok(wrong.every((i) => plain[i] === 256), "drawn firmly where the colour does not say how sure the model is");
    const surest = [...wrong].sort((a, b) => points.sure[a] - points.sure[b]);
    surest.slice(1).forEach((i, k) => assert.ok(faded[i] >= faded[surest[k]] && faded[i] <= 256, "the surer, the firmer"));
    assert.ok(wrong.every((i) => faded[i] > 80), "and never unseen");
  });
});

test("the legend names the marks that are drawn", () => {
  const names = (mode, ringed, tested) => marks(mode, { ringed, tested }).map(({ mark }) => mark).join();
  assert.deepEqual(["sure", "predicted", "class", "kind"].map((m) => names(m, true, true)), ["ring,cross", "ring,cross", "ring", ""]);
  assert.deepEqual([names("sure", false, true), names("sure", true, false)], ["cross", "ring"]);
});

test("points have the colours of their entries, and grow from grey as they get sure", () => {
  const points = { n: 3, id: [1, 2, 3], true: [0, 1, 2], predicted: [0, 1, 2], kind: [0, 1, 1], sure: [0.4, 1, 1 / 3],
    entropy: [0, Math.log(3), 0], there: null };
  const colours = (mode, dark = false) => {
    const colour = Array.from(shaded(points, { ...open, mode }, D, dark).colour);
    return [0, 1, 2].map((i) => colour.slice(3 * i, 3 * i + 3));
  };
  assert.deepEqual(colours("class"), [[255, 0, 0], [0, 255, 0], [0, 0, 255]]);
  assert.deepEqual(colours("right"), [[0, 0, 254], [0, 0, 254], [0, 0, 254]]);
  assert.deepEqual(colours("sure"), [[255, 0, 0], [0, 255, 0], [128, 128, 128]]);
  assert.deepEqual(colours("entropy"), [[255, 255, 255], [0, 0, 0], [255, 255, 255]]);
  assert.deepEqual(colours("entropy", true)[1], [255, 255, 255]);
  assert.deepEqual([0, 1, 2].map((i) => certainty(points, i, 3)), [1, 1, 0]);
});

test("the legend counts what one would get by its own filter", () => {
  times(30, (next) => {
    const points = cloud(next);
    const group = { mode: "class", filter: { class: new Set([1]), kind: new Set([2]) }, lasso: null };
    const counts = legendCounts(points, shaded(points, group, D, false).visible, group, D.modes);
    for (const k of [0, 1, 2]) {
      const expected = points.true.filter((t, i) => t === k && points.kind[i] === 2).length;
      assert.equal(counts[k] ?? 0, expected);
    }
    assert.deepEqual(Object.keys(group.filter), ["class", "kind"], "the filters are as they were");
  });
});

test("a click on the legend shows one, again all; with Shift some", () => {
  assert.deepEqual(filterAfter(undefined, 1, false, 3), new Set([1]));
  assert.equal(filterAfter(new Set([1]), 1, false, 3), null);
  assert.deepEqual(filterAfter(new Set([1]), 2, false, 3), new Set([2]));
  assert.deepEqual(filterAfter(new Set([1]), 2, true, 3), new Set([1, 2]));
  assert.deepEqual(filterAfter(new Set([1, 2]), 2, true, 3), new Set([1]));
  assert.equal(filterAfter(new Set([1, 2]), 0, true, 3), null, "all of them is no filter");
  assert.deepEqual(filterAfter(undefined, 0, true, 3), new Set([0]));
});

test("every entropy is in one bin", () => {
  const bins = histogram([0, 0.001, Math.log(3)], Math.log(3));
  assert.equal(bins.reduce((a, b) => a + b), 3);
  assert.deepEqual([bins[0], bins.at(-1)], [2, 1]);
});
