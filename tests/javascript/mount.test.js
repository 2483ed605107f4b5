import assert from "node:assert/strict";
import test from "node:test";

import { mount } from "../../pages/parts/components/shared/mount.js";

class Part {
  constructor(parent) {
    parent.made.push(this);
    this.shown = [];
  }

  update(data) {
    this.shown.push(data);
  }

  destroy() {
    this.gone = true;
  }
}

const call = (parentElement, data) => mount(Part, { data, parentElement });

test("a part lives on from call to call, whether one that was overtaken is ended before or after the next", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const parent = { isConnected: true, made: [] };
  const first = call(parent, 1);
  first();
  const second = call(parent, 2);
  const third = call(parent, 3);
  second();
  t.mock.timers.tick(10_000);
  assert.equal(parent.made.length, 1);
  assert.deepEqual(parent.made[0].shown, [1, 2, 3]);
  assert.ok(!parent.made[0].gone);
  parent.isConnected = false;
  third();
  assert.ok(parent.made[0].gone, "once it is off the page, at once");
});

test("of two calls that come in the wrong order the newer one is what is shown in the end", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const parent = { isConnected: true, made: [] };
  call(parent, 1);
  const newer = call(parent, 3);
  call(parent, 2)();
  t.mock.timers.tick(10_000);
  const [part] = parent.made;
  assert.ok(!part.gone);
  assert.deepEqual(part.shown, [1, 3, 2, 3]);
  parent.isConnected = false;
  newer();
  assert.ok(part.gone);
});

test("a part that nothing overtakes stays on the page, and ends with it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const parent = { isConnected: true, made: [] };
  call(parent, 1)();
  t.mock.timers.tick(10_000);
  const [part] = parent.made;
  assert.ok(!part.gone);
  parent.isConnected = false;
  t.mock.timers.tick(10_000);
  assert.ok(part.gone);
  assert.deepEqual(part.shown, [1]);
  call(parent, 2);
  assert.equal(parent.made.length, 2);
});

test("without data there is nothing to draw", () => {
  const parent = { isConnected: true, made: [] };
  assert.equal(call(parent, null), undefined);
  assert.equal(parent.made.length, 0);
});
