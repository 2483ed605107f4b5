import assert from "node:assert/strict";
import test from "node:test";

import { arrayOf, between, contour, nearest } from "../../pages/parts/components/plane/arrays.js";
import { rowsOf } from "../../pages/parts/components/plane/chips.js";
import { along, Hand, short } from "../../pages/parts/components/plane/editing.js";
import { inWords, merged, rangeOf, rowAt, rowsOfJ } from "../../pages/parts/components/plane/objective.js";
import { laidOut } from "../../pages/parts/components/plane/save.js";
import { boundaries, meanOf, nats, radius } from "../../pages/parts/components/plane/truth.js";

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
function plane(brush, more = {}) {
  const heard = {};
  const canvas = {
    addEventListener: (name, act) => { heard[name] = act; },
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 200, height: 200 }),
    setPointerCapture: () => {},
    setAttribute: () => {},
    matches: () => true,
  };
  const edits = [];
  const said = [];
  const points = new Float32Array([1, 0, 0, 1, 0, 0]);
  const view = {
    data: { reach: 2, labelled: [[0, 0, 1]], classes: ["A", "B"], offered: [], own: 2, ...more }, brush, points, hovered: -1,
    soon: () => {}, edit: (change) => edits.push(change), point: (i) => { view.hovered = i; },
    say: (words) => said.push(words), undo: () => edits.push("undo"),
  };
  const hand = new Hand(view);
  const panel = { now: { predicted: { values: [1, 0, 1] } }, panel: { title: "M2" } };
  hand.attach(canvas, panel);
  const at = (clientX, clientY, pointerType = "mouse") => ({ clientX, clientY, button: 0, pointerId: 1, pointerType });
  const drag = (from, ...way) => {
    heard.pointerdown(at(...from));
    for (const to of way) heard.pointermove(at(...to));
    heard.pointerup(at(...way.at(-1)));
  };
  const press = (...keys) => keys.map((key) => {
    let kept = false;
    heard.keydown({ key, shiftKey: false, ctrlKey: false, preventDefault: () => { kept = true; }, stopPropagation: () => {}, ...key.key && key });
    return kept;
  });
  return { edits, drag, click: (...place) => drag(place, place), heard, at, view, hand, press, said };
}

test("a click labels the grey point below it, adds one where there is none, and renames a labelled one", () => {
  const { edits, click } = plane(0);
  click(151, 100);
  click(20, 20);
  click(101, 99);
  assert.deepEqual(edits[0], { kind: "label", of: [1, 0], k: 0 });
  assert.equal(edits[1].kind, "add");
  assert.ok(Math.abs(edits[1].x + 1.6) < 1e-9 && Math.abs(edits[1].y - 1.6) < 1e-9);
  assert.deepEqual(edits[2], { kind: "name", of: [0, 0], k: 0 });
});

test("without a class a click adds an unlabelled point or takes a label away", () => {
  const { edits, click } = plane(-1);
  click(150, 100);
  click(100, 100);
  assert.deepEqual(edits.map(({ kind, k }) => [kind, k]), [["add", -1], ["name", -1]]);
});

test("a drag moves a labelled point; what another button or a broken gesture begins is nothing", () => {
  const { edits, drag, heard, at, view, hand } = plane(0);
  drag([100, 100], [150, 50]);
  assert.deepEqual(edits, [{ kind: "move", of: [0, 0], x: 1, y: 1 }]);
  assert.deepEqual(view.data.labelled[0], [1, 1, 1]);
  heard.pointerdown(at(20, 20));
  heard.pointermove(at(80, 20));
  assert.ok(hand.pending.strokes.length);
  heard.pointercancel();
  heard.pointerup(at(80, 20));
  assert.deepEqual(hand.pending.strokes, []);
  heard.pointerdown({ ...at(150, 100), button: 2 });
  heard.pointerup(at(150, 100));
  assert.equal(edits.length, 1);
});

test("a label is meant by its place, for an edit under way gives it another number, and is drawn where the hand has it", () => {
  const { edits, drag, heard, at, hand, view } = plane(0);
  heard.pointerdown(at(100, 100));
  heard.pointermove(at(150, 100));
  view.data = { ...view.data, labelled: [[-1, -1, 0], [0, 0, 1]] };
  hand.pending.over(view.data);
  assert.deepEqual(view.data.labelled, [[-1, -1, 0], [1, 0, 1]]);
  heard.pointerup(at(150, 100));
  drag([150, 100], [150, 150]);
  assert.deepEqual(edits, [{ kind: "move", of: [0, 0], x: 1, y: 0 }, { kind: "move", of: [1, 0], x: 1, y: -1 }]);
  const late = { ...view.data, labelled: [[-1, -1, 0], [0, 0, 1]] };
  hand.pending.over(late);
  assert.deepEqual(late.labelled[1], [1, -1, 1], "the page has neither yet");
  const half = { ...view.data, labelled: [[1, 0, 1]], edited: hand.pending.moves[0].n };
  hand.pending.over(half);
  assert.deepEqual(half.labelled, [[1, -1, 1]], "it has the first");
});

