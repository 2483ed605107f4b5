// The panels to take away: as PNG, as SVG, whose points and curves are shapes, as a GIF of how they learned, and as a page.

import { css } from "../shared/colours.js";
import { download, element, icon } from "../shared/elements.js";
import { saveMenu } from "../shared/save_menu.js";
import { Gif, paletteOf } from "../latent_map/gif.js";
import { arrayOf } from "./arrays.js";
import { spread } from "./film.js";
import { pageOf } from "./html_file.js";
import { Panel } from "./panel.js";
import { SvgContext } from "./svg.js";

const GAP = 24; // pixels of the canvases
const HEAD = 84;
const FLAT = 0.25; // the height of the space of z, of its width
const [FRAMES, WIDTH, MOST, SECONDS, HOLD] = [60, 960, 3_000_000, 0.15, 2]; // of a GIF: at most; a frame's, and the last one's
const SAMPLES = 5; // frames whose colours make the palette

/** Where each of `n` panels of this size lies on the picture, and how large that is: [{x, y}], [width, height]. */
export function laidOut(n, width, height) {
  const at = Array.from({ length: n }, (_, i) => ({ x: GAP + i * (width + GAP), y: HEAD }));
  return { at, size: [GAP + n * (width + GAP), HEAD + height + GAP] };
}

/** How large a picture of these panels is, each so wide. @param {any[]} panels @param {number} width */
function sheetOf(panels, width) {
  const spaces = panels.some((panel) => !panel.space.hidden);
  return laidOut(panels.length, width, width + (spaces ? GAP / 2 + Math.round(FLAT * width) : 0));
}

/** What a panel takes for one of its canvases: a part of the picture. @returns {HTMLCanvasElement} */
function part(ctx, x, y, width, height, hidden = false) {
  const fitted = () => {
    ctx.restore();
    ctx.save();
    ctx.translate(x, y);
    ctx.beginPath();
    ctx.rect(0, 0, width, height);
    ctx.clip();
    return [ctx, width, height];
  };
  return Object.assign(element("canvas", { hidden }), { fitted });
}

/** Draw the panels of a frame below its sentence. @param {any} ctx @param {any} view @param {any[]} panels @param {any} scene */
function drawSheet(ctx, view, panels, scene, width) {
  const { at, size } = sheetOf(panels, width);
  const family = getComputedStyle(view.root).fontFamily;
  ctx.fillStyle = css(view.theme.back);
  ctx.fillRect(0, 0, ...size);
  ctx.fillStyle = css(view.theme.text);
  ctx.font = `18px ${family}`;
  ctx.fillText(scene.data.claim ?? "", GAP, 32, size[0] - 2 * GAP);
  for (const [i, panel] of panels.entries()) {
    const { x, y } = at[i];
    ctx.fillStyle = css(view.theme.text);
    ctx.font = `600 20px ${family}`;
    ctx.fillText(`${panel.title.textContent}  ${panel.percent.textContent}`, x, y - 14, width);
    const own = [panel.canvas, panel.space];
    ctx.save();
    try {
      panel.canvas = part(ctx, x, y, width, width);
      panel.space = part(ctx, x, y + width + GAP / 2, width, Math.round(FLAT * width), panel.space.hidden);
      panel.paint(1, scene);
    } finally {
      [panel.canvas, panel.space] = own;
      ctx.restore();
    }
  }
}

function sceneOf(view, data, points) {
  return { data, points, layers: { ...view.layers, truth: data.truth }, theme: view.theme, hovered: -1 };
}

function canvasOf([width, height]) {
  const canvas = element("canvas", { width, height });
  return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
}

/** The panels shown, and how wide each is on the screen in its own pixels. */
function shown(view) {
  const panels = [...view.panels.values()].filter((panel) => panel.canvas.width);
  return [panels, panels[0]?.canvas.width ?? 0];
}

function asPng(view) {
  const [panels, width] = shown(view);
  if (!panels.length) return;
  const [canvas, ctx] = canvasOf(sheetOf(panels, width).size);
  drawSheet(ctx, view, panels, sceneOf(view, view.data, view.points), width);
  canvas.toBlob((blob) => blob && download("plane.png", blob));
}

