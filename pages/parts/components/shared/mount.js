// Streamlit calls a component whenever the page has run; what is drawn stays and is brought up to date.

const OVERTAKEN = 2000; // milliseconds within which the call comes that has overtaken another
const LIVE = new WeakMap(); // the element Streamlit gives -> the part that lives in it

/** Bring the `Part` in `parentElement` up to date: `new Part(parent)`, `update(data, send)`, `destroy()`. */
export function mount(Part, { data, parentElement, setTriggerValue }) {
  if (!data) return undefined;
  if (!LIVE.has(parentElement)) LIVE.set(parentElement, new Part(parentElement));
  const it = LIVE.get(parentElement);
  const call = (it.calls = (it.calls ?? 0) + 1);
  it.update(data, setTriggerValue);
  const end = () => {
    if (it.calls !== call || LIVE.get(parentElement) !== it) return;
    LIVE.delete(parentElement);
    it.destroy();
  };
  // A call overtaken by newer data while this module was being loaded is ended, too: before the next one, or after it.
  return () => (parentElement.isConnected ? setTimeout(end, OVERTAKEN) : end());
}
