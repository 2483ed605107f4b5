// The images that a lasso holds, as a grid.
//
// Which they are, the group says; what is known of them, its maps hold. So nothing is asked of the server: the tiles are
// cut from the sheets that the map draws from, and both downloads are made here.

const FIRST = 240; // tiles at first, and how many more at a time
const TILE = 44; // pixels
const MOST = 2500; // images on a contact sheet
const PACE = 200; // milliseconds between two looks at maps that keep changing
const ORDERS = {
  id: "By number",
  class: "By class",
  entropy: "Highest entropy first",
  sure: "Least sure first",
  wrong: "Wrong first",
};

class Grid {
  constructor(parent) {
    this.root = element("section", { class: "card grid", "aria-label": "Selected images" });
    parent.append(this.root);
    this.order = "id";
    this.shown = FIRST;
    this.records = [];
    this.buttons = new Map(); // id -> its tile
    this.build();
  }

  update(data, send) {
    this.send = send;
    if (this.group && this.data.group !== data.group) leave(this.group, this);
    this.data = data;
    this.group = join(data.group, this);
    this.soon();
  }

  heard(changes, from) {
    if ("hover" in changes) this.light(changes.hover, from !== this);
    if ("pin" in changes) this.markPinned();
    if ("lasso" in changes || "filter" in changes) this.soon();
    else if (Object.keys(changes).some((c) => !["hover", "pin", "near", "mode"].includes(c))) this.later();
  }

  // Every member of the group hears of a change; the maps must have, before one looks at them.
  soon() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  later() {
    this.pause ??= setTimeout(() => {
      this.pause = undefined;
      this.draw();
    }, PACE);
  }

  // --- What is selected

  maps() {
    const all = [...this.group.members].filter((m) => m.row instanceof Map && m.visible && m.data.sheets);
    const named = this.data.maps.map(([key]) => all.find((m) => m.data.key === key)).filter(Boolean);
    return named.length ? named : all;
  }

  nameOfMap(map) {
    const found = this.data.maps.find(([key]) => key === map.data.key);
    return found ? found[1] : "";
  }

  // One record an image: what it is, where its picture is, and what each map says of it (null: it is not on that map).
  gather() {
    const maps = (this.sources = this.maps());
    const found = new Map();
    if (!this.group.lasso) return [];
    maps.forEach((m, k) => {
      for (const id of this.group.lasso) {
        const i = m.row.get(id);
        if (i === undefined || !m.visible[i]) continue;
        let record = found.get(id);
        if (!record) {
          record = { id, kind: m.kind[i], true: m.true[i], tile: m.tile[i], sheets: m.data.sheets, says: [] };
          record.says = maps.map(() => null);
          found.set(id, record);
        }
        if (m.predicted[i] >= 0) {
          record.says[k] = { predicted: m.predicted[i], sure: m.sure[i], entropy: m.entropy[i] };
        }
      }
    });
    return [...found.values()];
  }

  sort(records) {
    const number = (r) => (r.id >= 0 ? r.id : 1e9 - r.id); // training images, then test images
    const mean = (r, what) => {
      const said = r.says.filter(Boolean);
      return said.length ? said.reduce((sum, s) => sum + s[what], 0) / said.length : 0;
    };
    const by = {
      id: () => 0,
      class: (r) => r.true,
      entropy: (r) => -mean(r, "entropy"),
      sure: (r) => mean(r, "sure"),
      wrong: (r) => -(10 * wrongs(r) + (wrongs(r) ? mean(r, "sure") : 0)), // among them, the surest first
    }[this.order];
    const keys = new Map(records.map((r) => [r, by(r)]));
    return records.sort((a, b) => keys.get(a) - keys.get(b) || number(a) - number(b));
  }

  judged() {
    return this.sources.some((m) => m.data.modes.includes("right"));
  }

  // --- Drawing

