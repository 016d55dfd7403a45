/** A name further away than this share of its length is not what was meant. */
const DISTANCE_SHARE_MAX = 0.4;
const NAMES_SHOWN_MAX = 3;

/** The known names nearest to a misspelt one, best first; empty when none is near. */
export function nearestNames(word: string, known: readonly string[]): string[] {
  const wanted = word.toLowerCase();
  return known
    .map((name) => ({ name, distance: distanceTo(name.toLowerCase(), wanted) }))
    .filter(({ distance }) => distance < Infinity)
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, NAMES_SHOWN_MAX)
    .map(({ name }) => name);
}

/** `Did you mean "x"? ` or nothing, to put in front of the list of what there is. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearestNames(word, known);
  return near.length === 0 ? '' : `Did you mean ${near.map((name) => `"${name}"`).join(' or ')}? `;
}

/**
 * How far a name is from what was written, infinitely if it is not near. A part of a name counts as near:
 * `marker` is meant for `isolation/foreign-marker`. How far is too far depends on what was compared, for a
 * long name in front of a short tail says nothing of the tail.
 */
function distanceTo(name: string, wanted: string): number {
  if (wanted.length >= 3 && name.includes(wanted)) return 0.5;
  const tail = name.slice(name.indexOf('/') + 1);
  const distances = [name, tail]
    .map((text) => ({ text, distance: editDistance(text, wanted) }))
    .filter(({ text, distance }) => distance <= Math.max(2, text.length * DISTANCE_SHARE_MAX))
    .map(({ distance }) => distance);
  return Math.min(Infinity, ...distances);
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
