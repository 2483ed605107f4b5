// Sessions of the plane outside of Streamlit: a choice of them, and what plays the one chosen.

const { given: kept, at: begins, buffer: all } = await globalThis.fewLabelsUnpacked(document.getElementById("plane-given").textContent);
const { player, plane } = globalThis.fewLabelsParts;
const shadow = document.getElementById("plane").attachShadow({ mode: "open" });
const sheet = document.createElement("style");
sheet.textContent = document.getElementById("plane-style").textContent;
const inside = document.createElement("div");
shadow.append(sheet, inside);

function play(session) {
  const data = { draw: plane, session, bytes: new Uint8Array(all, begins) };
  player({ data, parentElement: inside, setTriggerValue: () => {} });
}

const set = document.createElement("fieldset");
set.append(Object.assign(document.createElement("legend"), { textContent: "Points" }));
kept.sessions.forEach((session, i) => {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "figure", value: session.name });
  input.checked = session.name === kept.usual || (!kept.usual && !i);
  input.addEventListener("change", () => play(session));
  label.append(input, session.title);
  set.append(label);
  if (input.checked) play(session);
});
if (kept.sessions.length > 1) document.getElementById("plane-choices").append(set);
