/**
 * The way out of a page for what its watchers tell: gathered, and handed over in batches. The class is sent to
 * the page as its source, so it must stand alone: nothing from outside it but types.
 */
/* oxlint-disable typescript/no-unsafe-type-assertion -- a page's own objects are known by their looks */
import type { PageRecord } from './page-text-script.ts';

/** Hands over what the watchers of one document tell; see the file's head. */
export class PageOutlet {
  readonly #binding: string;
  readonly #pending = new Map<string, PageRecord>();
  #later: ((work: () => void, ms: number) => number) | undefined;
  readonly #stringify = JSON.stringify;
  #send: ((batch: string) => void) | undefined;
  #timer: number | undefined;
  #timerAt = 0;
  #serial = 0;
  #tries = 0;

  /** @param binding name of the function that takes a batch out of the page. */
  constructor(binding: string) {
    this.#binding = binding;
    // A worker that has not begun has none yet.
    if ('setTimeout' in globalThis) this.#later = globalThis.setTimeout.bind(globalThis) as never;
  }

  /** Calls back as the page's own timers do, whatever becomes of those. */
  later(work: () => void, ms: number): number {
    this.#later ??= globalThis.setTimeout.bind(globalThis) as never;
    return this.#later(work, ms);
  }

  put(record: PageRecord): void {
    this.#serial += 1;
    this.#pending.set(`${this.#serial}`, record);
    this.#schedule(0);
  }

  /**
   * Takes a text of a place. It replaces what it begins with, while that has not left the page yet.
   * @returns how many characters it replaced.
   */
  putText(place: string, record: Extract<PageRecord, { kind: 'text' }>, ms: number): number {
    const last = this.#pending.get(place);
    const replaces = last?.kind === 'text' && record.text.startsWith(last.text);
    if (last !== undefined && !replaces) {
      this.#serial += 1;
      this.#pending.delete(place);
      this.#pending.set(`${this.#serial}`, last);
    }
    this.#pending.set(place, record);
    this.#schedule(ms);
    return replaces ? last.text.length : 0;
  }

  deliver(): void {
    if (this.#send === undefined) this.find();
    if (this.#send === undefined || this.#pending.size === 0) return;
    const batch = [...this.#pending.values()].map((record) => this.#written(record));
    this.#pending.clear();
    this.#send(`[${batch.join(',')}]`);
  }

  /** Takes the way out of the page, out of the page's sight. It may be laid after the page began. */
  find(): void {
    if (this.#send !== undefined) return;
    const page = globalThis as unknown as Record<string, unknown>;
    const found = page[this.#binding];
    if (typeof found === 'function') {
      this.#send = found as (batch: string) => void;
      delete page[this.#binding];
      this.#schedule(0);
      return;
    }
    this.#tries += 1;
    if (this.#tries < 200) this.later(() => this.find(), 10);
  }

  /** Member by member: a page that tells lists or objects how to be written (`toJSON`) has no say in it. */
  #written(record: PageRecord): string {
    const members = Object.entries(record).map(
      ([name, value]) => `${this.#stringify(name)}:${this.#stringify(value)}`,
    );
    return `{${members.join(',')}}`;
  }

  #schedule(ms: number): void {
    const at = performance.now() + ms;
    if (this.#timer !== undefined && this.#timerAt <= at) return;
    this.#timerAt = at;
    this.#timer = this.later(() => {
      if (performance.now() < this.#timerAt - 1) return;
      this.#timer = undefined;
      this.deliver();
    }, ms);
  }
}
