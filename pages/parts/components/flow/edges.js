// The edges between the nodes, as paths of an SVG below them.

import { downstream } from "./graph.js";

/** @typedef {{x: number, y: number, w: number, h: number}} Box */

const SVG = "http://www.w3.org/2000/svg";
const LIT = 900; // milliseconds that an edge glows
const APART = 14; // pixels between the heads of two edges into one node
const CLEAR = 8; // pixels that a long edge stays away from a node it passes

/**
 * Where a long edge enters its node: as near to `want` as it can without passing through what lies between.
 * @param {Box} to
 * @param {Box[]} between
 * @param {number} want
 * @returns {number}
 */
export function clearHeight(to, between, want) {
  const free = (y) => between.every((b) => y < b.y - CLEAR || y > b.y + b.h + CLEAR);
  for (let by = 0; by <= to.h; by += 4) {
    for (const y of [want - by, want + by]) if (y > to.y + CLEAR && y < to.y + to.h - CLEAR && free(y)) return y;
  }
  return want;
}

/**
 * The path of an edge from one box to another.
 * @param {Box} from
 * @param {Box} to
 * @param {{place: number, of: number, between: Box[], stacked: boolean, next: boolean, lane: number}} how the edge is the
 *   `place`-th of `of` that enter; `between`: the boxes of the columns it passes; in a stack `next`: whether its node
 *   follows, and `lane`: how far to the left it runs, if not
 * @returns {string}
 */
export function pathOf(from, to, { place, of, between, stacked, next, lane }) {
  const shift = (place - (of - 1) / 2) * APART;
  const [middle, height] = [from.x + from.w / 2, from.y + from.h / 2];
  if (stacked ? next : Math.abs(to.x - from.x) < 1 || (to.x < from.x + from.w && to.y > from.y)) {
    const x = Math.max(to.x + 10, Math.min(to.x + to.w - 10, middle));
    return `M${x} ${from.y + from.h}V${to.y - 2}`;
  }
  if (stacked) {
    const out = Math.min(from.x, to.x) - 9 - 5 * lane;
    return `M${from.x} ${height}C${out} ${height},${out} ${height},${out} ${height + 24}V${to.y + to.h / 2 + shift - 24}`
      + `C${out} ${to.y + to.h / 2 + shift},${out} ${to.y + to.h / 2 + shift},${to.x - 2} ${to.y + to.h / 2 + shift}`;
  }
  const want = to.y + to.h / 2 + shift;
  if (between.length) {
    const y = clearHeight(to, between, want);
    const start = y < height ? from.y : from.y + from.h;
    const turn = Math.min(14, Math.abs(y - start));
    if (y > from.y && y < from.y + from.h) return `M${from.x + from.w} ${y}H${to.x - 2}`;
    return `M${middle} ${start}V${y < start ? y + turn : y - turn}Q${middle} ${y} ${middle + turn} ${y}H${to.x - 2}`;
  }
  const half = (to.x - from.x - from.w) / 2;
  const right = from.x + from.w;
  return `M${right} ${height}C${right + half} ${height},${to.x - half} ${want},${to.x - 2} ${want}`;
}

function made(tag, attributes, ...children) {
  const it = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) it.setAttribute(name, String(value));
  it.append(...children);
  return it;
}

/** The edges of one graph: drawn between the boxes of its nodes, and lit when something goes along them. */
export class Edges {
  constructor(edges) {
    this.edges = edges;
    this.svg = made("svg", { class: "edges", "aria-hidden": "true" });
    this.paths = new Map(edges.map((edge) => [edge, made("path", { class: edge[2] ? "dashed" : "",
      "marker-end": "url(#head)", "data-edge": `${edge[0]}-${edge[1]}` })]));
    const head = made("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8,
      orient: "auto", markerUnits: "userSpaceOnUse" }, made("path", { d: "M0 0L8 4L0 8z" }));
    this.svg.append(head, ...this.paths.values());
  }

  /** Follow the nodes' elements, which stand in `columns`, or `stacked` one below the other. */
  arrange(nodes, columns, stacked) {
    const box = (name) => {
      const it = nodes.get(name);
      return { x: it.offsetLeft, y: it.offsetTop, w: it.offsetWidth, h: it.offsetHeight };
    };
    const column = (name) => columns.findIndex((names) => names.includes(name));
    const order = columns.flat();
    let lane = 0; // of those that run beside the nodes of a stack
    for (const [[from, to], path] of this.paths) {
      const next = order.indexOf(to) === order.indexOf(from) + 1;
      // Those from further away enter on the side that they come from.
      const up = box(to).y + box(to).h / 2 < box("x").y + box("x").h / 2;
      const entering = this.edges.filter((e) => e[1] === to && column(e[0]) < column(to)).map((e) => e[0])
        .sort((a, b) => (up ? 1 : -1) * (column(a) - column(b)));
      const between = columns.slice(column(from) + 1, column(to)).flat().map(box);
      const place = Math.max(0, entering.indexOf(from));
      path.setAttribute("d", pathOf(box(from), box(to), { place, of: entering.length, between, stacked, next,
        lane: next ? 0 : lane++ }));
    }
  }

  /** Let those glow, alone, that carry on a change at a node. What one does with z changes nothing that reads only its mean. */
  light(node) {
    const carry = this.edges.filter(([from, , dashed]) => !(dashed && from === node));
    const lit = downstream(carry, node);
    this.paths.forEach((path, edge) => path.classList.toggle("lit", lit.includes(edge)));
    clearTimeout(this.fading);
    this.fading = setTimeout(() => this.paths.forEach((path) => path.classList.remove("lit")), LIT);
  }

  stop() {
    clearTimeout(this.fading);
  }
}
