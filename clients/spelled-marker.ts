import { answerField, jsonIn } from '../history/answer-field.ts';
import type { ProfileData } from '../history/profile-data.ts';
import type { DecodedFrame } from '../targets/target.ts';

/** What of a profile tells how a run goes, where its words stand, and what its events promise to tell. */
export type Telling = Pick<ProfileData, 'order' | 'answer' | 'claims'>;

/** Runs whose pieces are told apart while it is not known which is the own one. */
const RUNS_MAX = 64;
/** Of pieces that name no run. */
const UNNAMED = '';

/**
 * Looks for the marker of a question in what the pieces of an answer spell. The last event of an answer that came in
 * pieces may say nothing at all; where the target chose the run's id, or events have none, they alone tell whose it is.
 */
export class SpelledMarker {
  readonly #chunk: readonly string[];
  readonly #answer: ProfileData['answer'];
  readonly #marker: string | undefined;
  /** Ends of what was said so far, by the run that the pieces name. */
  readonly #endings = new Map<string, string>();
  #isUnnamed = false;

  constructor({ order, answer }: Telling, marker: string | undefined) {
    this.#chunk = order.chunk;
    this.#answer = answer;
    this.#marker = marker;
  }

  /** Whether an event is a piece that completes the marker, or names as little as pieces that have spelled it. */
  isTold(decoded: DecodedFrame, text: string): boolean {
    const { event = '', run = UNNAMED } = decoded;
    if (this.#isUnnamed && run === UNNAMED) return true;
    if (this.#marker === undefined || !this.#chunk.includes(event)) return false;
    const said = (this.#endings.get(run) ?? '') + this.#pieceIn(decoded, text);
    const isSpelled = said.includes(this.#marker);
    if (isSpelled && run === UNNAMED) this.#isUnnamed = true;
    if (this.#endings.has(run) || this.#endings.size < RUNS_MAX)
      this.#endings.set(run, said.slice(1 - this.#marker.length));
    return isSpelled;
  }

  #pieceIn({ part }: DecodedFrame, text: string): string {
    return answerField(this.#answer, part ?? jsonIn(text), this.#answer.chunk) ?? '';
  }
}
