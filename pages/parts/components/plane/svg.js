// What is drawn on a canvas as SVG: the part of a canvas's context that the plane's panels use, written down as shapes.

const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const WHOLE = 2 * Math.PI - 1e-6;
const STATE = ["fillStyle", "strokeStyle", "lineWidth", "font", "globalAlpha", "lineCap", "lineJoin", "textAlign", "textBaseline",
  "dash", "x", "y", "groups"];

const escaped = (text) => String(text).replace(/[&<>"]/g, (sign) => SIGNS[sign]);
const short = (v) => String(Math.round(100 * v) / 100);

export class SvgContext {
  /** @param {number} width @param {number} height @param {(text: string, font: string) => number} [wide] how wide a text is */
  constructor(width, height, wide = () => 0) {
    Object.assign(this, { width, height, wide, made: [], defs: 0, kept: [], x: 0, y: 0, groups: 0 });
    Object.assign(this, { fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, font: "10px sans-serif", globalAlpha: 1,
      lineCap: "butt", lineJoin: "miter", textAlign: "start", textBaseline: "alphabetic", dash: [] });
    this.beginPath();
  }

  save() {
    this.kept.push(Object.fromEntries(STATE.map((name) => [name, this[name]])));
    this.groups = 0;
  }

  restore() {
    if (!this.kept.length) return;
    this.made.push("</g>".repeat(this.groups));
    Object.assign(this, this.kept.pop());
  }

  translate(x, y) {
    this.x += x;
    this.y += y;
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  /** What is drawn until the state is restored is seen within the path only. */
  clip() {
    this.defs += 1;
    this.made.push(`<clipPath id="clip${this.defs}"><path d="${this.path.join("")}"/></clipPath><g clip-path="url(#clip${this.defs})">`);
    this.groups += 1;
  }

  beginPath() {
    Object.assign(this, { path: [], circle: null, filled: -1 });
  }

  at(x, y) {
    return `${short(x + this.x)} ${short(y + this.y)}`;
  }

  to(letter, ...places) {
    const at = [];
    for (let i = 0; i < places.length; i += 2) at.push(this.at(places[i], places[i + 1]));
    this.path.push(letter + at.join(" "));
    this.circle = null;
    this.filled = -1;
  }

  moveTo(x, y) { this.to("M", x, y); }

  lineTo(x, y) { this.to(this.path.length ? "L" : "M", x, y); }

  quadraticCurveTo(...places) { this.to("Q", ...places); }

  bezierCurveTo(...places) { this.to("C", ...places); }

  closePath() { this.path.push("Z"); }

  rect(x, y, width, height) {
    this.to("M", x, y);
    this.path.push(`h${short(width)}v${short(height)}h${short(-width)}Z`);
  }

  arc(x, y, r, from, until, back = false) {
    const whole = Math.abs(until - from) >= WHOLE;
    const end = whole ? from + Math.PI : until;
    const place = (angle) => [x + r * Math.cos(angle), y + r * Math.sin(angle)];
    const first = !this.path.length;
    this.to(first ? "M" : "L", ...place(from));
    const along = (back ? from - until : until - from) % (2 * Math.PI);
    const large = !whole && (along + 2 * Math.PI) % (2 * Math.PI) > Math.PI;
    const bow = (angle) => `A${short(r)} ${short(r)} 0 ${Number(large)} ${Number(!back)} ${this.at(...place(angle))}`;
    this.path.push(bow(end), whole ? bow(until) : "");
    if (first && whole) this.circle = `<circle cx="${short(x + this.x)}" cy="${short(y + this.y)}" r="${short(r)}"`;
  }

  paint(what, colour) {
    const [, r, g, b, a] = /^rgba?\(([\d.]+),\s*([\d.]+),\s*([\d.]+)(?:,\s*([\d.]+))?\)$/.exec(colour) ?? [];
    const opacity = (a === undefined ? 1 : Number(a)) * this.globalAlpha;
    return ` ${what}="${r === undefined ? escaped(colour) : `rgb(${r},${g},${b})`}"${opacity < 1 ? ` ${what}-opacity="${short(opacity)}"` : ""}`;
  }

  lines() {
    const more = [["stroke-linecap", this.lineCap, "butt"], ["stroke-linejoin", this.lineJoin, "miter"],
      ["stroke-dasharray", this.dash.map(short).join(" "), ""]];
    return this.paint("stroke", this.strokeStyle) + ` stroke-width="${short(this.lineWidth)}"`
      + more.map(([name, value, usual]) => (value === usual ? "" : ` ${name}="${value}"`)).join("");
  }

  shape() {
    return this.circle ?? `<path d="${this.path.join("")}"`;
  }

  fill() {
    this.filled = this.made.push(`${this.shape()}${this.paint("fill", this.fillStyle)}/>`) - 1;
  }

  stroke() {
    const last = this.filled >= 0 && this.filled === this.made.length - 1; // one shape for both
    if (last) this.made[this.filled] = `${this.made[this.filled].slice(0, -2)}${this.lines()}/>`;
    else this.made.push(`${this.shape()} fill="none"${this.lines()}/>`);
    this.filled = -1;
  }

  box(x, y, width, height, paint) {
    this.made.push(`<rect x="${short(x + this.x)}" y="${short(y + this.y)}" width="${short(width)}" height="${short(height)}"${paint}/>`);
  }

  fillRect(...box) { this.box(...box, this.paint("fill", this.fillStyle)); }

  strokeRect(...box) { this.box(...box, ` fill="none"${this.lines()}`); }

  clearRect() {} // what is below stays: a picture begins empty

  measureText(text) {
    return { width: this.wide(text, this.font) };
  }

  fillText(text, x, y, most = Infinity) {
    const [, style, size, family] = /^(.*?)([\d.]+)px\s+(.*)$/.exec(this.font) ?? [0, "", "10", "sans-serif"];
    const weight = /\b(bold|[1-9]00)\b/.exec(style)?.[0];
    const anchor = { center: "middle", right: "end", end: "end" }[this.textAlign];
    const base = { middle: "central", top: "hanging", hanging: "hanging" }[this.textBaseline];
    const squeezed = this.wide(text, this.font) > most;
    this.made.push(`<text x="${short(x + this.x)}" y="${short(y + this.y)}" font-size="${size}" font-family="${escaped(family)}"`
      + `${weight ? ` font-weight="${weight}"` : ""}${anchor ? ` text-anchor="${anchor}"` : ""}`
      + `${base ? ` dominant-baseline="${base}"` : ""}`
      + `${squeezed ? ` textLength="${short(most)}" lengthAdjust="spacingAndGlyphs"` : ""}${this.paint("fill", this.fillStyle)}>`
      + `${escaped(text)}</text>`);
  }

  /** A canvas as it is, within these bounds. */
  drawImage(image, x, y, width = image.width, height = image.height) {
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
    this.made.push(`<image x="${short(x + this.x)}" y="${short(y + this.y)}" width="${short(width)}" height="${short(height)}" `
      + `preserveAspectRatio="none" href="${canvas.toDataURL()}"/>`);
  }

  /** The file. @param {string} title @returns {string} */
  text(title) {
    while (this.kept.length) this.restore();
    return [`<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}">`,
      `<title>${escaped(title)}</title>`, ...this.made.filter(Boolean), "</svg>", ""].join("\n");
  }
}