  build() {
    this.title = element("strong", {}, "Selected images");
    this.say = element("div", { class: "say" });
    this.orders = element("select", { "aria-label": "Order", onchange: (e) => {
      this.order = e.target.value;
      this.shown = FIRST;
      this.draw();
    } });
    const action = (text, title, act) => element("button", { class: "action", title, onclick: act }, text);
    this.actions = element("div", { class: "actions" },
      this.orders,
      action("CSV", "Download a table of all of them", () => this.csv()),
      action("PNG", "Download a contact sheet", () => this.png()),
      action("Clear", "Select nothing", () => this.clear()));
    this.facts = element("div", { class: "facts" });
    this.heap = element("div", { class: "histogram" });
    this.line = element("div", { class: "line" });
    this.tiles = element("div", { class: "tiles", role: "group", "aria-label": "Images. Arrows walk, Enter pins.",
      onkeydown: (e) => this.press(e) });
    this.more = element("div", { class: "more" });
    this.foot = element("p", { class: "soft foot" });
    this.body = element("div", { class: "body" }, this.facts, this.heap, this.line, this.tiles, this.more, this.foot);
    this.root.append(element("div", { class: "top" }, this.title, this.actions), this.say, this.body);
  }

  draw() {
    if (!this.root.isConnected || !this.data) return;
    const records = this.gather();
    if (this.had !== this.group.lasso) this.shown = FIRST;
    this.had = this.group.lasso;
    if (!this.judged() && ["entropy", "sure", "wrong"].includes(this.order)) this.order = "id";
    this.records = this.sort(records);
    const some = records.length > 0;
    this.root.dataset.images = records.length;
    this.actions.hidden = !some;
    this.body.hidden = !some;
    this.say.hidden = some;
    if (!some) {
      this.buttons.clear();
      this.tiles.replaceChildren();
      this.drawNothing();
      return;
    }
    this.drawOrders();
    this.drawFacts();
    this.drawHistogram();
    this.drawTiles();
    this.light(this.group.hover, false);
  }

  drawNothing() {
    const inColour = this.sources.length ? this.everyVisible() : [];
    const words = this.group.lasso
      ? "The lasso holds no image that the colours and filters of the map show."
      : "Draw around points to see their images here: with the lasso button of the map, or with Shift held down; on a "
        + "touch screen, press the lasso button and draw with a finger.";
    const some = inColour.length === 1 ? "the 1 image" : `the ${count(inColour.length)} images`;
    this.say.replaceChildren(element("p", {}, words), this.group.lasso
      ? element("button", { class: "action", onclick: () => this.clear() }, "Clear the lasso")
      : inColour.length ? element("button", { class: "action", title: "All that the filters of the map leave in colour",
        onclick: () => tell(this.group, { lasso: new Set(this.everyVisible()) }, this) },
      `Select ${some} in colour`) : "");
  }

  everyVisible() {
    const ids = new Set();
    for (const m of this.sources) for (let i = 0; i < m.n; i++) if (m.visible[i]) ids.add(m.id[i]);
    return [...ids];
  }

  drawOrders() {
    const orders = Object.entries(ORDERS).filter(([o]) => this.judged() || o === "id" || o === "class");
    if (this.orders.options.length !== orders.length) {
      this.orders.replaceChildren(...orders.map(([value, name]) => element("option", { value }, name)));
    }
    this.orders.value = this.order;
  }

  drawFacts() {
    const kinds = [0, 0, 0];
    for (const r of this.records) kinds[r.kind] += 1;
    const n = this.records.length;
    const parts = KINDS.map((name, k) => kinds[k] && `${count(kinds[k])} ${name}`).filter(Boolean).join(", ");
    const lines = [element("div", {}, element("b", {}, n === 1 ? "1 image" : `${count(n)} images`), `: ${parts}`)];
    this.sources.forEach((m, k) => {
      if (!m.data.modes.includes("right")) return;
      const said = this.records.filter((r) => r.says[k]);
      if (!said.length) return;
      const test = said.filter((r) => r.kind === 2);
      const right = test.filter((r) => r.says[k].predicted === r.true).length;
      const words = [];
      const name = this.nameOfMap(m);
      if (test.length) {
        words.push(`${count(right)} of ${test.length === 1 ? "the 1" : count(test.length)} test right`
          + `${m.data.note ? ` (${m.data.note})` : ""}`);
      }
      const entropy = said.reduce((sum, r) => sum + r.says[k].entropy, 0) / said.length;
      words.push(`mean entropy ${entropy.toFixed(2)} nats`);
      lines.push(element("div", { class: "soft" }, `${name ? `${name}: ` : ""}${words.join(" · ")}`));
    });
    this.facts.replaceChildren(...lines);
  }