test("a drag from empty ground paints points along the way, all in one edit, and none outside of the plane", () => {
  const { edits, drag, hand } = plane(-1);
  drag([20, 20], [60, 20], [120, 20], [260, 20]);
  assert.equal(edits.length, 1);
  const { kind, k, at } = edits[0];
  assert.deepEqual([kind, k], ["paint", -1]);
  assert.equal(at.length, 37, "one each .05 of the half side, 3.6 / .1, and the first");
  for (const [i, [x, y]] of at.entries()) assert.ok(Math.abs(x - (-1.6 + 0.1 * i)) < 1e-9 && Math.abs(y - 1.6) < 1e-9);
  assert.equal(hand.pending.strokes[0].at.length, 37, "drawn until the page has them");
  hand.pending.over({ labelled: [], edited: hand.pending.strokes[0].n });
  assert.deepEqual(hand.pending.strokes, []);
});

test("a finger that goes down the page scrolls it, one that goes across paints, and so does one that has rested", () => {
  const { edits, heard, at, hand } = plane(0);
  const finger = (rested, ...way) => {
    heard.pointerdown(at(...way[0], "touch"));
    if (rested) hand.held.rests = true;
    for (const to of way.slice(1)) heard.pointermove(at(...to, "touch"));
    heard.pointerup(at(...way.at(-1), "touch"));
  };
  finger(false, [20, 20], [22, 90]);
  assert.deepEqual(edits, []);
  finger(false, [20, 20], [90, 22]);
  finger(true, [20, 20], [22, 90]);
  finger(false, [100, 100], [100, 150]); // a labelled point goes wherever it is dragged
  assert.deepEqual(edits.map(({ kind }) => kind), ["paint", "paint", "move"]);
});

test("places along a way", () => {
  assert.deepEqual(along([0, 0], [1, 0], 0.4), [[0.4, 0], [0.8, 0]]);
  assert.deepEqual(along([0, 0], [0.3, 0], 0.4), []);
});

test("arrows move the cursor, which says where it is, what is near and what the method says of it", () => {
  const { heard, press, view, said, hand } = plane(0);
  heard.focus();
  assert.deepEqual(hand.cursor, [0, 0], "at the first labelled point");
  assert.equal(said.at(-1), "x .00, y .00, nearest: point labelled B, M2 says class B");
  press({ key: "ArrowRight", shiftKey: true }, "ArrowUp");
  assert.deepEqual(hand.cursor, [0.2, 0.04]);
  assert.equal(said.at(-1), "x .20, y .04, no point near");
  assert.equal(view.hovered, -1);
  for (let i = 0; i < 40; i += 1) press("ArrowRight");
  assert.ok(Math.abs(hand.cursor[0] - 1.8) < 1e-9);
  hand.goTo([0, 1]);
  assert.equal(view.hovered, 1);
  assert.equal(said.at(-1), "x .00, y 1.00, nearest: unlabelled point, M2 says class A");
  hand.goTo([9, -9]);
  assert.deepEqual(hand.cursor, [2, -2], "within the plane");
  assert.deepEqual(press("x", "Tab", { key: "m", ctrlKey: true }), [false, false, false], "other keys are the browser's");
  assert.equal(short(-0.05), "−.05");
  assert.equal(short(-1.5), "−1.50");
});

test("keys do what a click does, go from label to label, and undo", () => {
  const { heard, press, edits, hand } = plane(0, { labelled: [[0, 0, 1], [1.5, 1.5, 0]] });
  heard.focus();
  press("]");
  assert.deepEqual(hand.cursor, [1.5, 1.5]);
  press("]");
  assert.deepEqual(hand.cursor, [0, 0]);
  press("[", "Enter");
  hand.goTo([1, 0]);
  press(" ");
  hand.goTo([-1, -1]);
  press("Enter", { key: "z", ctrlKey: true });
  assert.deepEqual(edits, [{ kind: "name", of: [1.5, 1.5], k: 0 }, { kind: "label", of: [1, 0], k: 0 },
    { kind: "add", x: -1, y: -1, k: 0 }, "undo"]);
});

test("M picks a labelled point up and puts it down, Escape and leaving put it back", () => {
  const { heard, press, edits, view } = plane(0);
  heard.focus();
  press("m", "ArrowRight", "m");
  assert.deepEqual(edits, [{ kind: "move", of: [0, 0], x: 0.04, y: 0 }]);
  press("m", "ArrowUp");
  assert.deepEqual(view.data.labelled[0], [0.04, 0.04, 1]);
  press("Escape");
  assert.deepEqual(view.data.labelled[0], [0.04, 0, 1]);
  press("m", "ArrowUp", "ArrowUp");
  heard.blur();
  assert.deepEqual(view.data.labelled[0][1] < 0.05, true);
  assert.equal(edits.length, 1);
});

