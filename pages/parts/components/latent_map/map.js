// The latent map: thousands of images as points in the plane. This holds its parts together: what it is given, where one looks,
// when to draw. Looking around redraws no points, and tells the server nothing.

import { rgb, themeOf } from "../shared/colours.js";
import { element } from "../shared/elements.js";
import { join, leave, pinCard, tell } from "../shared/groups.js";
import { fetchAhead } from "../shared/image_sheets.js";
import { mount } from "../shared/mount.js";
import { typeScale } from "../shared/type_size.js";
import { count } from "../shared/words.js";
import { beyondNote, sayBeyond } from "./beyond.js";
import { keptInside, middle, panned, project, WHOLE, wholeOf, withPoints, zoomed } from "./camera.js";
import { Claim } from "./claim.js";
import { Cloud, eased } from "./cloud.js";
import { legendCounts, shaded } from "./colouring.js";
import { beginGroup, drawControls } from "./controls.js";
import { FullScreen } from "./full_screen.js";
import { nearest, nearestToFinger, nextTowards } from "./hit_test.js";
import { Input } from "./input.js";
import { pointsInside } from "./lasso.js";
import { drawLegend, Legend } from "./legend.js";
import { rested, timed } from "./pace.js";
import { Renderer } from "./renderer.js";
import { writeStatus } from "./status.js";
import { showTip, tipWords } from "./tip.js";
import { toolbar } from "./toolbar.js";

const MOVE = 750; // milliseconds that points travel from one projection to the next
const EDGE = 20; // pixels: a point that one steps to is brought at least so far into sight

