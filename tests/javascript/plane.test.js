import assert from "node:assert/strict";
import test from "node:test";

import { arrayOf, between, contour, nearest } from "../../pages/parts/components/plane/arrays.js";
import { editable } from "../../pages/parts/components/plane/editing.js";
import { laidOut } from "../../pages/parts/components/plane/save.js";

const sent = (values, type) => ({ shape: [values.length], type, base64: Buffer.from(values.buffer).toString("base64") });

test("arrays of the plane arrive as they were sent, and none stays none", () => {
  assert.deepEqual([...arrayOf(sent(new Float32Array([1.5, -2]), "float32")).values], [1.5, -2]);
  assert.deepEqual([...arrayOf(sent(new Uint8Array([7, 255]), "uint8")).values], [7, 255]);
  assert.equal(arrayOf(undefined), null);
});

test("between two frames everything moves in a straight line; frames that are not alike are not mixed", () => {
  const [a, b] = [{ shape: [2], values: new Float32Array([0, 4]) }, { shape: [2], values: new Float32Array([2, 0]) }];
  assert.deepEqual([...between(a, b, 0.25).values], [0.5, 3]);
  assert.equal(between(a, b, 1), b);
  assert.equal(between(null, b, 0.5), b);
  assert.equal(between({ shape: [1], values: new Float32Array(1) }, b, 0.5), b);
});

test("a contour of a slope is straight and lies where the field has the level", () => {
  const side = 5;
  const field = Float32Array.from({ length: side * side }, (_, i) => i % side);
  const lines = contour(field, side, 1.5);
  assert.equal(lines.length, side - 1);
  for (const [x1, , x2] of lines) assert.deepEqual([x1, x2], [1.5, 1.5]);
  assert.deepEqual(contour(field, side, 9), []);
});

test("the nearest point is found within reach and none beyond", () => {
  assert.equal(nearest([0, 0, 1, 1], 0.9, 0.8, 0.5), 1);
  assert.equal(nearest([0, 0, 1, 1], 3, 3, 0.5), -1);
  assert.equal(nearest([], 0, 0, 9), -1);
});

/** A canvas of 200 pixels over a plane of reach 2, one labelled point in its middle, grey ones at (1, 0) and (0, 1). */
function plane(brush) {
  const heard = {};
  const canvas = {
    addEventListener: (name, act) => { heard[name] = act; },
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 200, height: 200 }),
    setPointerCapture: () => {},
  };
  const edits = [];
  const view = { data: { reach: 2, labelled: [[0, 0, 1]] }, brush, soon: () => {}, edit: (change) => edits.push(change) };
  editable(canvas, { points: new Float32Array([1, 0, 0, 1]) }, view);
  const at = (clientX, clientY) => ({ clientX, clientY, button: 0, pointerId: 1 });
  const drag = (from, to) => {
    heard.pointerdown(at(...from));
    heard.pointermove(at(...to));
    heard.pointerup(at(...to));
  };
  return { edits, drag, click: (...place) => drag(place, place), heard, at, view };
}

test("a click labels the grey point below it, adds one where there is none, and renames a labelled one", () => {
  const { edits, click } = plane(0);
  click(151, 100);
  click(20, 20);
  click(101, 99);
  assert.deepEqual(edits[0], { kind: "label", point: 0, k: 0 });
  assert.equal(edits[1].kind, "add");
  assert.ok(Math.abs(edits[1].x + 1.6) < 1e-9 && Math.abs(edits[1].y - 1.6) < 1e-9);
  assert.deepEqual(edits[2], { kind: "name", mark: 0, k: 0 });
});

test("without a class a click adds an unlabelled point or takes a label away", () => {
  const { edits, click } = plane(-1);
  click(150, 100);
  click(100, 100);
  assert.deepEqual(edits.map(({ kind, k }) => [kind, k]), [["add", -1], ["name", -1]]);
});

test("a drag moves a labelled point and nothing else; what another button or a broken gesture begins is nothing", () => {
  const { edits, drag, heard, at, view } = plane(0);
  drag([100, 100], [150, 50]);
  assert.deepEqual(edits, [{ kind: "move", mark: 0, x: 1, y: 1 }]);
  assert.deepEqual(view.data.labelled[0], [1, 1, 1]);
  drag([20, 20], [60, 60]);
  heard.pointerdown(at(100, 100));
  heard.pointercancel();
  heard.pointerup(at(100, 100));
  heard.pointerdown({ ...at(150, 100), button: 2 });
  heard.pointerup(at(150, 100));
  assert.equal(edits.length, 1);
});

test("panels stand side by side on the picture and none beyond its edge", () => {
  const { at, size } = laidOut(3, 100, 140);
  assert.equal(new Set(at.map(({ y }) => y)).size, 1);
  assert.ok(at[1].x >= at[0].x + 100);
  assert.ok(at[2].x + 100 < size[0] && at[2].y + 140 < size[1]);
});
