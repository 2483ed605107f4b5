// Brings the part of the page that a link asks for into view, once the page has been drawn; not again until it changes.

const done = new WeakMap(); // the place of this component in the page -> what it has shown
const PATIENCE = 8000; // ms; a page that is still being drawn moves

export default ({ data, parentElement }) => {
  const asked = data.place && `${data.place} ${data.of}`;
  if (done.get(parentElement) === asked) return;
  done.set(parentElement, asked);
  if (!asked) return;
  const began = performance.now();
  let touched = false;
  const touch = () => (touched = true);
  const events = ["wheel", "touchmove", "keydown", "pointerdown"];
  for (const event of events) addEventListener(event, touch, { passive: true });
  const look = () => {
    const app = document.querySelector("[data-testid=stApp]");
    const place = document.querySelector(`.st-key-${CSS.escape(data.place)}`);
    const late = performance.now() - began > PATIENCE;
    if (touched || late || (place && app?.dataset.testScriptState === "notRunning")) {
      for (const event of events) removeEventListener(event, touch);
      if (!touched && place) place.scrollIntoView({ block: "start" });
      return;
    }
    setTimeout(look, 100);
  };
  setTimeout(look, 150);
};
