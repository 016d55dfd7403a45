/** Looking at the same thing again and again is slow enough to be done once. */
export function remembered<A, R>(look: (at: A) => R): (at: A) => R {
  const known = new Map<A, R>();
  return (at) => {
    const before = known.get(at);
    if (before !== undefined) return before;
    const fresh = look(at);
    known.set(at, fresh);
    return fresh;
  };
}
