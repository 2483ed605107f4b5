import assert from "node:assert/strict";
import test from "node:test";

import { patiently } from "../../pages/parts/components/shared/fetched.js";

/** A fetch that fails so many times, what was done until it came, and the pauses between. */
async function after(failures) {
  const done = [];
  const get = async () => {
    done.push("get");
    if (done.filter((what) => what === "get").length <= failures) throw new Error("404");
    return "file";
  };
  const pauses = [];
  const found = await patiently(get, () => done.push("ask"), async (ms) => { pauses.push(ms); });
  return { found, done: done.join(" "), pauses };
}

test("a file that is there is fetched once, one that is dropped again, from the second time on after asking for it", async () => {
  assert.deepEqual(await after(0), { found: "file", done: "get", pauses: [] });
  assert.equal((await after(1)).done, "get get");
  assert.equal((await after(2)).done, "get get ask get");
  const { found, done, pauses } = await after(3);
  assert.deepEqual([found, done], ["file", "get get ask get ask get"]);
  assert.ok(pauses.every((ms, i) => !i || ms > pauses[i - 1]), "each pause is longer than the one before");
});

test("what never comes is an error in the end", async () => {
  await assert.rejects(after(4), /404/);
});
