// Components that name the same group look at the same image, in the same colours and with the same filters. They are
// modules of their own, so what they share in the browser hangs on the window. Nothing of this reaches the server.

const GROUPS = (globalThis.fewLabelsGroups ??= new Map());

/** The group called `name`, with `member` in it. */
export function join(name, member) {
  if (!GROUPS.has(name)) {
    GROUPS.set(name, { mode: null, filter: {}, lasso: null, hover: null, pin: null, near: [], members: new Set(),
      epoch: null, film: null });
  }
  const group = GROUPS.get(name);
  group.members.add(member);
  return group;
}

/** Colours and filters stay for who comes next; what is looked at goes with the last member. */
export function leave(group, member) {
  group.members.delete(member);
  group.hover = null;
  if (!group.members.size) Object.assign(group, { pin: null, epoch: null, film: null });
}

/** Change the group and tell its members: `heard(changes, from)` of each is called. */
export function tell(group, changes, from = null) {
  Object.assign(group, changes);
  for (const member of group.members) member.heard(changes, from);
}

/** The member that sends the clicks of its group to the server, if there is one. */
export function pinCard(group) {
  return [...group.members].find((member) => member.takesPins);
}
