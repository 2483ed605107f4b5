// What was pressed in the plane reaches the page, each press once.

import assert from "node:assert/strict";
import test from "node:test";

import { Outbox } from "../../pages/parts/components/plane/outbox.js";

test("what the page does not answer is sent again, and no more once it has", (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"], now: 1000 });
  const outbox = new Outbox();
  const sent = [];
  let there = true;
  const post = () => outbox.post(({ acts }) => sent.push(acts.map(({ n }) => n)), () => there);
  const first = outbox.add({ what: "edit" });
  post();
  t.mock.timers.tick(1500);
  const second = outbox.add({ what: "edit" });
  post();
  t.mock.timers.tick(1900);
  assert.deepEqual(sent, [[first], [first, second]], "it is given time");
  outbox.done([first]);
  t.mock.timers.tick(200);
  assert.deepEqual(sent.slice(2), [[second]]);
  outbox.done([second]);
  t.mock.timers.tick(60_000);
  assert.equal(sent.length, 3);
  outbox.add({ what: "play" });
  post();
  for (let i = 0; i < 20; i += 1) t.mock.timers.tick(2000);
  assert.equal(sent.length, 3 + 6, "a page that never answers is not asked for ever");
  post();
  there = false;
  t.mock.timers.tick(60_000);
  assert.equal(sent.length, 3 + 6 + 1, "nor one that is gone");
});

test("of presses in quick succession each is sent until the page has done it, with a number of its own", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1000 });
  const outbox = new Outbox();
  const first = outbox.add({ what: "no truth" });
  const second = outbox.add({ what: "truth" });
  outbox.add({ what: "point", point: 4 });
  assert.deepEqual(outbox.waiting.map(({ n }) => n), [1000, 1001, 1002]);
  assert.equal(outbox.latest("truth", "no truth").what, "truth");
  outbox.done([first]);
  assert.deepEqual(outbox.waiting.map(({ what }) => what), ["truth", "point"]);
  outbox.done([first, second, 1002]);
  assert.equal(outbox.latest("point"), undefined);
  t.mock.timers.setTime(500); // a clock that was set back
  assert.ok(outbox.add({ what: "play" }) > 1002);
});
