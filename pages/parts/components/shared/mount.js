// Streamlit calls a component whenever the page has run; what is drawn stays and is brought up to date.

const OVERTAKEN = 2000; // milliseconds within which the call that has overtaken another comes, if it has not come before it
const LIVE = new WeakMap(); // the element Streamlit gives -> the part that lives in it, and which calls it had

/** Bring the `Part` in `parentElement` up to date: `new Part(parent)`, `update(data, send)`, `destroy()`.
 *
 * Streamlit ends a call that newer data has overtaken while this module was being loaded, and on a busy machine the two
 * calls come in either order: then the newer one is done once more, and the part lives on. */
export function mount(Part, { data, parentElement, setTriggerValue }) {
  if (!data) return undefined;
  if (!LIVE.has(parentElement)) LIVE.set(parentElement, { part: new Part(parentElement) });
  const it = LIVE.get(parentElement);
  const call = { update: () => it.part.update(data, setTriggerValue), before: it.valid };
  it.last = it.valid = call;
  if (call.before) call.before.before = undefined;
  call.update();
  const end = () => {
    if (LIVE.get(parentElement) !== it) return;
    LIVE.delete(parentElement);
    it.part.destroy();
  };
  const overtaken = () => setTimeout(() => {
    if (it.last !== call) return;
    if (!parentElement.isConnected) return end();
    if (!it.valid) return overtaken(); // nothing newer has come: on the page it stays
    it.last = it.valid;
    it.valid.update();
  }, OVERTAKEN);
  return () => {
    if (!parentElement.isConnected) return end();
    if (it.valid === call) it.valid = call.before;
    overtaken();
  };
}