  // How many of each class there are, and, as a line across, how many are taken for it.
  drawHistogram() {
    const d = this.data;
    const [is, taken] = [new Array(d.classes.length).fill(0), new Array(d.classes.length).fill(0)];
    const single = this.sources.length === 1 && this.judged();
    for (const r of this.records) {
      is[r.true] += 1;
      if (single && r.says[0]) taken[r.says[0].predicted] += 1;
    }
    let classes = d.classes.map((_, k) => k);
    if (classes.length > 20) {
      classes = classes.filter((k) => is[k]).sort((a, b) => is[b] - is[a]).slice(0, 20);
    }
    const most = Math.max(...classes.map((k) => Math.max(is[k], taken[k])), 1);
    this.heap.classList.toggle("many", d.classes.length > 20 || d.classes.some((c) => c.length > 3));
    this.heap.replaceChildren(...classes.map((k) => element("div", {
      title: `${d.classes[k]}: ${count(is[k])} of this class${single ? `, ${count(taken[k])} predicted` : ""}` },
    element("div", { class: "column" },
      element("i", { style: `height:${100 * is[k] / most}%;background:${d.colours[k]}` }),
      single ? element("u", { style: `bottom:${100 * taken[k] / most}%` }) : null),
    element("small", {}, d.classes[k]))));
    this.heap.setAttribute("role", "img");
    this.heap.setAttribute("aria-label", `Classes: ${classes.filter((k) => is[k])
      .map((k) => `${d.classes[k]} ${is[k]}`).join(", ")}`);
  }

  drawTiles() {
    const focus = this.root.getRootNode().activeElement?.dataset?.id;
    const scroll = this.tiles.scrollTop;
    this.buttons.clear();
    const some = this.records.slice(0, this.shown);
    this.byId = new Map(some.map((r) => [r.id, r]));
    this.tiles.replaceChildren(...some.map((r) => this.tile(r)));
    this.tiles.scrollTop = scroll;
    const first = this.buttons.get(Number(focus)) || this.tiles.firstElementChild;
    first.tabIndex = 0;
    if (focus !== undefined) this.buttons.get(Number(focus))?.focus({ preventScroll: true });
    const left = this.records.length - some.length;
    this.more.replaceChildren(left ? element("button", { class: "action", onclick: () => {
      this.shown += FIRST;
      this.draw();
    } }, `Show ${count(Math.min(FIRST, left))} more of ${count(this.records.length)}`) : "");
    this.foot.textContent = this.legend();
    this.markPinned();
    this.rest();
  }

  tile(r) {
    const d = this.data;
    const wrong = wrongs(r);
    const several = this.sources.length > 1;
    const strip = several || wrong ? element("span", { class: "strip" }, ...r.says.map((s) => element("i", {
      style: s ? `background:${d.colours[s.predicted]}` : "" }))) : null;
    const button = element("button", {
      class: wrong ? "tile wrong" : "tile", "data-id": r.id, tabindex: "-1",
      style: `border-color:${d.colours[r.true]}`, "aria-label": `${this.words(r)}. Pin it.`,
      onclick: () => this.pin(r.id),
      onpointerenter: () => this.look(r.id),
      onpointerleave: () => this.look(null),
      onfocus: () => this.focused(r.id),
      onblur: () => this.look(null),
    }, picture(r.sheets, r.tile, TILE), strip, wrong ? element("b", { class: "cross", "aria-hidden": "true" },
      several && wrong > 1 ? String(wrong) : "×") : null);
    this.buttons.set(r.id, button);
    return button;
  }

  // What frames, strips and numbers mean.
  legend() {
    const words = ["The frame is the true class."];
    if (this.judged()) {
      words.push(this.sources.length > 1
        ? "The strip below has a part for each run, in the class it predicts; a number in the corner counts those that are wrong."
        : "An image that is predicted wrongly has a cross, and the class predicted below; the line across a bar is how many "
          + "are predicted as that class.");
    }
    words.push("True classes of unlabelled images are shown for looking only: no run was told them.",
      "In the table, test image j has the id −1−j.");
    return words.join(" ");
  }

