// The exhibit outside of Streamlit: it gives the components what Streamlit would, from what lies in the page.

const draw = globalThis.fewLabelsParts;
const KINDS = { int16: Int16Array, int32: Int32Array, float32: Float32Array, uint8: Uint8Array };
const { given, at, buffer } = await globalThis.fewLabelsUnpacked(document.getElementById("given").textContent);
const chosen = { dataset: given.usual, ...of(given.usual).usual };
const looks = window.matchMedia("(prefers-color-scheme: dark)");

/** What there is to choose of a data set. */
function of(dataset) {
  return given.datasets.find(({ name }) => name === dataset);
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
class Room {
  constructor(id, part, style = part) {
    this.part = part;
    this.shadow = document.getElementById(id).attachShadow({ mode: "open" });
    this.sheet = document.createElement("style");
    this.sheet.textContent = given.styles[style];
    this.clear();
  }

  /** Nothing of what was drawn stays: the same ids stand for other images in another data set. */
  clear() {
    this.end?.();
    this.inside = document.createElement("div");
    this.shadow.replaceChildren(this.sheet, this.inside);
  }

  put(data) {
    this.end = draw[this.part]({ data, parentElement: this.inside, setTriggerValue: () => {} });
  }
}

const rooms = {
  headline: new Room("headline", "headline"),
  scores: [new Room("left-score", "score"), new Room("right-score", "score")],
  maps: [new Room("left-map", "map"), new Room("right-map", "map")],
  bar: new Room("bar", "scrubber"),
  legend: new Room("legend", "map"),
};

function show() {
  const pair = given.pairs[`${chosen.dataset} ${chosen.labels} ${chosen.model}`];
  document.getElementById("lacking").textContent = pair ? "" : "This pair is not recorded. Choose another one.";
  if (!pair) return;
  rooms.headline.put(pair.headline);
  for (const id of ["seeds", "recorded"]) document.getElementById(id).textContent = pair[id];
  ["left", "right"].forEach((side, i) => {
    rooms.scores[i].put(given.runs[pair.runs[i]].score);
    rooms.maps[i].put(unpacked(pair.runs[i]));
    [...document.getElementById(`${side}-caption`).children].forEach((part, k) => { part.textContent = pair.captions[i][k]; });
  });
  rooms.bar.put(pair.scrubber);
  rooms.legend.put(pair.legend);
}

/** Another data set, with its own labels, and the model that was shown if it has that, too. */
function another() {
  const { usual, models } = of(chosen.dataset);
  chosen.labels = usual.labels;
  if (!models.some(({ name }) => name === chosen.model)) chosen.model = usual.model;
  for (const room of Object.values(rooms).flat()) room.clear();
  choices();
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
      if (key === "dataset") another();
      show();
    });
    label.append(input, text);
    set.append(label);
  }
  document.getElementById("choices").append(set);
}

function choices() {
  const { budgets, models } = of(chosen.dataset);
  const named = ({ name, title }) => [name, title];
  const before = document.activeElement?.name;
  document.getElementById("choices").replaceChildren();
  if (given.datasets.length > 1) choice("Data set", "dataset", given.datasets.map(named));
  choice("Labelled images", "labels", budgets.map((n) => [n, String(n)]));
  choice("Model", "model", models.map(named));
  document.querySelector(`input[name="${before}"]:checked`)?.focus(); // whoever chooses by the keyboard goes on there
}

choices();
looks.addEventListener("change", show);
show();
