// The film of a map as an animated GIF: what the map itself draws of each epoch, with the epoch and the accuracy above it.

import { element } from "../shared/elements.js";
import { count } from "../shared/words.js";
import { project } from "./camera.js";
import { Cloud } from "./cloud.js";
import { shaded } from "./colouring.js";
import { epochAt, secondsOf } from "./film.js";
import { Gif, paletteOf } from "./gif.js";
import { painted, putPoints } from "./raster.js";
import { Renderer } from "./renderer.js";
import { correct } from "./status.js";
import { svg } from "./vector_picture.js";

const MOST = 3_000_000; // bytes
const [FRAMES, WIDTH, HOLD] = [60, 720, 1.5]; // frames, and pixels across, at most; seconds at the last one
const SAMPLES = 5; // frames whose colours make the palette

// Draws the film of a map beside it: in its colours, with its filters, where it looks.
class Projector {
  constructor(map, filters, sharp) {
    Object.assign(this, { map, sharp, points: new Cloud() });
    const { points } = this;
    points.take(map.data.points);
    points.arrive();
    points.takeFilm(map.data, true);
    this.screen = { x: new Float32Array(points.n), y: new Float32Array(points.n) };
    this.layers = [element("canvas"), element("canvas")];
    this.renderer = new Renderer(...this.layers, () => {});
    this.renderer.resize(map.width, map.height, sharp);
    this.caption = `${count(points.film.n)} images${map.data.note ? ` · ${map.data.note}` : ""}${filters}`;
  }

  get epochs() {
    return this.points.film.epochs;
  }

  // What one sees at an epoch, or between two.
  async at(epoch) {
    const { map, points, screen, layers, sharp } = this;
    const { data } = map;
    points.show(epoch, data.classes.length);
    const shades = shaded(points, map.group, data, map.theme.dark);
    const frame = { ...map.frame, span: points.span };
    const scene = { ...map.scene(), points, shades, screen, frame, path: [], busy: false, group: { ...map.group, hover: null } };
    project(frame, map.view, points, screen);
    this.renderer.drawPoints(scene);
    this.renderer.drawFront(scene);
    const picture = svg(scene, data, data.label, this.caption, "", this.told(shades));
    if (this.around !== picture.text) [this.around, this.canvas] = [picture.text, await painted(picture, sharp)];
    return putPoints(this.canvas, picture, layers, frame, sharp).getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  told({ visible }) {
    const right = correct(this.points, visible, this.map.data);
    const share = right ? `: ${(100 * right.share).toFixed(1)} %` : "";
    return [`Epoch ${this.points.epoch} of ${this.epochs.at(-1)}${share}`, right?.words ?? ""];
  }

  // The file; null if it would be too large, or the map is gone. `drawing` is told which share of it is done.
  async gif(frames, drawing) {
    const gaps = this.epochs.length - 1;
    const steps = gaps * Math.max(1, Math.floor(frames / gaps));
    const seconds = secondsOf(this.epochs) / steps;
    const samples = [];
    for (let i = 0; i < SAMPLES; i++) samples.push((await this.at(epochAt(this.epochs, i / (SAMPLES - 1)))).data);
    const palette = paletteOf(samples);
    let gif = null;
    for (let i = 0; i <= steps; i++) {
      const { data, width, height } = await this.at(epochAt(this.epochs, i / steps));
      gif ??= new Gif(width, height, palette);
      gif.add(data, i < steps ? seconds : HOLD);
      drawing((i + 1) / (steps + 1));
      if (gif.size > MOST || !this.map.root.isConnected) return null;
      await new Promise((done) => setTimeout(done)); // the page goes on meanwhile
    }
    return gif.bytes();
  }
}

/**
 * At most 3 MB: with fewer pictures between the epochs, or smaller, if it were more.
 * @param {Object} map a latent map that has a film
 * @param {string} filters what hides points, in words
 * @param {(share: number) => void} drawing is told how far it is
 * @returns {Promise<Uint8Array | null>} the file; null if the map went away meanwhile
 */
export async function filmAsGif(map, filters, drawing) {
  let file = null;
  for (let [frames, sharp] = [FRAMES, Math.min(1, WIDTH / map.width)]; !file && map.root.isConnected; frames /= 2) {
    const projector = new Projector(map, filters, sharp);
    file = await projector.gif(frames, drawing);
    if (frames < projector.epochs.length) sharp *= 0.7;
  }
  return file;
}
