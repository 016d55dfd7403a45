/** Time during which a user's run was under way, wall-aligned ms. */
export interface RunInterval {
  readonly user: number;
  /** Question sent. */
  readonly from: number;
  /** Own last event. */
  readonly to: number;
}

/** Two intervals that share less than this did not really run at once (DESIGN §3.4). */
export const OVERLAP_MS_MIN = 1;

export interface Overlap {
  /** Pairs of users whose runs overlapped at least once. */
  readonly pairs: number;
  /** Pairs of runs of different users that overlapped. */
  readonly runPairs: number;
}

/** Counts overlapping pairs by one sweep over the intervals in the order of their beginnings. */
export function overlapOf(intervals: readonly RunInterval[], users: number): Overlap {
  if (new Set(intervals.map(({ user }) => user)).size === intervals.length)
    return overlapOfSingles(intervals);
  const sorted = intervals.toSorted((a, b) => a.from - b.from);
  const seen = new PairSet(users);
  const pairs = (users * (users - 1)) / 2;
  let active: RunInterval[] = [];
  let firstToEnd = Infinity;
  let runPairs = 0;
  for (const interval of sorted) {
    if (firstToEnd - interval.from < OVERLAP_MS_MIN) {
      active = active.filter((other) => other.to - interval.from >= OVERLAP_MS_MIN);
      firstToEnd = active.reduce((first, other) => Math.min(first, other.to), Infinity);
    }
    if (interval.to - interval.from < OVERLAP_MS_MIN) continue;
    for (const other of active) {
      if (other.user === interval.user) continue;
      runPairs += 1;
      // A load test has them all after its first question, and as many again to count with every other one.
      if (seen.size < pairs) seen.add(other.user, interval.user);
    }
    active.push(interval);
    firstToEnd = Math.min(firstToEnd, interval.to);
  }
  return { pairs: seen.size, runPairs };
}

/** With one run a user every pair is counted once, and counting needs no pairs at all. */
function overlapOfSingles(intervals: readonly RunInterval[]): Overlap {
  const lasting = intervals.filter(({ from, to }) => to - from >= OVERLAP_MS_MIN);
  const starts = lasting.map(({ from }) => from).toSorted((a, b) => a - b);
  const ends = lasting.map(({ to }) => to).toSorted((a, b) => a - b);
  let pairs = 0;
  let ended = 0;
  for (const [started, from] of starts.entries()) {
    // What has ended by now began before, so the rest of what began before still runs.
    while (ended < ends.length && (ends[ended] ?? Infinity) - from < OVERLAP_MS_MIN) ended += 1;
    pairs += started - ended;
  }
  return { pairs, runPairs: pairs };
}

/** A set of unordered pairs of small numbers: one bit each. */
class PairSet {
  readonly #users: number;
  readonly #bits: Uint8Array;
  size = 0;

  constructor(users: number) {
    this.#users = users;
    this.#bits = new Uint8Array(Math.ceil((users * users) / 8));
  }

  add(a: number, b: number): void {
    const index = Math.min(a, b) * this.#users + Math.max(a, b);
    const mask = 1 << (index & 7);
    const byte = this.#bits[index >> 3] ?? 0;
    if ((byte & mask) !== 0) return;
    this.#bits[index >> 3] = byte | mask;
    this.size += 1;
  }
}
