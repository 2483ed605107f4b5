// Brings the part of the page that a link asks for into view, once the page has been drawn; not again until it changes.

const done = new WeakMap(); // the place of this component in the page -> what it has shown
// On a busy machine the last parts of a page arrive seconds after the others and move it. A touch ends the following.
const PATIENCE = 10000; // ms after the page has been drawn
const STILL = 40; // looks in a row at which the place was where it belongs

export default ({ data, parentElement }) => {
  const asked = data.place && `${data.place} ${data.of}`;
  if (done.get(parentElement) === asked) return;
  done.set(parentElement, asked);
  if (!asked) return;
  let drawn = performance.now();
  let touched = false;
  const touch = () => (touched = true);
  const events = ["wheel", "touchstart", "keydown", "pointerdown"];
  for (const event of events) addEventListener(event, touch, { passive: true });
  let still = 0;
  const look = () => {
    const place = document.querySelector(`.st-key-${CSS.escape(data.place)}`);
    const at = place?.getBoundingClientRect().top;
    const moved = at === undefined || Math.abs(at - parseFloat(getComputedStyle(place).scrollMarginTop)) > 3;
    if (moved && place && !touched) place.scrollIntoView({ block: "start" });
    const app = document.querySelector("[data-testid=stApp]");
    const drawing = app?.dataset.testScriptState !== "notRunning" || document.querySelector("[data-testid=stSkeleton]");
    if (drawing) drawn = performance.now();
    still = moved || drawing ? 0 : still + 1;
    if (touched || !parentElement.isConnected || still > STILL || performance.now() - drawn > PATIENCE) {
      for (const event of events) removeEventListener(event, touch);
      return;
    }
    setTimeout(look, 100);
  };
  setTimeout(look, 150);
};
