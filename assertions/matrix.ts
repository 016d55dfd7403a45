import { OUTSIDE, type UserIndex } from './knowledge.ts';

/** Cells kept; a broadcast among thousands of users has millions. */
const CELLS_MAX = 200_000;

interface Cell {
  count: number;
  lastObservation: number;
}

/** Who saw whose, how often: observations in which an observer received something of an owner. */
export class IsolationMatrix {
  readonly #users: number;
  readonly #cells = new Map<number, Cell>();

  constructor(users: number) {
    this.#users = users;
  }

  /** Counts one observation (by its `n`) once per observer and owner, however many rules object. */
  accuse(observer: UserIndex, owner: UserIndex, n: number): void {
    const key = observer * (this.#users + 1) + owner + 1;
    const cell = this.#cells.get(key);
    if (cell === undefined) {
      if (this.#cells.size < CELLS_MAX) this.#cells.set(key, { count: 1, lastObservation: n });
      return;
    }
    if (cell.lastObservation === n) return;
    cell.count += 1;
    cell.lastObservation = n;
  }

  /** Non-zero cells `[observer, owner, count]`, the owner −1 for a person outside. */
  cells(): [number, number, number][] {
    const columns = this.#users + 1;
    return [...this.#cells.entries()]
      .map(([key, { count }]): [number, number, number] => [
        Math.floor(key / columns),
        (key % columns) + OUTSIDE,
        count,
      ])
      .toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  }
}
