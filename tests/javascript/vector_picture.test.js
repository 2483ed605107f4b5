import assert from "node:assert/strict";
import test from "node:test";

import { svg } from "../../pages/parts/components/latent_map/vector_picture.js";

const DATA = { classes: ["a<b", "two & more"], colours: ["#112233", "#445566"], entropy: { light: ["#000000", "#ffffff"], dark: [] } };

function scene(mode) {
  return {
    points: { n: 4, labelled: 1, kind: [0, 1, 2, 2], row: new Map([[9, 1]]) },
    shades: { order: [3, 2, 1, 0], visible: [1, 1, 0, 1], colour: Uint8Array.from([17, 34, 51, 68, 85, 102, 1, 1, 1, 2, 2, 2]),
      crossed: [1, 3], firm: Uint16Array.of(256, 256, 256, 128) },
    screen: { x: [10, 20, 30, -1e6], y: [11, 21, 31, 41] }, // the last one is nowhere
    frame: { width: 600, height: 300, span: [1, 1] }, view: { x: 0, y: 0, zoom: 1 },
    theme: { back: [255, 255, 255], text: [0, 0, 0], primary: [9, 9, 9], dark: false }, grey: [128, 128, 128],
    group: { mode, pin: 9 },
  };
}

test("an SVG has the points in sight from the lowest to the highest, its title, and what the colours mean", () => {
  const { text, width, height } = svg(scene("class"), DATA, "A & B", "caption");
  const [inner] = /<svg x=[^]*<\/svg>\n<g/.exec(text);
  assert.deepEqual([...inner.matchAll(/cx="([\d.]+)"/g)].map((m) => Number(m[1])), [30, 20, 10, 20], "and the ring of the pin");
  assert.ok(!inner.includes("#010101"), "what a filter hides is grey");
  assert.match(inner, /cx="10"[^>]*fill="#112233" stroke="#000000"/, "a labelled one has an edge");
  for (const words of ["A &amp; B", "a&lt;b", "two &amp; more", "caption"]) assert.ok(text.includes(`>${words}<`), words);
  assert.ok(width >= 600 && height > 300);
  assert.equal(inner.match(/class="cross"/g).length, 1, "a cross over the one in sight that is predicted wrong");
  assert.match(inner, /<path class="cross" d="M17.+ 18[^"]+" stroke="#000000"/);
  const marked = svg(scene("sure"), { ...DATA, ringed: true, tested: true }, "t", "c").text;
  assert.equal(marked.match(/class="cross"/g).length, 2, "and one in the legend");
  assert.ok(marked.includes(">wrong test image<") && marked.includes(">labelled<"));
  assert.ok(!text.includes("wrong test image"));
  assert.match(svg(scene("entropy"), DATA, "t", "c").text, /<linearGradient[^]*0\.69, no idea/);
});
