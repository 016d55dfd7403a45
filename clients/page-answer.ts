import { isDeepStrictEqual } from 'node:util';
import type { PageWire, Selector } from '../targets/target.ts';
import type { PageDriver } from './page-driver.ts';
import { pause } from './waiting.ts';

/** How long a page may take to draw what it has received, milliseconds. */
const DRAWING_MS_MAX = 5_000;
const POLL_MS = 40;

/** What a page shows in answer to one question. */
export interface ShownAnswer {
  readonly event: 'answer' | 'error';
  /** `<selector>:nth(<number from 0>)`. */
  readonly place: string;
  /** As a person can read it. */
  readonly text: string;
}

/** Moments on the trial's clock. */
interface Deadlines {
  readonly now: () => number;
  /** A page that still says it is at work is waited for until then. */
  readonly latest: number;
}

interface Counted {
  readonly answers: number;
  readonly errors: number;
}

/**
 * The place on a page where the answer to one question will be: after all that was there when it was
 * asked. Nothing is known of whose text comes there; that is for the judge to say.
 */
export class PageAnswer {
  readonly #driver: PageDriver;
  readonly #wire: PageWire;
  readonly #before: Counted;

  /** Counts what is there already; the question is asked after that. */
  static async before(driver: PageDriver, wire: PageWire): Promise<PageAnswer> {
    const answers = await driver.count(wire.answer);
    const errors = wire.error === undefined ? 0 : await driver.count(wire.error);
    return new PageAnswer(driver, wire, { answers, errors });
  }

  private constructor(driver: PageDriver, wire: PageWire, before: Counted) {
    this.#driver = driver;
    this.#wire = wire;
    this.#before = before;
  }

  /**
   * Waits until the page shows an answer or an error that no longer changes; some seconds, longer only
   * while it says that it is at work. Both where it shows both, empty when neither is there by then.
   */
  async read({ now, latest }: Deadlines): Promise<readonly ShownAnswer[]> {
    const soon = Math.min(now() + DRAWING_MS_MAX, latest);
    let last: readonly ShownAnswer[] = [];
    for (;;) {
      const isBusy = await this.#isBusy();
      const shown = await this.#shown();
      const isFinal = !isBusy && shown.length > 0 && isDeepStrictEqual(shown, last);
      if (isFinal || now() >= latest || (now() >= soon && !isBusy)) return shown;
      last = shown;
      await pause(POLL_MS);
    }
  }

  async #isBusy(): Promise<boolean> {
    return this.#wire.busy !== undefined && (await this.#driver.isVisible(this.#wire.busy));
  }

  async #shown(): Promise<readonly ShownAnswer[]> {
    const { answer, error } = this.#wire;
    const looks = [
      await this.#look('answer', answer, this.#before.answers),
      error === undefined ? undefined : await this.#look('error', error, this.#before.errors),
    ];
    return looks.filter((look) => look !== undefined);
  }

  async #look(
    event: ShownAnswer['event'],
    selector: Selector,
    number: number,
  ): Promise<ShownAnswer | undefined> {
    const text = await this.#driver.textOf(selector, number);
    return text === undefined ? undefined : { event, place: `${selector}:nth(${number})`, text };
  }
}
