// Which image comes next, and which classes are offered for it.

const SHOWN = 18; // classes that the list shows at a time where there are more than ten

/**
 * The next image without a label after `id`, around the end; `id` itself, or the first, if all have one.
 * @param {number[]} ids those asked about, in their order
 * @param {number | null} id
 * @param {{has: (id: number) => boolean}} labels
 * @returns {number | null}
 */
export function nextUnlabelled(ids, id, labels) {
  const from = ids.indexOf(id);
  for (let i = 1; i <= ids.length; i++) {
    const other = ids[(from + i + ids.length) % ids.length];
    if (!labels.has(other)) return other;
  }
  return id ?? (ids.length ? ids[0] : null);
}

/**
 * The classes that match what was typed: those that begin with it first, among them the likeliest first.
 * @param {string[]} names
 * @param {number[]} likely
 * @param {string} typed
 * @returns {number[]}
 */
export function matching(names, likely, typed) {
  const every = names.map((_, k) => k);
  const order = [...likely, ...every.filter((k) => !likely.includes(k))];
  const q = typed.trim().toLowerCase();
  const begins = order.filter((k) => names[k].toLowerCase().startsWith(q));
  const holds = order.filter((k) => !begins.includes(k) && names[k].toLowerCase().includes(q));
  return [...begins, ...holds].slice(0, SHOWN);
}
