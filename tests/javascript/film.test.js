import assert from "node:assert/strict";
import test from "node:test";

import { Cloud, eased } from "../../pages/parts/components/latent_map/cloud.js";
import { beliefsAt, classChanges, epochAt, FULL, moveTo, nearestEpoch, pictureAt, placeIn, reach, shareAt, unpacked }
  from "../../pages/parts/components/latent_map/film.js";
import { numbers, times } from "./random.js";

const CLASSES = 10;
const table = (columns) => ({ getChild: (name) => ({ toArray: () => columns[name] }) });

// What Python hands over for a film of these epochs and ids.
function filmData(next, epochs, ids) {
  const m = epochs.length * ids.length;
  const whole = (most) => Uint8Array.from(numbers(next, m, 0, most + 0.999));
  return {
    film: { version: "a film", epochs, centre: [3, -2], half: 5 },
    film_ids: table({ id: Int32Array.from(ids) }),
    film_frames: table({ x: Int16Array.from(numbers(next, m, -FULL, FULL)), y: Int16Array.from(numbers(next, m, -FULL, FULL)),
      predicted: whole(CLASSES - 1), sure: whole(255), entropy: whole(255) }),
  };
}

// What Python hands over for a map of these ids.
function points(next, ids) {
  const n = ids.length;
  return table({ id: Int32Array.from(ids), x: Float32Array.from(numbers(next, n, -40, 60)),
    y: Float32Array.from(numbers(next, n, 0, 30)), true: Int16Array.from(numbers(next, n, 0, 9.99)),
    predicted: Int16Array.from(numbers(next, n, 0, 9.99)), sure: Float32Array.from(numbers(next, n, 0.1, 1)),
    entropy: Float32Array.from(numbers(next, n, 0, 2)), kind: Uint8Array.from(numbers(next, n, 0, 2.99)),
    tile: Int32Array.from(ids.keys()) });
}

const near = (a, b, tolerance = 1e-5) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

// Where the film has image `id` in picture k, in units of the map.
function placed(film, fit, id, k) {
  const at = k * film.n + film.at.get(id);
  return [film.x, film.y].map((v, a) => (v[at] / FULL * film.half + film.centre[a] - [fit.cx, fit.cy][a]) / fit.half);
}

test("at an epoch with a picture the points are where the picture has them, half way half between", () => {
  times(40, (next) => {
    const [epochs, ids] = [[0, 1, 4, 10], [3, 9, -1, 12, 40]];
    const film = unpacked(filmData(next, epochs, ids));
    const fit = { cx: next(), cy: next(), half: 0.5 + next() };
    const order = [40, 3, 777, -1, 9, 12]; // the map has them in another order, and one more
    const rows = Int32Array.from(order, (id) => film.at.get(id) ?? -1);
    for (const [epoch, before, after, share] of [[0, 0, 1, 0], [1, 1, 2, 0], [4, 2, 3, 0], [10, 2, 3, 1], [2.5, 1, 2, 0.5],
      [7, 2, 3, 0.5], [3.25, 1, 2, 0.75]]) {
      const [x, y] = [new Float32Array(order.length).fill(0.25), new Float32Array(order.length).fill(-0.5)];
      moveTo(film, rows, placeIn(epochs, epoch), fit, x, y);
      order.forEach((id, i) => {
        if (id === 777) {
          assert.deepEqual([x[i], y[i]], [0.25, -0.5], "an image that the film does not have stays");
          return;
        }
        const [a, b] = [placed(film, fit, id, before), placed(film, fit, id, after)];
        near(x[i], a[0] + (b[0] - a[0]) * share, 1e-4);
        near(y[i], a[1] + (b[1] - a[1]) * share, 1e-4);
      });
    }
  });
});

