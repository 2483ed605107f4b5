import assert from "node:assert/strict";
import { test } from "node:test";

import { actionOf } from "../../pages/parts/components/presenter/keys.js";
import { Asked } from "../../pages/parts/components/shared/asked.js";
import { showIn, signed, written } from "../../pages/parts/components/shared/live.js";

const at = (tagName, more = {}) => ({ tagName, getAttribute: () => more.role ?? null, ...more });
const pressed = (key, target = at("BODY"), more = {}) => actionOf({ key, composedPath: () => [target], ...more });

test("keys of the presenter, clickers included", () => {
  assert.deepEqual(["1", "6", "PageUp", "PageDown", " ", "ArrowLeft", "q", "?", "Escape"].map((k) => pressed(k)),
    [["entry", 0], ["entry", 5], ["page", -1], ["page", 1], ["film"], ["step"], ["qr"], ["keys"], ["close"]]);
  for (const key of ["0", "7", "a", "ArrowUp", "Enter"]) assert.equal(pressed(key), null);
});

test("keys do nothing while one types, or where another part takes them", () => {
  for (const field of [at("INPUT", { type: "text" }), at("INPUT", { type: "number" }), at("TEXTAREA"), at("SELECT"),
    at("DIV", { isContentEditable: true })]) {
    for (const key of ["1", " ", "PageDown", "q", "?"]) assert.equal(pressed(key, field), null);
  }
  assert.equal(pressed("1", at("BODY"), { ctrlKey: true }), null);
  assert.equal(pressed("1", at("CANVAS"), { defaultPrevented: true }), null);
  assert.equal(pressed(" ", at("BUTTON")), null); // the button is pressed
  assert.deepEqual(pressed("2", at("BUTTON")), ["entry", 1]);
  assert.equal(pressed("ArrowLeft", at("INPUT", { type: "range" })), null);
});

function group(...members) {
  return { mode: "class", lasso: null, pin: null, epoch: null, members: new Set(members) };
}

test("what one browser's maps show, another's come to show", () => {
  const film = { playsFilm: true, playing: 0 };
  const here = group({ data: { modes: ["class", "sure"] } }, film, { takesPins: true });
  Object.assign(here, { mode: "sure", lasso: new Set([3, -7]), pin: 5, epoch: 12 });
  const [known, groups] = [new WeakMap(), new Map([["g", here], ["empty", group()]])];
  const before = signed(groups, known);
  assert.equal(signed(groups, known), before);
  here.lasso = new Set([3, -7]);
  assert.notEqual(signed(groups, known), before); // another lasso, whatever it holds
  const wanted = JSON.parse(JSON.stringify(written(groups)));
  assert.deepEqual(wanted, { g: { mode: "sure", lasso: [3, -7], pin: 5, card: true, playing: false, epoch: 12 } });

  const there = group({ data: { modes: ["class", "sure"] } });
  const done = new Set();
  const tell = (g, changes) => Object.assign(g, changes);
  assert.equal(showIn(there, wanted.g, done, tell), false); // neither film nor card has come yet
  assert.deepEqual([there.mode, [...there.lasso], there.pin, there.epoch], ["sure", [3, -7], null, null]);
  there.members.add({ takesPins: true, pin: (id) => { there.pin = id; } });
  there.members.add({ playsFilm: true, playing: 0, stop: () => {} });
  there.lasso = null; // cleared by hand meanwhile: not asked for again
  assert.equal(showIn(there, wanted.g, done, tell), true);
  assert.deepEqual([there.lasso, there.pin, there.epoch], [null, 5, 12]);
  film.playing = 1;
  assert.deepEqual(written(groups).g.epoch, null);
  assert.equal(written(groups).g.playing, true);
});

test("what the page has not heard is asked for again, until it is so", () => {
  const [asked, sent] = [new Asked(), []];
  const send = (...what) => sent.push(what);
  asked.ask(send, "qr", false);
  assert.equal(asked.soon("qr", true), false); // a page drawn before it heard of that opens nothing
  asked.answered(send, { qr: true });
  assert.deepEqual(sent, [["qr", false], ["qr", false]]);
  assert.equal(asked.soon("qr", true), false);
  asked.answered(send, { qr: false });
  asked.answered(send, { qr: true }); // opened by somebody since
  assert.equal(sent.length, 2);
  assert.equal(asked.soon("qr", true), true);
  asked.ask(send, "stop", true);
  for (let i = 0; i < 20; i += 1) asked.answered(send, { stop: false });
  assert.equal(sent.length, 2 + 1 + 5); // not for ever
});
