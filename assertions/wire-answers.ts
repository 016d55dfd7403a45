import type { Observation } from '../history/observation.ts';
import { answerText, chunkText } from './answer-text.ts';
import type { Facts } from './facts.ts';
import type { Knowledge } from './knowledge.ts';
import type { Run } from './run-ledger.ts';

/** Characters of an answer that are compared; what a page draws of more is not looked at. */
const ANSWER_CHARACTERS_MAX = 64 * 1024;

/** What the wire said in answer to one run so far. */
export interface WireAnswer {
  /** Whole answers: of the last event, and per connection of the pieces joined. */
  readonly texts: readonly string[];
  /** Those of the last event: unlike joined pieces they do not grow any more. */
  readonly finals: readonly string[];
  /** Markers of all events of the run. */
  readonly markers: readonly string[];
  /** The target reported an error that names the run. */
  readonly failed: boolean;
}

/** Short lists, each thing once: a soak has one of these for every run, and sets cost more than what is in them. */
interface Collected {
  readonly finals: string[];
  pieces: Map<string, string> | undefined;
  readonly markers: string[];
  failed: boolean;
}

/** Collects what came over the wire for each run, to hold what a page draws against it. */
export class WireAnswers {
  readonly #knowledge: Knowledge;
  readonly #runs = new Map<Run, Collected>();
  readonly #chunks: ReadonlySet<string>;
  readonly #errors: ReadonlySet<string>;

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#chunks = new Set(knowledge.profile.order.chunk);
    this.#errors = new Set(knowledge.profile.errors);
  }

  /** Takes in a frame that belongs to a run of its receiver. */
  receive({ observation, sightings }: Facts, run: Run): void {
    const answer = this.#of(run);
    for (const { what, text } of sightings) if (what === 'marker') addOnce(answer.markers, text);
    const { event, content } = observation;
    if (event === undefined || content === undefined) return;
    if (this.#errors.has(event)) answer.failed = true;
    if (this.#chunks.has(event)) this.#piece(answer, observation, content);
    if (event !== this.#knowledge.profile.order.last || isNested(observation, run)) return;
    const text = answerText(this.#knowledge, content);
    if (text !== undefined) addOnce(answer.finals, text.slice(0, ANSWER_CHARACTERS_MAX));
  }

  /** What was said in answer to a run so far. */
  answerTo(run: Run): WireAnswer {
    const { finals, pieces, markers, failed } = this.#of(run);
    return { texts: [...finals, ...(pieces?.values() ?? [])], finals, markers, failed };
  }

  #piece(answer: Collected, { conn }: Observation, content: string): void {
    const key = conn ?? '';
    const pieces = (answer.pieces ??= new Map());
    const known = pieces.get(key) ?? '';
    if (known.length >= ANSWER_CHARACTERS_MAX) return;
    pieces.set(key, known + (chunkText(this.#knowledge, content) ?? ''));
  }

  #of(run: Run): Collected {
    const known = this.#runs.get(run);
    if (known !== undefined) return known;
    const fresh: Collected = { finals: [], pieces: undefined, markers: [], failed: false };
    this.#runs.set(run, fresh);
    return fresh;
  }
}

function addOnce(texts: string[], text: string): void {
  if (!texts.includes(text)) texts.push(text);
}

/** Sub-agents complete inside the run; what they say is no answer to it. */
function isNested({ agent }: Observation, { outermost }: Run): boolean {
  return outermost !== undefined && agent !== undefined && agent !== outermost;
}

/** Letters and digits alone: what is left of a text when a page has formatted it. */
export function lettersOf(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '');
}