test("an epoch is found in any film, before it, within and after", () => {
  times(200, (next) => {
    const epochs = [...new Set(numbers(next, 2 + Math.floor(12 * next()), 0, 60).map(Math.floor))].sort((a, b) => a - b);
    if (epochs.length < 2) return;
    const epoch = epochs[0] + next() * (epochs.at(-1) - epochs[0]);
    const { k, share } = placeIn(epochs, epoch);
    assert.ok(k >= 0 && k < epochs.length - 1 && share >= 0 && share <= 1);
    near(epochs[k] + share * (epochs[k + 1] - epochs[k]), epoch, 1e-9);
    assert.equal(epochs[pictureAt(epochs, epoch)], epochs.filter((e) => e <= epoch).at(-1));
    const distance = Math.min(...epochs.map((e) => Math.abs(e - epoch)));
    assert.equal(Math.abs(nearestEpoch(epochs, epoch) - epoch), distance);
  });
  assert.deepEqual(placeIn([2, 5], 0), { k: 0, share: 0 });
  assert.deepEqual(placeIn([2, 5], 5), { k: 0, share: 1 });
  assert.equal(pictureAt([2, 5], 0), 0);
  assert.equal(nearestEpoch([2, 4], 3), 2);
});

test("what was believed in a picture is said of the right images", () => {
  times(20, (next) => {
    const film = unpacked(filmData(next, [0, 2, 3], [5, 6, 7]));
    for (let k = 0; k < 3; k++) {
      const said = beliefsAt(film, Int32Array.from([2, -1, 0]), k, CLASSES);
      assert.deepEqual([...said.predicted], [film.predicted[3 * k + 2], 0, film.predicted[3 * k]]);
      near(said.sure[0], film.sure[3 * k + 2] / 255);
      near(said.entropy[2], film.entropy[3 * k] / 255 * Math.log(CLASSES));
    }
  });
});

test("who changed class is counted by way, the most taken first, everybody once", () => {
  times(50, (next) => {
    const ids = [...Array(80).keys()];
    const film = unpacked(filmData(next, [0, 1], ids));
    film.predicted = film.predicted.map((v) => v % 3);
    const ways = classChanges(film, 1);
    const moved = ids.filter((r) => film.predicted[r] !== film.predicted[80 + r]);
    assert.deepEqual(ways.flatMap((w) => w.ids).sort((a, b) => a - b), moved);
    for (const { from, to, ids: some } of ways) {
      for (const r of some) assert.deepEqual([film.predicted[r], film.predicted[80 + r]], [from, to]);
    }
    ways.slice(1).forEach((w, i) => assert.ok(w.ids.length <= ways[i].ids.length));
  });
});

test("no point of a film lies beyond its reach", () => {
  times(30, (next) => {
    const film = unpacked(filmData(next, [0, 1, 2], [1, 2, 3, 4]));
    const fit = { cx: 1, cy: 2, half: 3 };
    const least = { span: [0.1, 0.1], far: { low: [-0.1, -0.1], high: [0.1, 0.1] } };
    const { span: far } = reach(film, fit, least);
    for (const id of [1, 2, 3, 4]) {
      for (let k = 0; k < 3; k++) placed(film, fit, id, k).forEach((v, a) => assert.ok(Math.abs(v) <= far[a] + 1e-9));
    }
    assert.deepEqual(reach({ ...film, x: [], y: [] }, fit, least), least);
  });
});

test("from one map to the next: who stays travels, who is new appears in place, who is gone is gone", () => {
  times(40, (next) => {
    const cloud = new Cloud();
    assert.equal(cloud.take(points(next, [1, 2, 3, -4])), false, "the first map has nothing to travel from");
    cloud.arrive();
    const stood = new Map([...cloud.id].map((id, i) => [id, [cloud.x[i], cloud.y[i]]]));
    assert.equal(cloud.take(points(next, [-4, 9, 2, 1])), true);
    assert.deepEqual([...cloud.id], [-4, 9, 2, 1]);
    assert.equal(cloud.row.get(3), undefined);
    const at = () => new Map([...cloud.id].map((id, i) => [id, [cloud.x[i], cloud.y[i]]]));
    for (const id of [-4, 2, 1]) assert.deepEqual(at().get(id), stood.get(id), "at first it stands where it stood");
    const target = (id) => [cloud.toX[cloud.row.get(id)], cloud.toY[cloud.row.get(id)]];
    assert.deepEqual(at().get(9), target(9));
    cloud.travel(0);
    for (const id of [-4, 2, 1]) assert.deepEqual(at().get(id), stood.get(id));
    cloud.travel(0.5);
    for (const id of [-4, 2, 1]) at().get(id).forEach((v, a) => near(v, (stood.get(id)[a] + target(id)[a]) / 2, 1e-6));
    cloud.travel(1);
    for (const id of [-4, 2, 1, 9]) at().get(id).forEach((v, a) => near(v, target(id)[a], 1e-6));
    cloud.arrive();
    for (const id of [-4, 2, 1, 9]) assert.deepEqual(at().get(id), target(id));
    assert.equal(cloud.span, cloud.toSpan);
  });
});

