import assert from "node:assert/strict";
import test from "node:test";

import { isShown } from "../../pages/parts/components/latent_map/colouring.js";
import { parsed } from "../../pages/parts/components/latent_map/filter_words.js";

const CLASSES = ["cat", "sea and sand", "4"];
const ALL = ["class", "sure", "predicted", "right", "kind", "entropy"];
const POINTS = { there: null, id: [17, 3, -18, -1], true: [0, 1, 2, 2], predicted: [0, 2, 2, 0], kind: [0, 1, 2, 2],
  sure: [1, 0.6, 0.9, 0.5], entropy: [0, 1.2, 0.3, 1.6] };

// The ids that a typed filter leaves.
function left(text, modes = ALL) {
  const { conditions, error } = parsed(text, CLASSES, ALL);
  assert.equal(error, "", text);
  const group = { filter: { words: { text, conditions } }, lasso: null };
  return POINTS.id.filter((_, i) => isShown(POINTS, group, modes, i));
}

test("what is typed leaves the images that it describes", () => {
  for (const [text, ids] of [
    ["", [17, 3, -18, -1]], ["entropy > 1", [3, -1]], ["Entropy ≤ 0.3 nats", [17, -18]], ["entropy>1 AND wrong and test", [-1]],
    ["wrong", [3, -1]], ["right & test", [-18]], ["probability < 60 %", [-1]], ["probability >= 0,6", [17, 3, -18]],
    ["class = CAT", [17]], ["class != cat, 4", [3]], ["class = “4” and predicted = cat", [-1]], ["labelled", [17]],
    ["unlabelled", [3]], ["image 17", [17, -18]], ["test image 0, 17", [-18, -1]], ["training image 17", [17]], ["image 5", []],
  ]) assert.deepEqual(left(text), ids, text);
});

test("a map without class probabilities passes what asks for them", () => {
  assert.deepEqual(left("wrong and test", ["class", "kind"]), [-18, -1]);
});

test("what means nothing is answered in a sentence", () => {
  for (const [text, says, modes = ALL] of [
    ["entropy >", /comes a number/], ["entropy > many", /comes a number/], ["class = dog", /no class “dog”\. The classes are cat/],
    ["class > cat", /have no order/], ["loss > 1", /“loss” is nothing an image has/], ["image x", /its number/],
    ["wrong and", /missing|no condition/], ["what", /“what” is no condition/], ["wrong", /this run has none/, ["class", "kind"]],
  ]) {
    const { conditions, error } = parsed(text, CLASSES, modes);
    assert.match(error, says, text);
    assert.match(error, /\.$/);
    assert.deepEqual(conditions, []);
  }
});