  // What is said of an image, in a line.
  words(r) {
    const d = this.data;
    const several = this.sources.length > 1;
    const parts = [nameOf(r.id, r.kind), `class ${d.classes[r.true]}`];
    r.says.forEach((s, k) => {
      const name = several ? this.nameOfMap(this.sources[k]) || this.sources[k].data.q : this.sources[k].data.q;
      if (s) {
        parts.push(`${name}: ${d.classes[s.predicted]}, ${percent(s.sure)}${s.predicted === r.true ? "" : ", wrong"}`
          + (several ? `, ${s.entropy.toFixed(2)} nats` : ""));
        if (!several) parts.push(`entropy ${s.entropy.toFixed(2)} nats`);
      } else if (several) parts.push(`${name}: not on its map`);
    });
    return parts.join(" · ");
  }

  rest() {
    const touch = window.matchMedia("(hover: none)").matches;
    this.line.replaceChildren(element("span", { class: "soft" },
      touch ? "Tap an image to pin it." : "Point at an image to see what is said of it; click to pin it."));
  }

  // --- Looking, pinning

  look(id) {
    if (this.group.hover !== id) tell(this.group, { hover: id }, this);
  }

  focused(id) {
    for (const button of this.tiles.querySelectorAll("[tabindex='0']")) button.tabIndex = -1;
    this.buttons.get(id).tabIndex = 0;
    this.look(id);
  }

  light(id, bring) {
    const before = this.buttons.get(this.lit);
    if (before) before.classList.remove("lit");
    this.lit = id;
    const button = id == null ? null : this.buttons.get(id);
    if (!button) {
      if (this.records.length) this.rest();
      return;
    }
    button.classList.add("lit");
    this.line.replaceChildren(this.words(this.byId.get(id)));
    if (bring) this.bring(button);
  }

  // Into sight within the grid; the page does not move.
  bring(button) {
    const [box, own] = [this.tiles.getBoundingClientRect(), button.getBoundingClientRect()];
    if (own.top < box.top) this.tiles.scrollTop -= box.top - own.top + 4;
    else if (own.bottom > box.bottom) this.tiles.scrollTop += own.bottom - box.bottom + 4;
  }

  markPinned() {
    for (const [id, button] of this.buttons) button.classList.toggle("pinned", id === this.group.pin);
  }

  pin(id) {
    const card = [...this.group.members].find((m) => m.takesPins);
    if (card) card.pin(id);
    else tell(this.group, { pin: id, near: [] }, this);
  }

  clear() {
    tell(this.group, { lasso: null, hover: null }, this);
  }

