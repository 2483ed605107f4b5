// What the map, its legend and the pinned card share: who is looked at, the images, the theme.
// latent_map.py puts this file before each of the others: two components, so that a click on a point sends no map again.
// What they share in the browser hangs on the window.

const KINDS = ["labelled", "unlabelled", "test"];
const MODES = {
  class: "True class",
  sure: "As it gets sure",
  predicted: "Predicted",
  right: "Right or wrong",
  kind: "Labelled or not",
  entropy: "Entropy",
};

// --- Groups: components of one group show the same image, colours and filters. Nothing of this reaches the server.

const SHARED = (globalThis.fewLabelsLatent ??= { groups: new Map(), sheets: new Map() });
const GROUPS = SHARED.groups;

function join(name, member) {
  if (!GROUPS.has(name)) {
    GROUPS.set(name, { mode: null, filter: {}, lasso: null, hover: null, pin: null, near: [], members: new Set(),
      epoch: null, film: null });
  }
  const group = GROUPS.get(name);
  group.members.add(member);
  return group;
}

function leave(group, member) {
  group.members.delete(member);
  group.hover = null;
  if (!group.members.size) Object.assign(group, { pin: null, epoch: null, film: null }); // colours and filters stay
}

function tell(group, changes, from = null) {
  Object.assign(group, changes);
  for (const member of group.members) member.heard(changes, from);
}

// --- Images: sheets of many small ones, fetched once a browser, drawn from when a point is looked at.

const SHEETS = SHARED.sheets; // url -> HTMLImageElement

function sheet(url, then) {
  let image = SHEETS.get(url);
  if (!image) {
    image = new Image();
    image.src = url;
    SHEETS.set(url, image);
  }
  if (!image.complete && then) image.addEventListener("load", then, { once: true });
  return image;
}

// Draws image number `tile` of the sheets into a box of a canvas; false if its sheet has yet to arrive.
function drawTile(ctx, sheets, tile, x, y, size, then) {
  const url = sheets.urls[Math.floor(tile / sheets.each)];
  if (!url) return false;
  const image = sheet(url, then);
  if (!image.complete || !image.naturalWidth) return false;
  const at = tile % sheets.each;
  const [h, w] = sheets.tile;
  ctx.imageSmoothingEnabled = size < 3 * w; // big ones show their pixels, small ones would lose some
  ctx.drawImage(image, (at % sheets.columns) * w, Math.floor(at / sheets.columns) * h, w, h, x, y, size, size);
  return true;
}

// A canvas element that shows one image, crisp on every screen, as soon as it has arrived.
function picture(sheets, tile, size) {
  const canvas = element("canvas", { class: "picture" });
  const draw = () => drawTile(canvas.getContext("2d"), sheets, tile, 0, 0, canvas.width, draw);
  canvas.width = canvas.height = Math.round(size * Math.min(window.devicePixelRatio || 1, 3));
  canvas.style.width = canvas.style.height = `${size}px`;
  draw();
  return canvas;
}

// --- Words

function isTest(id) {
  return id < 0;
}

function nameOf(id, kind) {
  return isTest(id) ? `Test image ${-1 - id}` : `Training image ${id}, ${KINDS[kind]}`;
}

function percent(p) {
  if (p > 0.9949 && p < 1) return p > 0.9995 ? "> 99.9 %" : `${(100 * p).toFixed(1)} %`;
  return `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`;
}

const count = (n) => n.toLocaleString("en-GB");

// --- Elements and colours

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((c) => c != null)); // text stays text: nothing here is read as HTML
  return made;
}

// While `held()`, a finger that moves on `target` is no gesture of the browser's. Else it takes a drag that ends in a flick
// for a fling, and the tap that follows, wherever it is, for what stops the fling: one of four was lost on a busy machine.
function keepTouch(target, held = () => true) {
  target.addEventListener("touchmove", (e) => held() && e.cancelable && e.preventDefault(), { passive: false });
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  lasso: "M8 15C6.2 14 5 12.2 5 10.2 5 6.8 8.1 4 12 4s7 2.8 7 6.2-3.1 6.2-7 6.2c-1.5 0-2.9-.5-4-1.2M8 15a2 2 0 1 0-1.5 3.5M8 15c1 1.8.5 4-2 5",
  images: "M4 4h7v7H4zM14 4h6v6h-6zM4 14h6v6H4zM13 13h7v7h-7z",
  full: "M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7",
  close: "M6 6l12 12M18 6L6 18",
  play: "M8 5v14l11-7z",
  pause: "M9 5v14M15 5v14",
  undo: "M8 5L3 10l5 5M3 10h11a6 6 0 0 1 0 12h-3",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function rgb(colour) {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour.trim());
  if (hex) return [0, 2, 4].map((i) => parseInt(hex[1].slice(i, i + 2), 16));
  const parts = colour.match(/[\d.]+/g);
  return parts && parts.length >= 3 ? parts.slice(0, 3).map(Number) : [128, 128, 128];
}

const css = ([r, g, b], a = 1) => `rgba(${Math.round(r)},${Math.round(g)},${Math.round(b)},${a})`;
const mix = (a, b, t) => a.map((v, i) => v + (b[i] - v) * t);

// The theme as it is now: Streamlit hands it down in CSS properties and calls again when it changes.
function themeOf(host) {
  const style = getComputedStyle(host);
  const read = (name, otherwise) => rgb(style.getPropertyValue(name).trim() || otherwise);
  const back = read("--st-background-color", "#ffffff");
  const text = read("--st-text-color", "#23262f");
  return { back, text, primary: read("--st-primary-color", "#3a56b4"), dark: back[0] + back[1] + back[2] < 384 };
}

// A sequential scale: its stops are spread evenly over 0 to 1.
function ramp(stops, t) {
  const at = Math.max(0, Math.min(1, t || 0)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return mix(stops[i], stops[i + 1], at - i);
}

// --- Streamlit calls this whenever the page has run; what is drawn stays and is brought up to date.

const LIVE = new WeakMap();

function mount(Part, { data, parentElement, setTriggerValue }) {
  if (!data) return undefined;
  if (!LIVE.has(parentElement)) LIVE.set(parentElement, new Part(parentElement));
  const it = LIVE.get(parentElement);
  const call = (it.calls = (it.calls ?? 0) + 1);
  it.update(data, setTriggerValue);
  return () => {
    if (it.calls !== call) return; // of a call overtaken by newer data while this module was being loaded
    LIVE.delete(parentElement);
    it.destroy();
  };
}
