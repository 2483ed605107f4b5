// The map to take away: as PNG, with the images that it shows in place of points, or as SVG, whose points are circles.

import { download, element, icon } from "../shared/elements.js";
import { svg } from "./vector_picture.js";

const SHARP = 2; // pixels of the PNG for one of the page

function described(map) {
  const chips = [...map.status.querySelectorAll(".chip")].map((chip) => chip.textContent);
  const typed = map.data.chrome && map.group.filter.words ? [map.group.filter.words.text] : [];
  const filters = [...typed, ...chips].join("; ");
  return `${map.status.firstChild?.textContent ?? ""}${filters ? ` · filter: ${filters}` : ""}`;
}

const fileName = (map) => map.data.label.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").toLowerCase();

function asSvg(map) {
  const { text } = svg(map.scene(), map.data, map.data.label, described(map));
  download(`${fileName(map)}.svg`, new Blob([text], { type: "image/svg+xml" }));
}

// The picture is laid out once, as SVG; here the points in it are what the map has drawn.
async function asPng(map) {
  const drawn = map.back.toDataURL();
  const marks = map.front.toDataURL();
  const { width, height } = map.scene().frame;
  const layers = [drawn, marks].map((href) => `<image href="${href}" width="${width}" height="${height}"/>`).join("");
  const picture = svg(map.scene(), map.data, map.data.label, described(map), layers);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture.text)}`;
  await image.decode();
  const canvas = element("canvas", { width: SHARP * picture.width, height: SHARP * picture.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => blob && download(`${fileName(map)}.png`, blob));
}

/** The button that opens the choice of files; `map` has scene, data, group, status and its two canvases. */
export function saveMenu(map) {
  const choices = element("div", { class: "choices", hidden: true });
  const button = element("button", { class: "tool", title: "Save the map as a picture", "aria-label": "Save the map as a picture",
    "aria-expanded": "false", onclick: () => open(choices.hidden) }, icon("save"));
  const open = (on) => {
    choices.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (on) choices.firstChild.focus();
  };
  const choice = (name, what, act) => element("button", { title: what, onclick: () => {
    open(false);
    button.focus();
    act(map);
  } }, name);
  choices.append(choice("PNG", "As pixels, twice as sharp as on the page", asPng),
    choice("SVG", "As circles, for a paper or a poster", asSvg));
  const save = element("div", { class: "save" }, button, choices);
  save.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" || choices.hidden) return;
    open(false);
    button.focus();
    e.stopPropagation();
  });
  save.addEventListener("focusout", (e) => save.contains(e.relatedTarget) || open(false));
  return save;
}