  press(event) {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const buttons = [...this.tiles.children];
    const at = buttons.indexOf(this.root.getRootNode().activeElement);
    if (at < 0) return;
    const across = Math.max(1, buttons.filter((b) => b.offsetTop === buttons[0].offsetTop).length);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - across, ArrowDown: at + across, Home: 0,
      End: buttons.length - 1 }[event.key];
    if (event.key === "Escape") {
      this.clear();
      requestAnimationFrame(() => requestAnimationFrame(() => this.say.querySelector("button")?.focus()));
    } else if (to === undefined) return;
    else if (buttons[to]) {
      buttons[to].focus({ preventScroll: true });
      this.bring(buttons[to]);
    }
    event.preventDefault();
  }

  // --- To take away

  csv() {
    const d = this.data;
    const several = this.sources.length > 1;
    const head = ["id", "kind", "true class (of unlabelled images for looking only)"];
    this.sources.forEach((m) => {
      if (!m.data.modes.includes("right")) return;
      const of = [several ? this.nameOfMap(m) : "", m.data.q, m.data.note].filter(Boolean).join(", ");
      head.push(`predicted (${of})`, `probability (${of})`, `entropy in nats (${of})`);
    });
    const rows = this.records.map((r) => [r.id, KINDS[r.kind], d.classes[r.true],
      ...r.says.flatMap((s, k) => (!this.sources[k].data.modes.includes("right") ? []
        : s ? [d.classes[s.predicted], s.sure.toFixed(5), s.entropy.toFixed(5)] : ["", "", ""]))]);
    const cell = (v) => (/[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v));
    const text = [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
    keep(`${d.file}-selection.csv`, new Blob([`${text}\r\n`], { type: "text/csv" }));
  }

  async png() {
    const some = this.records.slice(0, MOST);
    const urls = new Set(some.map((r) => r.sheets.urls[Math.floor(r.tile / r.sheets.each)]).filter(Boolean));
    this.line.textContent = "Drawing the contact sheet";
    await Promise.all([...urls].map((url) => new Promise((done) => {
      const image = sheet(url, done);
      if (image.complete) done();
      else image.addEventListener("error", done, { once: true });
    })));
    const canvas = this.contact(some);
    canvas.toBlob((blob) => {
      if (blob) keep(`${this.data.file}-selection.png`, blob);
      this.rest();
    });
  }

  // A picture of some records, with what its frames and strips mean.
  contact(records) {
    const d = this.data;
    const theme = themeOf(this.root);
    const [h, w] = records[0].sheets.tile;
    const size = w * Math.max(1, Math.round(56 / w));
    const [edge, strip, gap] = [3, 5, 6];
    const [cell, tall] = [size + 2 * edge + gap, Math.round(size * h / w) + 2 * edge + strip + gap];
    const across = Math.min(records.length, Math.max(8, Math.ceil(Math.sqrt(1.4 * records.length))));
    const down = Math.ceil(records.length / across);
    const wide = Math.max(across * cell + gap, 620);
    const all = this.records.length;
    const named = this.sources.map((m) => this.nameOfMap(m) || m.data.label).filter(Boolean);
    const lines = [`${named.join(", ")}: selected images`, ...[...this.facts.children].map((line) => line.textContent)];
    if (all > records.length) lines.push(`Here are the first ${count(records.length)} (${ORDERS[this.order].toLowerCase()}).`);
    lines.push("Frame: true class, of unlabelled images for looking only."
      + `${this.judged() ? " Strip: predicted class." : ""}`);
    const legend = d.classes.length <= 20 ? d.classes : [];
    const canvas = document.createElement("canvas");
    const ctx = canvas.getContext("2d");
    const font = (weight) => `${weight} 15px ${getComputedStyle(this.root).fontFamily}`;
    ctx.font = font(400);
    const places = []; // of the legend's entries, wrapped
    let [x, row] = [gap, 0];
    for (const name of legend) {
      const width = ctx.measureText(name).width + 34;
      if (x + width > wide && x > gap) [x, row] = [gap, row + 1];
      places.push([x, row]);
      x += width;
    }
    const head = gap + 22 * lines.length + (legend.length ? 24 * (row + 1) : 0) + 8;
    canvas.width = wide;
    canvas.height = head + down * tall + gap;
    ctx.fillStyle = css(theme.back);
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.textBaseline = "middle";
    lines.forEach((line, i) => {
      ctx.font = font(i ? 400 : 600);
      ctx.fillStyle = css(theme.text, i ? 0.75 : 1);
      ctx.fillText(line, gap, gap + 22 * i + 11, wide - 2 * gap);
    });
    ctx.font = font(400);
    legend.forEach((name, k) => {
      const [left, top] = [places[k][0], gap + 22 * lines.length + 24 * places[k][1] + 12];
      ctx.fillStyle = d.colours[k];
      ctx.fillRect(left, top - 6, 12, 12);
      ctx.fillStyle = css(theme.text);
      ctx.fillText(name, left + 17, top + 1);
    });
    records.forEach((r, i) => {
      const [left, top] = [gap + (i % across) * cell, head + Math.floor(i / across) * tall];
      ctx.fillStyle = d.colours[r.true];
      ctx.fillRect(left, top, size + 2 * edge, size + 2 * edge);
      ctx.fillStyle = "#000";
      ctx.fillRect(left + edge, top + edge, size, size);
      drawTile(ctx, r.sheets, r.tile, left + edge, top + edge, size);
      const said = r.says.filter(Boolean);
      said.forEach((s, k) => {
        ctx.fillStyle = d.colours[s.predicted];
        const part = (size + 2 * edge) / said.length;
        ctx.fillRect(left + k * part, top + size + 2 * edge + 1, part - (k < said.length - 1), strip - 1);
      });
    });
    return canvas;
  }

  destroy() {
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.pause);
    leave(this.group, this);
    this.root.remove();
  }
}

// How many maps are wrong about an image.
function wrongs(r) {
  return r.says.reduce((n, s) => n + (s !== null && s.predicted !== r.true), 0);
}

// Hand a file to the browser's downloads.
function keep(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export default (given) => mount(Grid, given);
