import assert from "node:assert/strict";
import test from "node:test";

import { Film, Reader, Writer, read, spread, written } from "../../pages/parts/components/plane/film.js";
import { SvgContext } from "../../pages/parts/components/plane/svg.js";

/** What a plane is given at a step; `changes` are of the data. */
const at = (step, changes = {}) => ({ resets: 0, labelled: [[0, 0, 1]], panels: [{ model: "m2", step, accuracy: step / 1000 }], ...changes });
const stepsOf = (frames) => frames.map(({ panels: [panel] }) => panel.step);

test("the frames kept are few, evenly spread, from the first to the last one shown", () => {
  const film = new Film(8);
  for (let step = 0; step <= 100; step += 1) film.add(at(step));
  const steps = stepsOf(film.some());
  assert.ok(steps.length >= 4 && steps.length <= 8, String(steps));
  assert.deepEqual([steps[0], steps.at(-1)], [0, 100]);
  const gaps = steps.slice(1, -1).map((step, i) => step - steps[i]);
  assert.equal(new Set(gaps).size, 1, String(steps));
  assert.ok(film.frames.length < 8);
});

test("the same frame is kept once, one in which a method lacks not at all, and a reset begins anew", () => {
  const film = new Film();
  for (const step of [0, 0, null, 5, 5]) film.add(at(step));
  assert.deepEqual(stepsOf(film.some()), [0, 5]);
  film.add(at(5, { labelled: [[1, 1, 0]] }));
  assert.equal(film.some().length, 3, "a label that was moved is news");
  film.add(at(0, { resets: 1 }));
  assert.deepEqual(stepsOf(film.some()), [0]);
  const other = { model: "adgm", step: 1, accuracy: 0.5 };
  film.add(at(1, { resets: 1, panels: [other] }));
  assert.deepEqual(film.some().map(({ panels }) => panels[0].model), ["adgm"]);
});

test("of a list some are chosen from its first to its last", () => {
  assert.deepEqual(spread([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5, 6], 3), [0, 3, 6]);
});

const floats = (...values) => ({ shape: [values.length], values: new Float32Array(values) });

test("frames are written and read to half a step, whatever their shapes, and curves follow from them", () => {
  const frame = (step, z, q) => ({ claim: "so", points: floats(1, 2), panels: [
    { model: "m2", step, accuracy: 0.5, curve: [[9, 9]], z, q_y: { shape: [q.length], values: new Uint8Array(q) } }] });
  const frames = [frame(0, floats(0.5, -2.25, 300), [0, 255]), frame(4, floats(0.6, NaN, -300), [255, 3]),
    frame(8, floats(1), [128, 127, 0])];
  const made = written(frames);
  assert.ok(!("curve" in made.frames[0].panels[0]));
  const back = read(JSON.parse(JSON.stringify(made.frames)), made.bytes);
  back.forEach(({ claim, points, panels: [panel] }, i) => {
    const [before] = frames[i].panels;
    assert.equal(claim, "so");
    assert.deepEqual(points.shape, [2]);
    assert.deepEqual([panel.z.shape, panel.q_y.shape], [before.z.shape, before.q_y.shape]);
    panel.z.values.forEach((v, k) => assert.ok(Object.is(v, before.z.values[k]) || Math.abs(v - before.z.values[k]) < 0.00751));
    panel.q_y.values.forEach((v, k) => assert.ok(Math.abs(v - before.q_y.values[k]) <= 1));
    assert.deepEqual(panel.curve, [[0, 0.5], [4, 0.5], [8, 0.5]].slice(0, i + 1));
  });
});

test("what goes far and back is whole again", () => {
  const writer = new Writer();
  const all = [[32767, -32767], [-32767, 32767], [0, 1]].map((v) => ({ shape: [2], values: new Float32Array(v.map((x) => x * 0.1)) }));
  const refs = all.map((a) => writer.put("k", "log_p", a));
  const bytes = Uint8Array.from(writer.parts.flatMap((part) => [...part]));
  const reader = new Reader(bytes);
  refs.forEach((ref, i) => assert.deepEqual([...reader.get("k", ref).values], [...all[i].values].map((v) => Math.fround(v))));
});

const svg = (draw) => {
  const ctx = new SvgContext(100, 50, (text) => 10 * text.length);
  draw(ctx);
  return ctx.text("a < b").split("\n").slice(2, -2);
};

test("a whole circle that is filled and rimmed is one circle, with its opacity beside its colour", () => {
  assert.deepEqual(svg((ctx) => {
    ctx.translate(10, 5);
    ctx.beginPath();
    ctx.arc(1, 2, 3, 0, 2 * Math.PI);
    ctx.fillStyle = "rgba(1,2,3,0.5)";
    ctx.fill();
    ctx.strokeStyle = "#fff";
    ctx.lineWidth = 2;
    ctx.stroke();
  }), ['<circle cx="11" cy="7" r="3" fill="rgb(1,2,3)" fill-opacity="0.5" stroke="#fff" stroke-width="2"/>']);
});

test("lines are a path, a part of a circle a bow, and a second path is a second shape", () => {
  const shapes = svg((ctx) => {
    ctx.beginPath();
    ctx.moveTo(0, 0);
    ctx.lineTo(1.234, 5.678);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(0, 0, 10, 0, Math.PI / 2);
    ctx.fill();
  });
  assert.equal(shapes[0], '<path d="M0 0L1.23 5.68" fill="none" stroke="#000" stroke-width="1"/>');
  assert.equal(shapes[1], '<path d="M10 0A10 10 0 0 1 0 10" fill="#000"/>');
});

test("what is clipped ends where the state is restored; text is no markup and is squeezed where it is too long", () => {
  const shapes = svg((ctx) => {
    ctx.save();
    ctx.translate(5, 5);
    ctx.beginPath();
    ctx.rect(0, 0, 10, 10);
    ctx.clip();
    ctx.fillRect(0, 0, 20, 20);
    ctx.restore();
    ctx.font = "600 20px Some Sans";
    ctx.fillText("a <b>", 1, 2, 20);
  });
  assert.match(shapes[0], /^<clipPath id="clip1"><path d="M5 5h10v10h-10Z"\/><\/clipPath><g clip-path="url\(#clip1\)">$/);
  assert.deepEqual(shapes.slice(1, 3), ['<rect x="5" y="5" width="20" height="20" fill="#000"/>', "</g>"]);
  assert.match(shapes[3], /^<text x="1" y="2" font-size="20" font-family="Some Sans" font-weight="600" textLength="20".*>a &lt;b&gt;<\/text>$/);
});
