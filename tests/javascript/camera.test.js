import assert from "node:assert/strict";
import test from "node:test";

import { fitted, keptInside, middle, panned, project, radiusOf, scaleOf, toData, toScreen, WHOLE, wholeOf, withPoints, zoomed }
  from "../../pages/parts/components/latent_map/camera.js";
import { numbers, times } from "./random.js";

function scene(next) {
  const [width, height] = numbers(next, 2, 200, 1600);
  const frame = { width, height, span: numbers(next, 2, 0.05, 1.5) };
  const zoom = 60 ** next();
  return { frame, view: keptInside({ x: next() - 0.5, y: next() - 0.5, zoom }, frame.span) };
}

const near = (a, b, tolerance = 1e-6) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < tolerance, `${a} is not ${b}`));

test("to the screen and back is where one was", () => {
  times(300, (next) => {
    const { frame, view } = scene(next);
    const at = numbers(next, 2);
    near(toData(frame, view, ...toScreen(frame, view, ...at)), at);
    const pixel = [next() * frame.width, next() * frame.height];
    near(toScreen(frame, view, ...toData(frame, view, ...pixel)), pixel);
  });
});

test("what is above in the plane is above on the screen, and the view's middle is in the middle", () => {
  times(50, (next) => {
    const { frame, view } = scene(next);
    near(toScreen(frame, view, view.x, view.y), middle(frame));
    assert.ok(toScreen(frame, view, 0, 0.5)[1] < toScreen(frame, view, 0, 0)[1]);
    assert.ok(toScreen(frame, view, 0.5, 0)[0] > toScreen(frame, view, 0, 0)[0]);
  });
});

test("seen whole, every point is in sight", () => {
  times(100, (next) => {
    const { frame } = scene(next);
    const view = { x: 0, y: 0, zoom: 1 };
    for (const [sx, sy] of [[-1, -1], [-1, 1], [1, -1], [1, 1]]) {
      const [x, y] = toScreen(frame, view, sx * frame.span[0], sy * frame.span[1]);
      assert.ok(x >= 0 && x <= frame.width && y >= 0 && y <= frame.height);
    }
  });
});

test("all points are projected as one is, and those a film does not have are nowhere", () => {
  times(30, (next) => {
    const { frame, view } = scene(next);
    const n = 40;
    const points = { n, x: Float32Array.from(numbers(next, n)), y: Float32Array.from(numbers(next, n)),
      there: Uint8Array.from(numbers(next, n, 0, 2)) };
    const screen = { x: new Float32Array(n), y: new Float32Array(n) };
    project(frame, view, points, screen);
    for (let i = 0; i < n; i++) {
      const [x, y] = toScreen(frame, view, points.x[i], points.y[i]);
      assert.ok(Math.abs(screen.y[i] - y) < 1e-2);
      if (points.there[i]) assert.ok(Math.abs(screen.x[i] - x) < 1e-2);
      else assert.ok(screen.x[i] < -1e5);
    }
  });
});

test("points follow the hand, pixel by pixel", () => {
  times(100, (next) => {
    const { frame, view } = scene(next);
    const by = numbers(next, 2, -80, 80);
    const before = toScreen(frame, view, 0.2, -0.1);
    const after = toScreen(frame, panned(frame, view, ...by), 0.2, -0.1);
    near([after[0] - before[0], after[1] - before[1]], by);
  });
});

test("what lies under the pointer stays there while one zooms", () => {
  times(200, (next) => {
    const { frame } = scene(next);
    const view = { x: 0.1 * (next() - 0.5), y: 0.1 * (next() - 0.5), zoom: 4 + 4 * next() };
    const wide = { ...frame, span: frame.span.map((s) => s + 0.5) }; // so that nothing is held inside
    const pixel = [next() * frame.width, next() * frame.height];
    near(toData(wide, zoomed(wide, view, 0.7 + next(), ...pixel), ...pixel), toData(wide, view, ...pixel));
  });
});

test("zoom stays between 1 and 40, and out of it all is in the middle again", () => {
  times(50, (next) => {
    const { frame, view } = scene(next);
    assert.equal(zoomed(frame, view, 1e6, 10, 10).zoom, 40);
    const out = zoomed(frame, view, 1e-6, 10, 10);
    assert.deepEqual([Math.abs(out.x), Math.abs(out.y), out.zoom], [0, 0, 1]);
    const twice = zoomed(frame, { ...view, zoom: 10 }, 2, 10, 10).zoom;
    assert.equal(twice, 20);
    near([scaleOf(frame, 20)], [2 * scaleOf(frame, 10)]);
  });
});

test("one never looks past the points", () => {
  times(100, (next) => {
    const { frame } = scene(next);
    const view = keptInside({ x: 9 * (next() - 0.5), y: 9 * (next() - 0.5), zoom: 60 ** next() }, frame.span);
    assert.ok(Math.abs(view.x) <= 1.3 * frame.span[0] && Math.abs(view.y) <= 1.3 * frame.span[1]);
    assert.deepEqual(keptInside(view, frame.span), view, "what is inside stays");
  });
});

