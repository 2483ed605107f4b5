import assert from "node:assert/strict";
import test from "node:test";

import { closest, MARGIN, nearestX, nice, rangeY, scalesOf, settled, valuesAt, wholeX, zoomWithin }
  from "../../pages/parts/components/live_chart/scales.js";
import { describe, inBrackets, latest, nameOf, valueAt, valueOf } from "../../pages/parts/components/live_chart/words.js";
import { roundStep, short, ticks } from "../../pages/parts/components/shared/ticks.js";
import { numbers, times } from "./random.js";

const line = (next, n, g = 0, k = 0) => ({ x: numbers(next, n, 0, 50).sort((a, b) => a - b), y: numbers(next, n, -3, 9), g, k });
const none = { marks: [], yMin: null, yMax: null, skip: -Infinity, old: null };

test("ticks are round, even, in order, all within the range, and about as many as there is room for", () => {
  times(500, (next) => {
    const low = (next() - 0.5) * 10 ** (8 * next() - 4);
    const high = low + 10 ** (8 * next() - 4);
    const about = 1 + 12 * next();
    const found = ticks(low, high, about);
    const step = roundStep(high - low, about);
    assert.ok([1, 2, 5].some((m) => Math.abs(Math.log10(step / m) % 1) < 1e-9 || Math.abs(Math.abs(Math.log10(step / m) % 1) - 1) < 1e-9));
    for (const [i, t] of found.entries()) {
      assert.ok(t >= low - step * 1e-6 && t <= high + step * 1e-5, `${t} of ${low} to ${high}`);
      if (i) assert.ok(Math.abs(t - found[i - 1] - step) < step * 1e-6);
    }
    assert.ok(found.length <= about + 1.01 && found.length >= about / 2.6 - 1.01, `${found.length} for about ${about}`);
  });
  assert.deepEqual(ticks(0, 100, 5).map((t) => t + 0), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(ticks(-1, 1, 4).map((t) => t + 0), [-1, -0.5, 0, 0.5, 1]);
});

test("a nice range holds the range and is not much wider", () => {
  times(300, (next) => {
    const low = (next() - 0.5) * 200;
    const high = low + 1e-3 + 100 * next();
    const [a, b] = nice(low, high);
    assert.ok(a <= low + 1e-6 && b >= high - 1e-6);
    assert.ok(b - a <= 2 * (high - low));
  });
});

test("numbers are short, with a true minus sign", () => {
  assert.deepEqual([0, -2.5, 0.1 + 0.2, 123456.7, 1e-7].map(short), ["0", "−2.5", "0.3", "123460", "1e−7"]);
});

test("the nearest of sorted values is that of a search through all", () => {
  times(300, (next) => {
    const { x: xs } = line(next, 1 + Math.floor(next() * 30));
    const at = next() * 60 - 5;
    const least = Math.min(...xs.map((v) => Math.abs(v - at)));
    assert.equal(Math.abs(xs[closest(xs, at)] - at), least);
  });
  assert.equal(closest([1, 3], 2), 0, "the lower of two");
});

test("the cross-hair stands on the nearest recorded point of all lines", () => {
  times(100, (next) => {
    const lines = Array.from({ length: 3 }, () => line(next, 8));
    const at = next() * 50;
    const all = lines.flatMap((l) => l.x);
    assert.equal(Math.abs(nearestX(lines, at) - at), Math.min(...all.map((v) => Math.abs(v - at))));
    const values = valuesAt(lines, at, 4);
    assert.deepEqual(values.map((v) => v.y), values.map((v) => v.y).sort((a, b) => b - a), "the highest first");
    for (const l of lines) assert.equal(values.some((v) => v.line === l), l.x.some((v) => Math.abs(v - at) <= 4));
  });
  assert.equal(nearestX([], 3), null);
});

test("the whole of x goes from 0 to the end of the longest line, or farther if it is known to", () => {
  assert.deepEqual(wholeX([{ x: [1, 7] }, { x: [3] }, { x: [] }], null), [0, 7]);
  assert.deepEqual(wholeX([{ x: [1, 7] }], 20), [0, 20]);
  assert.deepEqual(wholeX([], null), [0, 1]);
});

test("the range of y holds every value and mark that is in sight", () => {
  times(200, (next) => {
    const lines = [line(next, 9), line(next, 5)];
    const x = [10 * next(), 20 + 30 * next()];
    const marks = [{ y: 12 * next() }];
    const [low, high] = rangeY(lines, { ...none, marks }, x);
    const seen = [marks[0].y, ...lines.flatMap((l) => l.y.filter((_, i) => l.x[i] >= x[0] && l.x[i] <= x[1]))];
    for (const y of seen) assert.ok(y >= low && y <= high);
    assert.ok(high - low <= 2.5 * (Math.max(...seen) - Math.min(...seen)) + 2, "and not much more");
  });
  assert.equal(rangeY([], none, [0, 1]), null);
  assert.deepEqual(rangeY([{ x: [1], y: [50] }], { ...none, yMin: 0, yMax: 100 }, [0, 2]).map(Number.isFinite), [true, true]);
});

test("the band around a mean is in sight, and is said with it", () => {
  const mean = { x: [0, 1], y: [90, 94], low: [70, 92.5], high: [95, 99], g: 0, k: 0 };
  const [low, high] = rangeY([mean], none, [0, 1]);
  assert.ok(low <= 70 && high >= 99);
  assert.equal(valueAt(mean, 1, { digits: 1, unit: "%" }), "94.0 % (92.5–99.0)");
  assert.equal(valueAt({ x: [1], y: [94] }, 0, { digits: 1, unit: "%" }), "94.0 %");
});

test("the range of y does not jump: it grows at once, and shrinks when most of it is empty", () => {
  const of = (y, old) => rangeY([{ x: [0, 1], y }], { ...none, old }, [0, 1]);
  const wide = of([0, 10], null);
  assert.equal(of([0.5, 9], wide), wide);
  assert.ok(of([0, 20], wide)[1] > 20);
  assert.ok(of([4, 5], wide)[1] < wide[1]);
});

test("a first value far off does not flatten what follows, unless it is all there is", () => {
  const first = { x: [0, 10, 20], y: [900, 5, 4] };
  assert.ok(rangeY([first], { ...none, skip: 0.6 }, [0, 20])[1] < 10);
  assert.ok(rangeY([{ x: [0], y: [900] }], { ...none, skip: 0.6 }, [0, 20])[1] >= 900);
});

test("the start is left out only where the last three quarters of all that is recorded lie above the level", () => {
  const x = [0, 10, 20, 30, 40];
  const high = { x, y: [10, 51, 60, 80, 90] };
  assert.equal(settled([high], 50), 10);
  assert.ok(rangeY([high], { ...none, skip: settled([high], 50) }, [0, 40])[0] >= 40);
  assert.equal(settled([high, { x, y: [10, 60, 60, 50, 90] }], 50), null, "one that comes down again counts");
  assert.equal(settled([high, { x: [0, 5], y: [10, 20] }], 50), null, "so does one that has ended low before");
  assert.equal(settled([high], null), null);
  assert.equal(settled([], 50), null);
});

test("a chart says where its axis begins, if that is to be said", () => {
  assert.equal(inBrackets("%", 60), " (%, axis from 60)");
  assert.equal(inBrackets("%", null), " (%)");
  assert.equal(inBrackets("", null), "");
});

test("a zoom stays within the whole, and too little of it is none", () => {
  assert.deepEqual(zoomWithin([-5, 10], [0, 20]), [0, 10]);
  assert.equal(zoomWithin([-5, 30], [0, 20]), null);
  assert.equal(zoomWithin([5, 5.001], [0, 20]), undefined);
});

test("values to pixels and back, within the margins", () => {
  times(100, (next) => {
    const s = scalesOf(400 + 500 * next(), 300, [1, 5 + next()], [-2, 3]);
    const x = 1 + next();
    assert.ok(Math.abs(s.at(s.px(x)) - x) < 1e-9);
    assert.equal(s.px(1), MARGIN.left);
    assert.ok(Math.abs(s.px(s.x1) - (s.width - MARGIN.right)) < 1e-9);
    assert.equal(s.py(3), MARGIN.top);
    assert.ok(s.py(-2) > s.py(0), "what is more is higher");
  });
});

test("a chart says in words what it shows", () => {
  const data = { title: "Test accuracy", unit: "%", x_title: "Epoch", digits: 1, empty: "Nothing yet",
    groups: [{ name: "M2" }, { name: "ADGM" }], kinds: [{ name: "test" }, { name: "labelled" }],
    lines: [{ g: 0, k: 0, x: [1, 2], y: [70, 81.26] }, { g: 1, k: 1, x: [2], y: [-3] }, { g: 1, k: 0, x: [], y: [] }] };
  assert.equal(valueOf(-3, data), "−3.0 %");
  assert.equal(nameOf(data.lines[1], data), "ADGM, labelled");
  assert.equal(nameOf(data.lines[0], { groups: [{ name: "M2" }], kinds: [{ name: "" }] }), "M2");
  assert.equal(latest(0, data), "81.3", "the title says the unit");
  assert.equal(latest(1, data), "", "the kind that is named first has no value yet");
  assert.match(describe(data), /^Test accuracy in % by epoch\. M2, test: 81\.3 % at epoch 2; ADGM, labelled: −3\.0 % at epoch 2\./);
  assert.match(describe({ ...data, lines: [] }), /Nothing yet/);
  assert.match(describe({ ...data, marks: [{ name: "SVM", y: 85.8 }] }), / SVM: 85\.8 %\. Arrow keys/);
});
