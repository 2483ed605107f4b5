// Streamlit calls a component whenever the page has run; what is drawn stays and is brought up to date.

const LIVE = new WeakMap(); // the element Streamlit gives -> the part that lives in it

/** Bring the `Part` in `parentElement` up to date: `new Part(parent)`, `update(data, send)`, `destroy()`. */
export function mount(Part, { data, parentElement, setTriggerValue }) {
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
