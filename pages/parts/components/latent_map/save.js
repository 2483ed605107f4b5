// The map to take away: as PNG, with the images that it shows in place of points, as SVG, whose points are circles, or its film
// as GIF.

import { download, element, icon } from "../shared/elements.js";
import { saveMenu } from "../shared/save_menu.js";
import { filmAsGif } from "./film_picture.js";
import { painted, putPoints } from "./raster.js";
import { svg } from "./vector_picture.js";

const SHARP = 2; // pixels of the PNG for one of the page

function filters(map) {
  const chips = [...map.status.querySelectorAll(".chip")].map((chip) => chip.textContent);
  const typed = map.data.chrome && map.group.filter.words ? [map.group.filter.words.text] : [];
  const all = [...typed, ...chips].join("; ");
  return all ? ` · filter: ${all}` : "";
}

const described = (map) => `${map.status.firstChild?.textContent ?? ""}${map.beyond.textContent ? ` · ${map.beyond.textContent} than the edge` : ""}${filters(map)}`;

const fileName = (map) => map.data.label.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").toLowerCase();

function asSvg(map) {
  const { text } = svg(map.scene(), map.data, map.data.label, described(map));
  download(`${fileName(map)}.svg`, new Blob([text], { type: "image/svg+xml" }));
}

async function asPng(map) {
  const picture = svg(map.scene(), map.data, map.data.label, described(map), "");
  const canvas = await painted(picture, SHARP);
  putPoints(canvas, picture, [map.back, map.front], map.frame, SHARP);
  canvas.toBlob((blob) => blob && download(`${fileName(map)}.png`, blob));
}

async function asGif(map) {
  const say = (text) => {
    map.busy.textContent = text;
    map.busy.hidden = !text;
  };
  const file = await filmAsGif(map, filters(map), (share) => say(`Drawing the film: ${Math.round(100 * share)} %`));
  say(map.data.busy);
  if (file) download(`${fileName(map)}.gif`, new Blob([file], { type: "image/gif" }));
}

/** The button that opens the choice of files; `map` is a latent map. */
export function saveButton(map) {
  const title = "Save the map as a picture";
  return saveMenu(element("button", { class: "tool", title, "aria-label": title }, icon("save")), [
    { name: "PNG", title: "As pixels, twice as sharp as on the page", act: () => asPng(map) },
    { name: "SVG", title: "As circles, for a paper or a poster", act: () => asSvg(map) },
    { name: "GIF", title: "The film through the epochs, to play in slides and mails", act: () => asGif(map),
      there: () => Boolean(map.points.film) },
  ]);
}