test("fitted coordinates keep their shape, fill [-1, 1] and can be undone", () => {
  times(50, (next) => {
    const n = 3 + Math.floor(next() * 50);
    const [x, y] = [numbers(next, n, -300, 500), numbers(next, n, 10, 90)].map((v) => Float32Array.from(v));
    const { x: u, y: v, span, fit } = fitted(x, y);
    const widest = Math.max(Math.max(...u) - Math.min(...u), Math.max(...v) - Math.min(...v));
    assert.ok(Math.abs(widest - 2) < 1e-4);
    for (let i = 0; i < n; i++) {
      assert.ok(Math.abs(u[i]) <= span[0] + 1e-5 && Math.abs(v[i]) <= span[1] + 1e-5);
      near([u[i] * fit.half + fit.cx, v[i] * fit.half + fit.cy], [x[i], y[i]], 1e-2);
    }
  });
});

test("a few far points do not shrink the rest: they are at the edge, and all can be seen where they lie", () => {
  const [n, far] = [1000, 4];
  times(20, (next) => {
    const [x, y] = [numbers(next, n, -1, 1), numbers(next, n, -1, 1)].map((v) => Float32Array.from(v));
    for (let i = 0; i < far; i++) y[i] = -9 - next();
    const points = { n, there: null, ...fitted(x, y) };
    const frame = { width: 400, height: 400, span: points.span, far: points.far };
    const seen = (view) => {
      const screen = { x: new Float32Array(n), y: new Float32Array(n) };
      const brought = project(frame, view, points, screen);
      if (view.zoom <= 1) {
        for (let i = 0; i < n; i++) {
          assert.ok(screen.x[i] >= 0 && screen.x[i] <= 400 && screen.y[i] >= 0 && screen.y[i] <= 400, "it is in sight");
          assert.equal(view.zoom === 1 && i < far, screen.y[i] === 400 - 12, "at the edge are the far ones alone");
        }
      }
      return brought;
    };
    assert.equal(seen(WHOLE), far);
    const all = wholeOf(frame);
    assert.ok(all.zoom < 0.5);
    assert.equal(seen(all), 0);
    assert.equal(zoomed(frame, WHOLE, 1e-6, 10, 10).zoom, all.zoom);
    near(Object.values(keptInside(all, frame.span, all)), Object.values(all));
    assert.deepEqual(keptInside(all, frame.span), WHOLE, "a view of points that are gone");
  });
});

test("far points that are many, or not far enough, are in sight as all others are", () => {
  const all = (values) => {
    const { span, far } = fitted(values, values);
    return wholeOf({ width: 400, height: 400, span, far });
  };
  times(20, (next) => {
    const values = Float32Array.from(numbers(next, 1000, -1, 1));
    const those = (count, value) => values.map((v, i) => (i < count ? value : v));
    assert.equal(all(those(20, 9)), WHOLE);
    assert.equal(all(those(4, 1.2)), WHOLE);
    assert.notEqual(all(those(4, 9)), WHOLE);
    assert.notEqual(all(those(14, 2)), WHOLE, "a cluster that lies apart");
    const bell = values.map(() => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
    assert.equal(all(bell), WHOLE, "the ends of a normal distribution belong to it");
  });
});

test("no points, one point and points upon each other have a place, too", () => {
  assert.deepEqual(fitted([], []).span, [1, 1]);
  for (const same of [[7], [7, 7, 7]]) {
    const { x, span } = fitted(Float32Array.from(same), Float32Array.from(same));
    assert.ok(x.every((v) => v === 0));
    assert.deepEqual(span, [0.05, 0.05]);
  }
});

test("points are smaller in a crowd and larger when one is near", () => {
  const frame = { width: 900, height: 560, span: [1, 1] };
  assert.ok(radiusOf(frame, 1, 60000) < radiusOf(frame, 1, 1000));
  assert.ok(radiusOf(frame, 8, 1000) > radiusOf(frame, 1, 1000));
  assert.ok(radiusOf({ width: 300, height: 300 }, 1, 1000) < radiusOf(frame, 1, 1000));
});

test("however near one looks, a point is in sight", () => {
  times(60, (next) => {
    const { frame } = scene(next);
    const n = 12;
    const points = { n, x: Float32Array.from(numbers(next, n)), y: Float32Array.from(numbers(next, n)), there: null };
    const view = { x: next() - 0.5, y: next() - 0.5, zoom: 40 };
    const seen = (v) => [...points.x].filter((x, i) => {
      const [px, py] = toScreen(frame, v, x, points.y[i]);
      return px > 0 && py > 0 && px < 2 * middle(frame)[0] && py < frame.height;
    }).length;
    assert.ok(seen(withPoints(frame, view, points)), "of a view beside all points");
    const at = { x: points.x[3], y: points.y[3], zoom: 40 };
    assert.deepEqual(withPoints(frame, at, points), at, "and a view with one stays");
  });
});
