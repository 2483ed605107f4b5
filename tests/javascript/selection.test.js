import assert from "node:assert/strict";
import test from "node:test";

import { asCsv, gathered, inWords, meanOf, ORDERS, sorted, wrongs }
  from "../../pages/parts/components/latent_map/selection.js";
import { beliefsInWords, classCounts, kindsInWords } from "../../pages/parts/components/latent_map/selection_summary.js";
import { shownCounts } from "../../pages/parts/components/latent_map/status.js";
import { times } from "./random.js";

const NAMES = ["zero", "one", "two"];

// A map as the grid sees it: what it shows of some ids.
function mapOf(ids, { predicted = 1, visible = () => 1 } = {}) {
  const n = ids.length;
  return {
    points: { n, id: ids, row: new Map(ids.map((id, i) => [id, i])), true: ids.map((id) => Math.abs(id) % 3),
      kind: ids.map((id) => (id < 0 ? 2 : 1)), tile: [...ids.keys()], predicted: ids.map(() => predicted),
      sure: ids.map(() => 0.75), entropy: ids.map(() => 0.5) },
    shades: { visible: ids.map(visible) }, data: { sheets: { urls: [] } },
  };
}

test("a selection has every image of the lasso that some map shows, once, with what each map says", () => {
  const maps = [mapOf([1, 2, -1]), mapOf([2, 3, 4], { visible: (id) => Number(id !== 4) })];
  const found = gathered(maps, new Set([1, 2, 3, 4, 99]));
  assert.deepEqual(found.map((r) => r.id), [1, 2, 3]);
  assert.deepEqual(found.map((r) => r.says.map((s) => s !== null)), [[true, false], [true, true], [false, true]]);
  assert.deepEqual(gathered(maps, null), []);
  assert.deepEqual(gathered([mapOf([1], { predicted: -1 })], new Set([1]))[0].says, [null], "a map without a classifier");
});

function some(next, n = 40) {
  return Array.from({ length: n }, (_, i) => ({ id: i % 3 ? i : -1 - i, kind: i % 3 ? 1 : 2, true: Math.floor(3 * next()),
    tile: i, sheets: {}, says: [null, null].map(() => (next() < 0.2 ? null : { predicted: Math.floor(3 * next()),
      sure: next(), entropy: next() })) }));
}

test("every order keeps all images and sorts by what it says, then training images before test images by number", () => {
  const value = { id: () => 0, class: (r) => r.true, entropy: (r) => -meanOf(r, "entropy"), sure: (r) => meanOf(r, "sure"),
    wrong: (r) => -wrongs(r) };
  times(30, (next) => {
    const entries = some(next);
    for (const order of Object.keys(ORDERS)) {
      const result = sorted(entries, order);
      assert.deepEqual(new Set(result), new Set(entries));
      assert.equal(result.length, entries.length);
      result.slice(1).forEach((r, i) => assert.ok(value[order](r) >= value[order](result[i])));
    }
    const ids = sorted(entries, "id").map((r) => r.id);
    const [training, tests] = [ids.filter((id) => id >= 0), ids.filter((id) => id < 0)];
    assert.deepEqual(ids, [...training, ...tests]);
    assert.deepEqual(training, [...training].sort((a, b) => a - b));
    assert.deepEqual(tests, [...tests].sort((a, b) => b - a));
  });
});

test("the table can be read again, whatever a class is called", () => {
  const classes = ['a "quoted", class', "two\nlines", "plain"];
  const entries = [{ id: 5, kind: 1, true: 0, says: [{ predicted: 1, sure: 0.5, entropy: 0.25 }, null] }];
  const maps = [{ name: "M2", q: "q(y|x)", note: "50 labels, seed 0", judged: true }, { name: "M1", q: "SVM", note: "", judged: true }];
  const [head, row] = [asCsv(entries, classes, maps).indexOf("\r\n"), asCsv(entries, classes, maps)];
  assert.match(row.slice(0, head), /"predicted \(M2, q\(y\|x\), 50 labels, seed 0\)"/);
  assert.equal(row.slice(head + 2), '5,unlabelled,"a ""quoted"", class","two\nlines",0.50000,0.25000,,,\r\n');
  const unjudged = asCsv(entries, classes, maps.map((m) => ({ ...m, judged: false })));
  assert.equal(unjudged.split("\r\n")[0], "id,kind,true class (of unlabelled images for looking only)");
});

test("an image is said in a line, shorter of one map than of several", () => {
  const r = { id: -3, kind: 2, true: 0, says: [{ predicted: 1, sure: 0.82, entropy: 0.867 }] };
  assert.equal(inWords(r, NAMES, ["q(y|x)"]), "Test image 2 · class zero · q(y|x): one, 82.0 %, wrong · entropy 0.87 nats");
  const two = { ...r, says: [...r.says, null] };
  assert.equal(inWords(two, NAMES, ["M2", "M1"]), "Test image 2 · class zero · M2: one, 82.0 %, wrong, 0.87 nats · M1: not on its map");
});

test("what a selection is made of is counted", () => {
  const entries = [0, 1, 2].map((k) => ({ id: -1 - k, kind: 2, true: k, says: [{ predicted: 1, sure: 1, entropy: k }] }));
  assert.deepEqual(kindsInWords(entries), ["3 images", ": 3 test"]);
  assert.deepEqual(kindsInWords(entries.slice(0, 1)), ["1 image", ": 1 test"]);
  assert.equal(beliefsInWords(entries, 0, "50 labels"), "1 of the 3 test images selected correct (50 labels) · mean entropy 1.00 nats");
  assert.equal(beliefsInWords([{ says: [null] }], 0, ""), "");
  assert.deepEqual(classCounts(entries, 3), { is: [1, 1, 1], taken: [0, 3, 0], shown: [0, 1, 2] });
  const many = [5, 5, 7].map((k) => ({ true: k, says: [null] }));
  assert.deepEqual(classCounts(many, 100).shown, [5, 7], "of many classes only those that there are");
  assert.deepEqual(shownCounts({ n: 3, kind: [2, 2, 0], true: [1, 1, 1], predicted: [1, 0, 1] }, [1, 1, 0]),
    { shown: 2, kinds: [0, 0, 2], right: 1 });
});
