import assert from "node:assert/strict";
import test from "node:test";

import { matching, nextUnlabelled } from "../../pages/parts/components/labeller/choosing.js";
import { Given, readable } from "../../pages/parts/components/labeller/given.js";
import { below, compared, whatIsBelow } from "../../pages/parts/components/labeller/guess.js";
import { isFree } from "../../pages/parts/components/labeller/keys.js";
import { times } from "./random.js";

test("the next image is the first one without a label, around the end", () => {
  times(200, (next) => {
    const ids = [...Array(1 + Math.floor(9 * next())).keys()].map((i) => 10 * i + 3);
    const labels = new Set(ids.filter(() => next() < 0.5));
    const at = next() < 0.2 ? null : ids[Math.floor(next() * ids.length)];
    const from = ids.indexOf(at);
    const around = [...ids.slice(from + 1), ...ids.slice(0, from + 1)];
    assert.equal(nextUnlabelled(ids, at, labels), around.find((id) => !labels.has(id)) ?? at ?? ids[0]);
  });
  assert.equal(nextUnlabelled([], null, new Set()), null);
});

test("the guess of a run is kept back until there is a label, or until it is asked for", () => {
  const guess = { top: [[9, 0.45], [8, 0.27]], entropy: 1.6 };
  assert.equal(compared(guess, undefined, false, String), "");
  assert.equal(compared(guess, undefined, true, String), "The model: 9 (45.0 %), 8 (27.0 %).");
  assert.equal(compared(guess, 8, false, String), "You: 8. The model: 9 (45.0 %), 8 (27.0 %).");
  assert.equal(compared({ top: [], entropy: null }, 8, false, String), "You: 8. The run kept no guess of this image.");
  assert.deepEqual([false, true].map((open) => below(guess, undefined, open, String)), ["1.60 nats", "9 · 45.0 %"]);
  assert.deepEqual([false, true].map((open) => below(guess, 8, open, String)), ["you 8 · model 9", "you 8 · model 9"]);
  assert.deepEqual([undefined, 8].map((label) => below({ top: [], entropy: null }, label, false, String)), ["no guess", "you 8"]);
  assert.match(whatIsBelow(false), /entropy.*once you have answered/);
  assert.doesNotMatch(whatIsBelow(true), /entropy|once/, "with the guess on there is nothing to wait for");
});

test("a digit gives a label wherever the focus is, but in no field and to no presenter", () => {
  const at = (tagName, type = "") => ({ tagName, type, isContentEditable: false });
  assert.ok(isFree(at("BODY"), "9", ""));
  assert.ok(isFree(at("SECTION"), "9", "?run=a"), "a click on a blank spot gives the main area the focus");
  assert.ok(isFree(at("BUTTON"), "9", ""));
  assert.ok(!isFree(at("BUTTON"), "ArrowRight", ""), "which may be the button's own");
  assert.ok(isFree(at("SECTION"), "ArrowRight", ""));
  for (const field of [at("INPUT", "text"), at("INPUT", "number"), at("TEXTAREA"), at("SELECT")]) assert.ok(!isFree(field, "9", ""));
  assert.ok(!isFree(at("SECTION"), "2", "?present="), "there 2 opens a page");
});

test("what begins with the typed word comes first, the likeliest before others", () => {
  const names = ["cat", "caterpillar", "bobcat", "dog", "cattle"];
  assert.deepEqual(matching(names, [4, 3], "cat"), [4, 0, 1, 2]);
  assert.deepEqual(matching(names, [], " CAT "), [0, 1, 4, 2]);
  assert.deepEqual(matching(names, [3], ""), [3, 0, 1, 2, 4]);
  assert.deepEqual(matching(names, [], "zebra"), []);
  assert.equal(matching(Array.from({ length: 100 }, (_, k) => `class ${k}`), [], "class").length, 18);
});

test("of what a browser kept only labels are read", () => {
  assert.deepEqual(readable([[1, 2, "random"], [1, 9, "x"], [1, -1, "x"], ["1", 2, "x"], [1.5, 2, "x"], null, 7, [3, 0]], 3),
    [[1, 2, "random"], [3, 0, "undefined"]]);
});

// A browser's session, as far as it is used here.
function session() {
  const kept = new Map();
  globalThis.sessionStorage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v),
    removeItem: (k) => kept.delete(k) };
  return kept;
}

const DATA = { run: "a-run", given: { batch: "", labels: [] }, spent: [], classes: ["0", "1", "2"] };

test("labels are given, taken back and kept for a reload; the server hears once of several", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const kept = session();
  const sent = [];
  const given = new Given((value) => sent.push(value));
  given.recall(DATA);
  given.give(5, { k: 1, how: "random" });
  given.give(6, { k: 2, how: "random" });
  t.mock.timers.tick(149);
  assert.equal(sent.length, 0);
  t.mock.timers.tick(1);
  assert.deepEqual(sent.map((v) => v.labels), [[[5, 1, "random"], [6, 2, "random"]]]);
  assert.equal(given.undo(), 6);
  assert.equal(given.has(6), false);
  given.give(5, { k: 0, how: "by hand" });
  assert.equal(given.undo(), 5);
  assert.deepEqual(given.get(5), { k: 1, how: "random" }, "as it was before");
  given.flush();
  assert.deepEqual(sent.at(-1).labels, [[5, 1, "random"]]);

  const reloaded = new Given((value) => sent.push(value));
  reloaded.recall(DATA);
  assert.deepEqual(reloaded.rows(), [[5, 1, "random"]]);
  assert.equal(reloaded.batch, given.batch);
  reloaded.flush();
  assert.equal(sent.length, 3, "the server does not know of them yet, so it is told");

  const trained = new Given(() => {});
  trained.recall({ ...DATA, spent: [given.batch] });
  assert.equal(trained.size, 0, "a batch that was trained on is over");
  assert.equal(kept.size, 0);
});

test("what the server knows wins over another batch, and nonsense in the browser is nothing", () => {
  const kept = session();
  kept.set("few-labels-given a-run", '{"batch": "old", "labels": [[1, 1, "x"]]}');
  const given = new Given(() => {});
  given.recall({ ...DATA, given: { batch: "new", labels: [[2, 2, "y"]] } });
  assert.deepEqual([given.batch, given.rows()], ["new", [[2, 2, "y"]]]);
  for (const nonsense of ["{", "null", "7", '{"labels": 3}']) {
    kept.set("few-labels-given a-run", nonsense);
    const other = new Given(() => {});
    other.recall(DATA);
    assert.equal(other.size, 0);
  }
  globalThis.sessionStorage = { getItem() { throw new Error("no storage"); }, setItem() { throw new Error("no storage"); } };
  const without = new Given(() => {});
  without.recall(DATA);
  without.give(1, { k: 1, how: "random" });
  assert.equal(without.size, 1);
  clearTimeout(without.timer);
});
