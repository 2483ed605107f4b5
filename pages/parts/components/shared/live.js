// What one browser shows of its maps and another is to show: per group the colours, the lasso, the pinned image, the epoch.

const MOST = 100_000; // images in a lasso that is taken

/** The member of a group that plays its film, if there is one. */
export function filmOf(group) {
  return [...group.members].find((member) => member.playsFilm);
}

const cardOf = (group) => [...group.members].find((member) => member.takesPins);

/**
 * What the groups show: {name: {mode, lasso, pin, card, playing, epoch}}; of a film that plays not where it is.
 * @param {Map<string, Object>} groups as in groups.js
 */
export function written(groups) {
  const found = {};
  for (const [name, group] of groups) {
    if (!group.members.size) continue;
    const playing = Boolean(filmOf(group)?.playing);
    found[name] = { mode: group.mode, lasso: group.lasso && [...group.lasso], pin: group.pin ?? null,
      card: Boolean(cardOf(group)), playing, epoch: playing ? null : group.epoch };
  }
  return found;
}

/** A word that changes whenever `written` does, without writing out a lasso. */
export function signed(groups, known) {
  const parts = [];
  for (const [name, group] of groups) {
    if (!group.members.size) continue;
    if (group.lasso && !known.has(group.lasso)) known.set(group.lasso, (known.last = (known.last ?? 0) + 1));
    const playing = Boolean(filmOf(group)?.playing);
    parts.push([name, group.mode, group.lasso ? known.get(group.lasso) : 0, group.pin ?? null, Boolean(cardOf(group)), playing,
      playing ? null : group.epoch]);
  }
  return JSON.stringify(parts);
}

const whole = (value) => Number.isInteger(value);

// What is to change in a group, each with what can take it: undefined as long as nobody has joined who could.
const TAKES = {
  mode: (group, { mode }, tell) => {
    if (![...group.members].some((m) => m.data?.modes?.includes(mode))) return false;
    if (group.mode !== mode) tell(group, { mode });
    return true;
  },
  lasso: (group, { lasso }, tell) => {
    const ids = Array.isArray(lasso) ? lasso.filter(whole).slice(0, MOST) : null;
    if (ids || group.lasso) tell(group, { lasso: ids && new Set(ids) });
    return true;
  },
  // By the card, as a click does: it asks the server for what it shows. Else the maps mark it.
  pin: (group, { pin, card }, tell) => {
    const id = whole(pin) ? pin : null;
    const taker = cardOf(group);
    if (card && !taker) return false;
    if ((group.pin ?? null) === id) return true;
    if (taker) taker.pin(id);
    else tell(group, { pin: id, near: [] });
    return true;
  },
  epoch: (group, { epoch, playing }, tell) => {
    const film = filmOf(group);
    if (!film) return false;
    if (playing) {
      if (!film.playing) film.play();
      return true;
    }
    film.stop(false);
    const to = Number.isFinite(epoch) ? epoch : null;
    if (group.epoch !== to) tell(group, { epoch: to });
    return true;
  },
};

/**
 * Let a group show what is `wanted` of it, each once: `done` holds what has been. True if nothing is left to do.
 * @param {Object} group
 * @param {Object} wanted of `written`
 * @param {Set<string>} done
 * @param {(group: Object, changes: Object) => void} tell
 */
export function showIn(group, wanted, done, tell) {
  for (const [what, take] of Object.entries(TAKES)) {
    if (!done.has(what) && take(group, wanted, tell)) done.add(what);
  }
  return done.size === Object.keys(TAKES).length;
}