test("the same points in another order do not move", () => {
  const cloud = new Cloud();
  const columns = (order) => table({ id: Int32Array.from(order), x: Float32Array.from(order), y: Float32Array.from(order),
    true: [0, 0, 0], predicted: [0, 0, 0], kind: [0, 1, 1], sure: [1, 1, 1], entropy: [0, 0, 0], tile: [0, 1, 2] });
  cloud.take(columns([1, 2, 3]));
  cloud.arrive();
  assert.equal(cloud.take(columns([3, 1, 2])), false);
  assert.equal(cloud.labelled, 1);
});

test("within a film only its images are there, and at its end all are back, with what is said of them now", () => {
  times(20, (next) => {
    const cloud = new Cloud();
    cloud.take(points(next, [1, 2, 3, -4]));
    cloud.arrive();
    const data = filmData(next, [0, 2, 5], [3, 1]);
    assert.equal(cloud.takeFilm(data, true), true);
    assert.equal(cloud.takeFilm(data, false), false, "the same film");
    const [x, predicted] = [Float32Array.from(cloud.x), cloud.predicted];
    assert.equal(cloud.seek(null, CLASSES), "nothing");
    assert.equal(cloud.seek(5, CLASSES), "nothing");
    assert.equal(cloud.seek(2, CLASSES), "said");
    assert.deepEqual([...cloud.there], [1, 0, 1, 0]);
    assert.equal(cloud.epoch, 2);
    assert.equal(cloud.seek(3, CLASSES), "moved");
    assert.equal(cloud.predicted[2], cloud.film.predicted[cloud.film.n + 0]);
    [0, 2].forEach((i) => near(cloud.x[i], (() => {
      const [a, b] = [1, 2].map((k) => placed(cloud.film, cloud.fit, cloud.id[i], k)[0]);
      return a + (b - a) / 3;
    })(), 1e-4));
    assert.equal(cloud.seek(null, CLASSES), "ended");
    assert.equal(cloud.there, null);
    assert.equal(cloud.epoch, null);
    assert.deepEqual(cloud.x, x);
    assert.equal(cloud.predicted, predicted);
    assert.equal(cloud.takeFilm({}, false), true);
    assert.equal(cloud.seek(2, CLASSES), "nothing", "there is no film any more");
  });
});

test("motion begins and ends at rest", () => {
  near(eased(0), 0);
  near(eased(0.5), 0.5);
  near(eased(1), 1);
  assert.ok(eased(0.01) < 0.001 && eased(0.99) > 0.999);
  for (let t = 0; t < 1; t += 0.01) assert.ok(eased(t + 0.01) >= eased(t));
});

test("each picture plays as long as any other, and the share of an epoch is the way back", () => {
  const epochs = [0, 1, 2, 5, 20, 50];
  epochs.forEach((epoch, k) => assert.ok(Math.abs(epochAt(epochs, k / 5) - epoch) < 1e-9));
  assert.deepEqual([epochAt(epochs, -1), epochAt(epochs, 2)], [0, 50]);
  assert.equal(epochAt(epochs, 0.7), 12.5); // half way from 5 to 20
  for (let share = 0; share <= 1; share += 1 / 64) {
    assert.ok(Math.abs(shareAt(epochs, epochAt(epochs, share)) - share) < 1e-9);
  }
  assert.equal(shareAt(epochs, 60), 1); // beyond the end
});