test("Delete removes a label or a point that was added, and says so where there is neither", () => {
  const { heard, press, edits, said, hand } = plane(0, { labelled: [[-1, -1, 1]] });
  heard.focus();
  press("Delete");
  hand.goTo([0, 0]); // the third point, which is no figure's
  press("Backspace");
  assert.deepEqual(edits, [{ kind: "remove", of: [-1, -1] }, { kind: "remove", of: [0, 0] }]);
  hand.goTo([1, 0]);
  press("Delete");
  assert.equal(edits.length, 2);
  assert.match(said.at(-1), /^Nothing here can be removed/);
});

test("panels stand side by side on the picture and none beyond its edge", () => {
  const { at, size } = laidOut(3, 100, 140);
  assert.equal(new Set(at.map(({ y }) => y)).size, 1);
  assert.ok(at[1].x >= at[0].x + 100);
  assert.ok(at[2].x + 100 < size[0] && at[2].y + 140 < size[1]);
});

test("the area of a bubble says how large a gap is, and none is without bounds", () => {
  assert.ok(Math.abs(radius(4, 1) / radius(1, 1) - 2) < 1e-9);
  assert.equal(radius(-0.01, 1), 0);
  assert.equal(radius(1e4, 1), radius(10, 1));
  assert.equal(meanOf([NaN, 1, 3, NaN]), 2);
  assert.ok(Number.isNaN(meanOf([NaN])));
  assert.deepEqual([1.234, -0.001, -2.5, 12.34, 123.4].map(nats), ["1.23", "0.00", "−2.50", "12.3", "123"]);
});

test("the line of p(y|x) lies where two classes are equal, and is firm only where p(x) is more than next to nothing", () => {
  const side = 4; // columns 0 and 1 are class 0, the others class 1; p(x) fades downwards
  const p = { shape: [16, 2], values: Uint8Array.from({ length: 32 }, (_, i) => ((i >> 1) % side < 2 === (i % 2 === 0) ? 255 : 0)) };
  const lines = boundaries(p, Float32Array.from({ length: 16 }, (_, i) => (i < 8 ? -1 : -20)));
  assert.equal(lines.length, 3);
  for (const [x1, , x2] of lines) assert.deepEqual([x1, x2], [1.5, 1.5]);
  assert.deepEqual(lines.map((line) => line[4]).sort(), [false, false, true]);
  const three = { shape: [16, 3], values: Uint8Array.from({ length: 48 }, (_, i) => [5, 200, 50][i % 3]) };
  assert.deepEqual(boundaries(three, new Float32Array(16)), []);
});

const TERMS = [
  { short: "reconstruction", colour: "#ff0000", title: "reconstruction, labelled" },
  { short: "−entropy", colour: "#00ff00", title: "−H, unlabelled" },
  { short: "reconstruction", colour: "#ff0000", title: "reconstruction, unlabelled" },
];

test("labelled and unlabelled are one in the picture of J, and J is the sum of all terms", () => {
  const kinds = merged(TERMS);
  assert.deepEqual(kinds.map(({ words, of }) => [words, of]), [["reconstruction", [1, 3]], ["−entropy", [2]]]);
  const rows = rowsOfJ({ shape: [3, 4], values: Float32Array.from([1, 50, 0, 50, 60, 1, -0.5, 1, 100, 1, -1, 0.5]) }, kinds);
  assert.deepEqual(rows.map(({ step, J }) => [step, J]), [[1, 100], [60, 1.5], [100, 0.5]]);
  assert.deepEqual(rangeOf(rows), [-1, 2], "without the first steps");
  assert.equal(rowAt(rows, null).step, 100);
  assert.equal(rowAt(rows, 0.5).step, 60);
  assert.deepEqual(rowsOfJ(null, kinds), []);
  assert.equal(rowAt([], 0.5), undefined);
});

test("J in words has every term by its full name, and the unit", () => {
  const words = inWords({ J: { a: 1, b: -0.25, c: 2 }, terms_of: TERMS, unit: " nats" });
  assert.ok(words.startsWith("J 2.75 nats per point, the mean since the picture before: reconstruction, labelled 1.00; "));
  assert.ok(words.includes("−H, unlabelled −0.25") && words.endsWith("reconstruction, unlabelled 2.00"));
  assert.equal(inWords({ J: {}, terms_of: [], unit: " nats" }), "");
});

test("words beside each other as far as there is room, then below", () => {
  const chips = ["aaaa", "bbbb", "cccc"].map((words) => ({ words }));
  const rows = (width) => rowsOf(chips, (words) => 10 * words.length, width, 1).map((row) => row.map(({ x }) => x));
  assert.deepEqual(rows(500), [[0, 49, 98]]);
  assert.deepEqual(rows(100), [[0, 49], [0]]);
  assert.deepEqual(rows(10), [[0], [0], [0]]);
});
