import assert from "node:assert/strict";
import test from "node:test";

import { carried } from "../../pages/parts/components/page_links/carried.js";

const ONE = { takes: ["run", "epoch", "image"] };
const GENERATE = { ...ONE, numbers: true }; // its ?image= is the number of a test image
const SEVERAL = { takes: ["runs", "epoch", "image"] };

test("run, epoch and image go along, and what the other page does not take stays behind", () => {
  assert.deepEqual(carried("?run=m2-a&epoch=3&image=-5&space=z", ONE, false), { run: "m2-a", epoch: "3", image: "-5" });
  assert.deepEqual(carried("?run=m2-a&dataset=digits", { takes: ["dataset"] }, false), { dataset: "digits" });
  assert.deepEqual(carried("?run=&image=", ONE, false), {});
});

test("from one run to several and back: the one looked at last, or else the first", () => {
  assert.deepEqual(carried("?run=m2-a", SEVERAL, false), { beside: "m2-a" });
  assert.deepEqual(carried("?beside=m2-a", ONE, false), { run: "m2-a" });
  assert.deepEqual(carried("?runs=m1-b,m2-a", ONE, false), { run: "m1-b" });
  assert.deepEqual(carried("?runs=m1-b,m2-a", ONE, false, "m2-a"), { run: "m2-a" });
  assert.deepEqual(carried("?runs=m1-b", ONE, false, "m2-a"), { run: "m1-b" });
  assert.deepEqual(carried("?runs=m1-b,m2-a&image=7", SEVERAL, false), { runs: "m1-b,m2-a", image: "7" });
});

test("any image comes back from Generate as the one that went there", () => {
  assert.deepEqual(carried("?image=-5", GENERATE, false), { image: "4" });
  assert.deepEqual(carried("?image=12", GENERATE, false), { pinned: "12" });
  for (const id of ["-1", "-500", "0", "12"]) {
    const there = new URLSearchParams(carried(`?image=${id}`, GENERATE, false));
    assert.deepEqual(carried(`?${there}`, ONE, true), { image: id });
    assert.deepEqual(carried(`?${there}`, GENERATE, true), Object.fromEntries(there));
  }
  assert.deepEqual(carried("?image=1e9", ONE, true), {});
});