/** What is seen now as SVG. @returns {string} */
function svgOf(view) {
  const [panels, width] = shown(view);
  const [, measure] = canvasOf([1, 1]);
  const wide = (text, font) => {
    measure.font = font;
    return measure.measureText(text).width;
  };
  const ctx = new SvgContext(...sheetOf(panels, width).size, wide);
  drawSheet(ctx, view, panels, sceneOf(view, view.data, view.points), width);
  return ctx.text(view.data.claim || "The plane");
}

/** The frames kept, at most so many, each as the page would draw it now: one picture after the other. */
class Projector {
  constructor(view, frames, width) {
    Object.assign(this, { view, frames, width });
    this.room = element("div", { hidden: true });
    view.root.append(this.room);
    this.panels = frames[0].panels.map(() => new Panel(() => {}, view));
    this.room.append(...this.panels.map((panel) => panel.root));
    this.at(0);
    [this.canvas, this.ctx] = canvasOf(sheetOf(this.panels, width).size);
  }

  /** Let the panels take a frame. */
  at(i) {
    const data = this.frames[i];
    data.panels.forEach((given, k) => this.panels[k].update(given, 1));
    return data;
  }

  picture(i) {
    const data = this.at(i);
    drawSheet(this.ctx, this.view, this.panels, sceneOf(this.view, data, arrayOf(data.points).values), this.width);
    return this.ctx.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  /** The file; null if it would be too large, or the plane is gone. `drawing` is told which share of it is done. */
  async gif(drawing) {
    const n = this.frames.length;
    const some = Array.from({ length: Math.min(n, SAMPLES) }, (_, i, all = Math.min(n, SAMPLES)) =>
      this.picture(Math.round(i * (n - 1) / Math.max(1, all - 1))).data);
    const gif = new Gif(this.canvas.width, this.canvas.height, paletteOf(some));
    for (let i = 0; i < n; i += 1) {
      gif.add(this.picture(i).data, i < n - 1 ? SECONDS : HOLD);
      drawing((i + 1) / n);
      if (gif.size > MOST || !this.view.root.isConnected) return null;
      await new Promise((done) => setTimeout(done)); // the page goes on meanwhile
    }
    return gif.bytes();
  }
}

/** At most 3 MB: of fewer frames, and smaller, if it were more. */
async function gifOf(view, drawing) {
  const [panels, width] = shown(view);
  let wide = Math.min(width, Math.floor((WIDTH - GAP) / panels.length) - GAP);
  for (let most = FRAMES; view.root.isConnected; most = Math.max(2, Math.round(most / 1.5)), wide = Math.max(80, Math.round(0.85 * wide))) {
    const projector = new Projector(view, framesOf(view, most), wide);
    const file = await projector.gif(drawing).finally(() => projector.room.remove());
    if (file) return file;
  }
  return null;
}

/** The frames to take away: those kept since the learning began, or all of a recording. */
function framesOf(view, most) {
  return view.data.film ? spread(view.data.film, most) : view.film.some(most);
}

async function busy(view, words, act) {
  const say = (share) => { view.saving.textContent = share == null ? "" : `${words}: ${Math.round(100 * share)} %`; };
  try {
    say(0);
    await act(say);
  } finally {
    say(null);
  }
}

async function asGif(view) {
  await busy(view, "Drawing the film", async (say) => {
    const file = await gifOf(view, say);
    if (file) download("plane.gif", new Blob([file], { type: "image/gif" }));
  });
}

async function asHtml(view) {
  await busy(view, "Writing the page", async () => {
    download("plane.html", new Blob([await pageOf(view.data.file, framesOf(view, FRAMES))], { type: "text/html" }));
  });
}

/** The button that opens the choice of files; `view` is a plane. */
export function saveButton(view) {
  view.saving = element("span", { class: "soft", role: "status" });
  return element("span", { class: "keep" }, view.saving,
    saveMenu(element("button", { class: "act", type: "button" }, icon("save"), "Save"), [
      { name: "PNG", title: "The panels as they are, as pixels", act: () => asPng(view) },
      { name: "SVG", title: "The panels as shapes, for a paper or a poster", act: () =>
        download("plane.svg", new Blob([svgOf(view)], { type: "image/svg+xml" })) },
      { name: "GIF", title: "How they learned, to play in slides and mails", act: () => asGif(view),
        there: () => framesOf(view, 2).length > 0 },
      { name: "HTML", title: "How they learned, as a page of one file to play, without a network", act: () => asHtml(view),
        there: () => Boolean(view.data?.file) && framesOf(view, 2).length > 0 },
    ]));
}
