// What of a page's address goes with a link to another page.

/** The image by its id, i >= 0 a training image, -1 - j test image j; "" if there is none. */
function imageOf(from, numbers) {
  if (!numbers) return from.get("image") ?? "";
  const training = from.get("pinned");
  if (training !== null) return training;
  const j = from.get("image");
  return /^\d{1,7}$/.test(j ?? "") ? String(-1 - Number(j)) : "";
}

/**
 * The query of a link as {key: text}: those of `link.takes` that the address `search` has.
 *
 * A page that shows several runs says ?runs=, one that shows one ?run=: the first of several is taken, and one run goes
 * to a page of several as ?beside=. Of several, `last` is the one rather than the first: what a page of one run showed last.
 * `numbers`, of this page as of the link's, says that ?image= is the number of a test image there; a training image is
 * ?pinned= then.
 */
export function carried(search, link, numbers, last) {
  const from = new URLSearchParams(search);
  const one = from.get("run") || from.get("beside");
  const several = (from.get("runs") ?? "").split(",");
  const query = {};
  const put = (key, value) => value && (query[key] = value);
  for (const key of link.takes) {
    if (key === "run") put("run", one || (several.includes(last) ? last : several[0]));
    else if (key === "runs") put(from.get("runs") ? "runs" : "beside", from.get("runs") || one);
    else if (key !== "image") put(key, from.get(key));
    else {
      const id = imageOf(from, numbers);
      if (!link.numbers) put("image", id);
      else if (/^-\d{1,7}$/.test(id)) put("image", String(-1 - Number(id)));
      else put("pinned", id);
    }
  }
  return query;
}
