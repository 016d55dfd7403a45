import type { ProfileData } from '../history/profile-data.ts';
import type { DecodedFrame } from '../targets/target.ts';

/** A question that has been asked, as far as its asker can tell. */
export interface AskedQuestion {
  /** Ordinal of the question, from 1. */
  readonly ordinal: number;
  /** The run id; undefined until the target has told it, where the harness may not choose it. */
  readonly run: string | undefined;
  readonly thread: string | undefined;
  readonly marker: string | undefined;
  readonly userId: string;
}

/** Agents of one run at work at once that are told apart; beyond, a run counts as over early. */
const AGENTS_MAX = 64;

/**
 * Follows one question to its end: the last event of the outermost agent, a failure, or a stop. It
 * decides nothing but when the asker may stop waiting; whether all was well is for the judge to say.
 */
export class RunTracker {
  readonly #order: ProfileData['order'];
  readonly #question: AskedQuestion;
  readonly #agents: string[] = [];
  #run: string | undefined;
  #isOver = false;
  #resolve: (() => void) | undefined;
  #sequence = 0;
  readonly #seen = new Set<string>();
  /** Those who wait for an event of the run, or for its end. */
  #awaiting: { readonly event: string; readonly resolve: () => void }[] = [];

  constructor(order: ProfileData['order'], question: AskedQuestion) {
    this.#order = order;
    this.#question = question;
    this.#run = question.run;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The run's id, once it is known. */
  get run(): string | undefined {
    return this.#run;
  }

  /** The conversation in which it was asked. */
  get thread(): string | undefined {
    return this.#question.thread;
  }

  /** Sequence number of the run's latest event, where its events have any; else 0. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether the run has shown this canonical event. */
  hasSeen(event: string): boolean {
    return this.#seen.has(event);
  }

  /** Resolves when the run has shown this canonical event, or is over. */
  until(event: string): Promise<void> {
    if (this.#isOver || this.#seen.has(event)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#awaiting.push({ event, resolve });
    });
  }

  /** Resolves when the run is over. */
  over(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /**
   * Takes in one frame. Returns true when an acknowledgement of the question named its run, which the
   * harness did not choose: then `run` is an own id from an authoritative place.
   */
  receive(decoded: DecodedFrame, text: string): boolean {
    if (this.#isOver) return false;
    if (decoded.role === 'ack') return this.#adopt(decoded, text);
    if (decoded.role === 'error' && this.#isMine(decoded, text)) this.#finish();
    if (decoded.role === 'agent' && this.#isMine(decoded, text)) this.#follow(decoded);
    return false;
  }

  #follow({ run, event = '', agent = '', sequence = 0 }: DecodedFrame): void {
    this.#run ??= run;
    this.#sequence = Math.max(this.#sequence, sequence);
    const { first, last, failure, stopped, aliases } = this.#order;
    const canonical = Object.hasOwn(aliases, event) ? aliases[event] : event;
    this.#note(canonical ?? event);
    if (canonical === first) this.#enter(agent);
    else if (canonical === last) this.#leave(agent);
    else if (failure.includes(event) || stopped.includes(event)) this.#finish();
  }

  #note(event: string): void {
    this.#seen.add(event);
    if (this.#awaiting.length === 0) return;
    for (const awaited of this.#awaiting) if (awaited.event === event) awaited.resolve();
    this.#awaiting = this.#awaiting.filter((awaited) => awaited.event !== event);
  }

  /** A second start of an agent that is at work is a fault of the target, and no second agent. */
  #enter(agent: string): void {
    if (this.#agents.length < AGENTS_MAX && !this.#agents.includes(agent)) this.#agents.push(agent);
  }

  /** The outermost agent came first; the end of one that never started is taken for its end. */
  #leave(agent: string): void {
    const at = this.#agents.indexOf(agent);
    if (at <= 0) this.#finish();
    else this.#agents.splice(at, 1);
  }

  #finish(): void {
    this.#isOver = true;
    for (const { resolve } of this.#awaiting.splice(0)) resolve();
    this.#resolve?.();
  }

  #adopt(decoded: DecodedFrame, text: string): boolean {
    if (this.#run !== undefined || decoded.run === undefined || !this.#isMine(decoded, text))
      return false;
    this.#run = decoded.run;
    return true;
  }

  /** By run id where both sides know one, else by thread and owner, else by the marker in the text. */
  #isMine(decoded: DecodedFrame, text: string): boolean {
    const { thread, userId, marker } = this.#question;
    if (decoded.run !== undefined && this.#run !== undefined) return decoded.run === this.#run;
    if (decoded.owner !== undefined && !isSameId(decoded.owner, userId)) return false;
    if (decoded.thread !== undefined && thread !== undefined) return decoded.thread === thread;
    if (decoded.owner !== undefined || decoded.role === 'ack' || decoded.role === 'error')
      return true;
    return marker !== undefined && text.includes(marker);
  }
}

/** Equal, or a shown prefix (`abcd1234...`) of the id. */
export function isSameId(shown: string, id: string): boolean {
  return shown === id || (shown.endsWith('...') && id.startsWith(shown.slice(0, -3)));
}
