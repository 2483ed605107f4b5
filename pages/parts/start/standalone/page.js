// The exhibit outside of Streamlit: it gives the components what Streamlit would, from what lies in the page.

const draw = globalThis.fewLabelsParts;
const KINDS = { int16: Int16Array, int32: Int32Array, float32: Float32Array, uint8: Uint8Array };
const { given, at, buffer } = await unpackedPage(document.getElementById("given").textContent);
const chosen = { ...given.usual };
const looks = window.matchMedia("(prefers-color-scheme: dark)");

/** Base64 of gzip of: the length of the JSON, the JSON, and the numbers of all tables, which begin `at`. */
async function unpackedPage(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const whole = await new Response(stream).arrayBuffer();
  const length = new DataView(whole).getUint32(0, true);
  const json = new TextDecoder().decode(new Uint8Array(whole, 4, length));
  return { given: JSON.parse(json), at: 4 + length, buffer: whole };
}

/** A run's map as the component wants it: its tables are asked for columns by name. */
function unpacked(name) {
  const run = given.runs[name];
  if (!run.ready) {
    run.ready = { ...run.map, sheets: given.sheets[run.sheets] };
    for (const [key, value] of Object.entries(run.map)) {
      if (!value?.columns) continue;
      const columns = Object.fromEntries(Object.entries(value.columns).map(([c, [kind, begin, n]]) =>
        [c, new KINDS[kind](buffer, at + begin, n)]));
      run.ready[key] = { getChild: (column) => ({ toArray: () => columns[column] }) };
    }
  }
  return run.ready;
}

/** Where a component draws: an element whose styles are its own, as in the explorer. */
function room(id, style) {
  const shadow = document.getElementById(id).attachShadow({ mode: "open" });
  const sheet = document.createElement("style");
  sheet.textContent = given.styles[style];
  const inside = document.createElement("div");
  shadow.append(sheet, inside);
  return inside;
}

const rooms = {
  left: { score: room("left-score", "score"), map: room("left-map", "map") },
  right: { score: room("right-score", "score"), map: room("right-map", "map") },
  bar: room("bar", "scrubber"),
  legend: room("legend", "map"),
};

function put(part, parentElement, data) {
  draw[part]({ data, parentElement, setTriggerValue: () => {} });
}

function show() {
  const pair = given.pairs[`${chosen.labels} ${chosen.model}`];
  const said = document.getElementById("headline");
  said.textContent = pair?.headline ?? "This pair is not recorded. Choose another one.";
  if (!pair) return;
  document.getElementById("spread").textContent = pair.spread;
  ["left", "right"].forEach((side, i) => {
    const run = given.runs[pair.runs[i]];
    put("score", rooms[side].score, run.score);
    put("map", rooms[side].map, unpacked(pair.runs[i]));
    document.getElementById(`${side}-caption`).textContent = pair.captions[i];
  });
  put("scrubber", rooms.bar, pair.scrubber);
  put("map", rooms.legend, pair.legend);
}

/** Radio buttons in a row. */
function choice(title, key, options) {
  const set = document.createElement("fieldset");
  const legend = document.createElement("legend");
  legend.textContent = title;
  set.append(legend);
  for (const [value, text] of options) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: key, value, checked: value === chosen[key] });
    input.addEventListener("change", () => {
      chosen[key] = value;
      show();
    });
    label.append(input, text);
    set.append(label);
  }
  document.getElementById("choices").append(set);
}

choice("Labelled images", "labels", given.budgets.map((n) => [n, String(n)]));
choice("Model", "model", given.models.map(({ name, title }) => [name, title]));
looks.addEventListener("change", show);
show();
