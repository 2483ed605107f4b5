// What stands at the nodes: the image, the bars of the classes, the plane of z, the values of a, and what is drawn.

import { css, mix, rgb } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { percent, signed } from "../shared/words.js";
import { drawPoint, grid } from "../plane_pad/drawing.js";
import { ellipseOf } from "./graph.js";

/** A node's frame: its title and what its figures are. The page marks it by the custom property `--at-NAME`, a colour. */
export function frame({ name, kind, title, note }, ...inside) {
  return element("div", { class: `node ${kind}`, "data-node": name, role: "group", "aria-label": title,
    style: `--at: var(--at-${name}, transparent)`, onpointerenter: () => { document.body.dataset.flowNode = name; },
    onpointerleave: leave },
    element("div", { class: "title" }, title), ...inside, note ? element("p", { class: "note" }, note) : null);
}

/** No node is under the pointer any more: what the page marked of it is marked no longer. */
export function leave() {
  delete document.body.dataset.flowNode;
}

export function tile([h, w], label) {
  return element("canvas", { class: "tile", width: w, height: h, role: "img", "aria-label": label });
}

/** q(y|.) as bars, one a class; with `choose` each is a button. `show(values, chosen, top)` brings them up to date. */
export function bars(d, choose) {
  const rows = d.names.map((name, i) => {
    const [fill, figure] = [element("s", { style: `background:${d.colours[i]}` }), element("em")];
    const inside = [element("b", {}, name), element("u", {}, fill), figure];
    const row = choose
      ? element("button", { class: "row", type: "button", onclick: () => choose(i) }, ...inside)
      : element("div", { class: "row" }, ...inside);
    return { row, fill, figure, name };
  });
  const root = element("div", { class: "bars", style: `--rows:${Math.ceil(rows.length / 2)}` }, ...rows.map((r) => r.row));
  const show = (values, chosen, top) => rows.forEach(({ row, fill, figure, name }, i) => {
    fill.style.width = `${100 * values[i]}%`;
    figure.textContent = percent(values[i]);
    row.classList.toggle("top", i === top);
    if (!choose) return;
    row.setAttribute("aria-pressed", String(i === chosen));
    row.setAttribute("aria-label", `Draw as ${name}. Probability ${percent(values[i])}`);
  });
  return { root, show };
}

/** The plane of z: codes as dots, q(z|.) as ellipses of one and two standard deviations, the sample as a point. */
export function drawGaussian(canvas, d, { mean, sd, xy }, theme, root) {
  const { ctx, at } = grid(canvas, d.reach, theme, root);
  d.plane.dots.forEach(([x, y], i) => {
    ctx.fillStyle = css(mix(rgb(d.plane.colours[i]), theme.text, 0.1), 0.42);
    ctx.beginPath();
    ctx.arc(at(x), at(-y), 2, 0, 7);
    ctx.fill();
  });
  const { rx, ry, angle } = ellipseOf(d.plane, sd);
  const unit = at(1) - at(0);
  for (const by of [2, 1]) {
    ctx.beginPath();
    ctx.ellipse(at(mean[0]), at(-mean[1]), Math.max(2, by * rx * unit), Math.max(2, by * ry * unit), -angle, 0, 7);
    ctx.fillStyle = css(theme.primary, 0.16);
    ctx.fill();
    ctx.strokeStyle = css(theme.primary, 0.9);
    ctx.lineWidth = 1.5;
    ctx.stroke();
  }
  drawPoint(ctx, at, xy, d.reach, theme);
}

/** q(a|x), a line a dimension: one standard deviation to each side of the mean, and the value that goes on as a dot. */
export function drawIntervals(canvas, mean, sd, value, theme) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(w * ratio)) canvas.width = Math.round(w * ratio);
  if (canvas.height !== Math.round(h * ratio)) canvas.height = Math.round(h * ratio);
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  const most = Math.max(...mean.map((m, i) => Math.max(Math.abs(m) + sd[i], Math.abs(value[i]))), 1e-6);
  const y = (v) => h / 2 - (v / most) * (h / 2 - 5);
  const x = (i) => ((i + 0.5) * w) / mean.length;
  ctx.strokeStyle = css(theme.text, 0.25);
  ctx.beginPath();
  ctx.moveTo(0, h / 2);
  ctx.lineTo(w, h / 2);
  ctx.stroke();
  ctx.lineWidth = Math.max(1, Math.min(5, (0.5 * w) / mean.length));
  mean.forEach((m, i) => {
    ctx.strokeStyle = css(theme.primary, 0.4);
    ctx.beginPath();
    ctx.moveTo(x(i), y(m - sd[i]));
    ctx.lineTo(x(i), y(m + sd[i]));
    ctx.stroke();
    ctx.fillStyle = css(theme.text, 0.9);
    ctx.beginPath();
    ctx.arc(x(i), y(value[i]), Math.max(1.2, Math.min(3, (0.35 * w) / mean.length)), 0, 7);
    ctx.fill();
  });
}

/** Two coordinates in words. */
export function spoken(xy) {
  return `${signed(xy[0])}, ${signed(xy[1])}`;
}
