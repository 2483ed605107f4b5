// Elements of a page. Text stays text: nothing here is read as HTML.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((c) => c != null));
  return made;
}

/** A coloured dot, as beside the name of a class. */
export function swatch(colour) {
  return element("i", { class: "dot", style: `background:${colour}` });
}

// While `held()`, a finger that moves on `target` is no gesture of the browser's. Else it takes a drag that ends in a flick
// for a fling, and the tap that follows, wherever it is, for what stops the fling: one of four was lost on a busy machine.
export function keepTouch(target, held = () => true) {
  target.addEventListener("touchmove", (e) => held() && e.cancelable && e.preventDefault(), { passive: false });
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  lasso: "M8 15C6.2 14 5 12.2 5 10.2 5 6.8 8.1 4 12 4s7 2.8 7 6.2-3.1 6.2-7 6.2c-1.5 0-2.9-.5-4-1.2M8 15a2 2 0 1 0-1.5 3.5M8 15c1 1.8.5 4-2 5",
  images: "M4 4h7v7H4zM14 4h6v6h-6zM4 14h6v6H4zM13 13h7v7h-7z",
  save: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  full: "M14 4h6v6M10 20H4v-6M20 4l-7 7M4 20l7-7",
  filter: "M4 6h16M7 12h10M10 18h4",
  close: "M6 6l12 12M18 6L6 18",
  play: "M8 5v14l11-7z",
  pause: "M9 5v14M15 5v14",
  undo: "M8 5L3 10l5 5M3 10h11a6 6 0 0 1 0 12h-3",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Hand a file to the browser's downloads. */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