class LatentMap {
  constructor(parent) {
    this.root = element("section", { class: "map" });
    parent.append(this.root);
    this.view = { ...WHOLE };
    this.points = new Cloud();
    this.images = false; // whether images stand in place of points
    this.build();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.stage);
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)");
  }

  build() {
    this.head = element("div", { class: "chrome" });
    this.back = element("canvas", { class: "points", "aria-hidden": "true" });
    this.front = element("canvas", {
      class: "front", tabindex: "0", role: "application", "aria-roledescription": "map of images" });
    this.tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.spoken = element("div", { class: "spoken", "aria-live": "polite" });
    this.busy = element("div", { class: "busy", role: "status" });
    this.beyond = beyondNote(() => this.showAll());
    this.stage = element("div", { class: "stage" }, this.back, this.front, this.busy, this.beyond, toolbar(this), this.tip);
    [this.legend, this.status] = ["legend", "status"].map((name) => element("div", { class: name }));
    this.claim = new Claim();
    this.root.append(this.claim.root, this.stage, this.head, this.legend, this.status, this.spoken);
    this.input = new Input(this.front, this);
    this.full = new FullScreen(this);
    this.renderer = new Renderer(this.back, this.front, () => this.draw());
  }

  // --- What it is given

  update(data, send) {
    this.send = send;
    this.theme = themeOf(this.root);
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    const fresh = !this.data || this.data.version !== data.version;
    const stays = this.data?.frame === data.frame; // another epoch of the same picture: keep the zoom
    this.data = data;
    this.group = join(data.group, this);
    beginGroup(this.group, data);
    if (fresh) {
      this.take(data.points, stays);
      tell(this.group, { points: data.version }, this); // for who shows the same images otherwise
    }
    if (this.points.takeFilm(data, fresh)) {
      if (this.points.film && data.chrome) tell(this.group, { film: this.points.film }, this);
      this.seek();
    }
    this.claim.draw(data, this.group.epoch);
    Object.assign(this.busy, { textContent: data.busy, hidden: !data.busy });
    this.stage.style.setProperty("--height", `${data.height / 16}rem`);
    this.root.classList.toggle("bare", !data.chrome);
    this.root.classList.toggle("compact", Boolean(data.compact));
    this.root.classList.toggle("some", Boolean(data.only?.length));
    this.front.setAttribute("aria-label", `${data.label}. ${count(this.points.n)} images as points. Arrows walk from point to `
      + "point, Enter pins, plus and minus zoom, Home shows all, Escape lets go.");
    this.recolour();
    this.resize();
    clearTimeout(this.later); // once the points stand
    this.later = setTimeout(() => fetchAhead(data.sheets, () => this.root.isConnected), 150);
  }

  take(table, stays) {
    const moves = this.points.take(table);
    this.screen = { x: new Float32Array(this.points.n), y: new Float32Array(this.points.n) };
    this.cursor = -1;
    this.group.hover = null;
    const from = { ...this.view };
    cancelAnimationFrame(this.travelling);
    const end = stays ? from : WHOLE;
    if (!moves || this.still.matches) return void this.arrive(end);
    const begin = performance.now();
    const step = (now) => {
      const t = Math.min(1, Math.max(0, now - begin) / MOVE);
      const s = eased(t);
      this.points.travel(s);
      if (!stays) this.view = { x: from.x * (1 - s), y: from.y * (1 - s), zoom: from.zoom ** (1 - s) };
      if (t < 1) this.travelling = requestAnimationFrame(step);
      else this.arrive(stays ? this.view : end);
      if (t === 1 || rested(now)) this.draw();
    };
    this.travelling = requestAnimationFrame(step);
  }

  arrive(view) {
    this.points.arrive();
    this.setView(view);
  }

  // Put the points where the film has them at the group's epoch, or back to the latest ones.
  seek() {
    const changed = this.points.seek(this.group.epoch, this.data.classes.length);
    if (changed === "nothing") return;
    if (changed === "ended") this.setView(this.view);
    else cancelAnimationFrame(this.travelling);
    if (changed !== "moved") this.recolour();
  }

  heard(changes, from) {
    if ("epoch" in changes) {
      this.claim.draw(this.data, this.group.epoch);
      this.seek();
      this.draw();
    }
    if ("mode" in changes || "filter" in changes || "lasso" in changes) {
      this.recolour();
      this.draw();
    } else {
      if ("hover" in changes) {
        this.follows = from !== this && !this.data.chrome; // pointed at in another map: say less
        if (from !== this) this.cursor = this.points.row.get(changes.hover) ?? -1;
      }
      this.drawFront();
    }
  }

  // --- Where one looks

  get frame() {
    return { width: this.width, height: this.height, span: this.points.span, far: this.points.far, type: this.type };
  }

  setView(view) {
    this.view = { ...view };
    this.input.touchable(this.view.zoom);
  }

  // By so many pixels, as far as it may.
  pan(dx, dy) {
    this.setView(keptInside(panned(this.frame, this.view, dx, dy), this.points.span, wholeOf(this.frame)));
    this.draw();
  }

  // By so many pixels; the zoom that follows keeps it inside.
  drift(dx, dy) {
    this.view = panned(this.frame, this.view, dx, dy);
  }

  zoomBy(factor, px = middle(this.frame)[0], py = middle(this.frame)[1]) {
    this.setView(withPoints(this.frame, zoomed(this.frame, this.view, factor, px, py), this.points));
    this.draw();
  }

  // All points; of those that lie beyond the edge then, all the same; and back.
  showAll() {
    this.setView(this.view.zoom < 1 ? WHOLE : wholeOf(this.frame));
    this.draw();
  }

  showImages(on) {
    this.images = on;
    this.draw();
  }

  selectByLasso(on) {
    this.input.lasso = on;
    this.input.touchable(this.view.zoom);
    this.look(-1);
  }

  // --- Drawing

  resize() {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!width || !this.data) return;
    [this.width, this.height, this.type] = [width, height, typeScale()];
    this.renderer.resize(width, height);
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (!this.data || !this.width) return;
      timed(() => {
        sayBeyond(this.beyond, project(this.frame, this.view, this.points, this.screen));
        this.renderer.drawPoints(this.scene());
        this.drawFront();
      });
      if (!this.root.dataset.drawn) this.root.dataset.drawn = Math.round(performance.now());
      Object.assign(this.root.dataset, { points: this.points.n, version: this.data.version, crosses: this.shades.crossed.length });
    });
  }

  scene() {
    const { points, shades, screen, frame, view, theme, images, group } = this;
    return { points, shades, screen, frame, view, theme, images, group, grey: rgb(this.data.grey),
      sheets: this.data.sheets, path: this.input.path, axes: this.data.axes, busy: Boolean(this.data.busy) };
  }

  drawFront() {
    if (!this.width) return;
    const scene = this.scene();
    this.renderer.drawFront(scene);
    showTip(this.tip, scene, this.points.row.get(this.group.hover), this.data, this.follows);
  }

  recolour() {
    this.shades = shaded(this.points, this.group, this.data, this.theme.dark);
    writeStatus(this.status, this);
    if (!this.data.chrome) return void [this.head, this.legend].forEach((part) => part.replaceChildren());
    drawControls(this.head, this, this.data);
    drawLegend(this.legend, this, legendCounts(this.points, this.shades.visible, this.group, this.data.modes));
  }

  // --- What hands do: see input.js

  // The point under a pixel, or -1.
  pointAt(px, py, finger = false) {
    return (finger ? nearestToFinger : nearest)(this.screen, this.shades.visible, this.points.kind, px, py);
  }

  look(i) {
    const id = i < 0 ? null : this.points.id[i];
    this.cursor = i;
    this.input.over(i);
    if (this.group.hover !== id) tell(this.group, { hover: id }, this);
  }

  pin(i) { // of none, -1: the pin goes
    const [id, card] = [i < 0 ? null : this.points.id[i], pinCard(this.group)];
    if (card) card.pin(id);
    else {
      tell(this.group, { pin: id, near: [] }, this);
      this.send("pin", id);
    }
  }

  // The points within a path; those that are hidden by a filter are not meant, unless by a lasso before.
  select(path) {
    const counts = (i) => this.shades.visible[i] || this.group.lasso;
    const inside = new Set(pointsInside(path, this.screen, counts).map((i) => this.points.id[i]));
    tell(this.group, { lasso: inside.size ? inside : null }, this);
  }

  // To the next point in a direction; it is brought into sight.
  walk(way) {
    const { screen, cursor, frame } = this;
    const from = cursor >= 0 ? [screen.x[cursor], screen.y[cursor]] : middle(frame);
    const next = nextTowards(screen, this.shades.visible, cursor, from, way);
    if (next < 0) return;
    const [x, y] = [screen.x[next], screen.y[next]];
    const [cx, cy] = middle(frame);
    if (this.view.zoom > 1 && (x < EDGE || y < EDGE || x > this.width - EDGE || y > this.height - EDGE)) this.pan(cx - x, cy - y);
    this.look(next);
    this.spoken.textContent = tipWords(this.points, next, this.data).map((w) => w.textContent).join(". ");
  }

  clear() {
    this.look(-1);
    const { group } = this;
    if (group.lasso || Object.keys(group.filter).length) tell(group, { lasso: null, filter: {} }, this);
    else if (group.pin != null) this.pin(-1);
  }

  destroy() {
    for (const drawing of [this.waiting, this.travelling]) cancelAnimationFrame(drawing);
    clearTimeout(this.later);
    this.observer.disconnect();
    this.input.destroy();
    this.full.destroy();
    leave(this.group, this);
    this.root.remove();
  }
}

export default (given) => mount(given.data?.part === "legend" ? Legend : LatentMap, given);
