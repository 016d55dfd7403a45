import type { ProfileData } from '../history/profile-data.ts';
import type { DecodedFrame } from '../targets/target.ts';
import { SpelledMarker, type Telling } from './spelled-marker.ts';

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

/** Runs of others that are told apart while it is not known which is the own one. */
const RUNS_MAX = 64;

/** What an event means for the run that shows it. */
interface Meaning {
  /** The event's canonical name. */
  readonly event: string;
  readonly effect: 'enter' | 'leave' | 'finish' | 'none';
}

type Order = ProfileData['order'];

/** Trials have one order or two, and every event of every run asks what it means. */
const meanings = new WeakMap<Order, Map<string, Meaning>>();
/** Names that are remembered; a target that makes up new ones must not fill the memory. */
const MEANINGS_MAX = 256;

function meaningsOf(order: Order): Map<string, Meaning> {
  let known = meanings.get(order);
  if (known === undefined) meanings.set(order, (known = new Map<string, Meaning>()));
  return known;
}

function meaningOf(event: string, order: Order): Meaning {
  const { first, last, failure, stopped, aliases } = order;
  const canonical = (Object.hasOwn(aliases, event) ? aliases[event] : event) ?? event;
  if (canonical === first) return { event: canonical, effect: 'enter' };
  if (canonical === last) return { event: canonical, effect: 'leave' };
  const isEnd = failure.includes(event) || stopped.includes(event);
  return { event: canonical, effect: isEnd ? 'finish' : 'none' };
}

/**
 * Follows one question to its end: the last event of the outermost agent, a failure, or a stop. It
 * decides nothing but when the asker may stop waiting; whether all was well is for the judge to say.
 */
export class RunTracker {
  readonly #order: Order;
  readonly #claims: Telling['claims'];
  readonly #meanings: Map<string, Meaning>;
  readonly #question: AskedQuestion;
  readonly #spelled: SpelledMarker;
  /** Agents at work, the outermost first. */
  readonly #agents: string[] = [];
  #run: string | undefined;
  #thread: string | undefined;
  /** Threads of runs that nobody has claimed so far, while it is not known which run is this one. */
  #threadsOf: Map<string, string> | undefined;
  #isOver = false;
  #resolve: (() => void) | undefined;
  #sequence = 0;
  /** Canonical names; a run has few. */
  readonly #seen: string[] = [];
  /** Those who wait for an event of the run, or for its end. */
  #awaiting: { readonly event: string; readonly resolve: () => void }[] | undefined;

  constructor(telling: Telling, question: AskedQuestion) {
    const { order, claims } = telling;
    this.#order = order;
    this.#claims = claims;
    this.#spelled = new SpelledMarker(telling, question.marker);
    this.#meanings = meaningsOf(order);
    this.#question = question;
    this.#run = question.run;
    this.#thread = question.thread;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The run's id, once it is known. */
  get run(): string | undefined {
    return this.#run;
  }

  /** The conversation in which it was asked, or which the target began with it. */
  get thread(): string | undefined {
    return this.#thread;
  }

  /** Sequence number of the run's latest event, where its events have any; else 0. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether the run has shown this canonical event. */
  hasSeen(event: string): boolean {
    return this.#seen.includes(event);
  }

  /** Whether the run has shown anything, and nothing of it named a run: it can be told by no id. */
  get isNameless(): boolean {
    return this.#run === undefined && this.#seen.length > 0;
  }

  /** Resolves when the run has shown this canonical event, or is over. */
  until(event: string): Promise<void> {
    if (this.#isOver || this.#seen.includes(event)) return Promise.resolve();
    return new Promise((resolve) => {
      (this.#awaiting ??= []).push({ event, resolve });
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
   * Takes in one frame. Returns true when it told an own id from an authoritative place: an acknowledgement of
   * the question its `run`, which the harness did not choose; an event of the run, or an acknowledgement, the
   * `thread` that the target began with it. `isReply`: it came in the reply to the question.
   */
  receive(decoded: DecodedFrame, text: string, isReply = false): boolean {
    if (this.#isOver) return false;
    const isNews = decoded.role === 'ack' && this.#adopt(decoded, text);
    const isMine = this.#isMine(decoded, text) || (isReply && this.#saysNothingElse(decoded));
    if (decoded.role === 'error' && isMine) this.#finish();
    if (decoded.role === 'agent' && isMine) this.#follow(decoded);
    return this.#learnThread(decoded, isMine) || isNews;
  }

  /** Where nobody chose a thread, it is the one that the run is said to be of. */
  #learnThread({ role, run, thread }: DecodedFrame, isMine: boolean): boolean {
    if (this.#thread !== undefined || (role !== 'agent' && role !== 'ack')) return false;
    if (run !== undefined && this.#run === undefined) return this.#noteThread(run, thread);
    const said = isMine ? thread : undefined;
    this.#thread = said ?? this.#threadsOf?.get(this.#run ?? '');
    return this.#thread !== undefined;
  }

  #noteThread(run: string, thread: string | undefined): false {
    this.#threadsOf ??= new Map();
    if (thread !== undefined && this.#threadsOf.size < RUNS_MAX) this.#threadsOf.set(run, thread);
    return false;
  }

  /**
   * Takes the run of an event for its own that came in the reply to the question, unless it says otherwise.
   * Returns true when that is news, as {@link receive} does.
   */
  replied(decoded: DecodedFrame): boolean {
    const { run, owner } = decoded;
    if (this.#isOver || this.#run !== undefined || run === undefined) return false;
    const isMine = owner === undefined ? this.#saysNothingElse(decoded) : this.#isMine(decoded, '');
    if (isMine) this.#run = run;
    if (isMine) this.#learnThread(decoded, true);
    return isMine;
  }

  #follow({ run, event = '', agent = '', sequence = 0 }: DecodedFrame): void {
    this.#run ??= run;
    this.#sequence = Math.max(this.#sequence, sequence);
    const meaning = this.#meaningOf(event);
    this.#note(meaning.event);
    switch (meaning.effect) {
      case 'enter':
        this.#enter(agent);
        break;
      case 'leave':
        this.#leave(agent);
        break;
      case 'finish':
        this.#finish();
        break;
      case 'none':
        break;
    }
  }

  #meaningOf(event: string): Meaning {
    const known = this.#meanings.get(event);
    if (known !== undefined) return known;
    const meaning = meaningOf(event, this.#order);
    if (this.#meanings.size < MEANINGS_MAX) this.#meanings.set(event, meaning);
    return meaning;
  }

  #note(event: string): void {
    if (!this.#seen.includes(event)) this.#seen.push(event);
    if (this.#awaiting === undefined) return;
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
    for (const { resolve } of this.#awaiting ?? []) resolve();
    this.#awaiting = undefined;
    this.#resolve?.();
  }

  #adopt(decoded: DecodedFrame, text: string): boolean {
    if (this.#run !== undefined || decoded.run === undefined || !this.#isMine(decoded, text))
      return false;
    this.#run = decoded.run;
    return true;
  }

  /** Whether no id speaks against its being the answer that it came with. */
  #saysNothingElse({ owner, run, thread }: DecodedFrame): boolean {
    const isOtherThread = thread !== undefined && this.#question.thread !== undefined;
    return owner === undefined && !isOtherThread && (run === undefined || this.#run === undefined);
  }

  /** By run id where both sides know one, else by thread and owner, else by the marker in the words, else by nothing. */
  #isMine(decoded: DecodedFrame, text: string): boolean {
    const { thread, userId } = this.#question;
    if (decoded.run !== undefined && this.#run !== undefined) return decoded.run === this.#run;
    if (decoded.owner !== undefined && !isSameId(decoded.owner, userId)) return false;
    if (decoded.thread !== undefined && thread !== undefined) return decoded.thread === thread;
    if (decoded.owner !== undefined || decoded.role === 'ack' || decoded.role === 'error')
      return true;
    return this.#tells(decoded, text) || this.#needNotTell(decoded);
  }

  #tells(decoded: DecodedFrame, text: string): boolean {
    const { marker } = this.#question;
    return marker !== undefined && (this.#spelled.isTold(decoded, text) || text.includes(marker));
  }

  /**
   * Whether an event that names nothing at all is of its receiver's latest question, as the judge takes it: one
   * of which the profile promises neither ids nor the marker. Another's event would lack what is promised.
   */
  #needNotTell({ event = '', run, thread }: DecodedFrame): boolean {
    if (run !== undefined || thread !== undefined) return false;
    const { ids, echo } = this.#claims;
    const { event: canonical } = this.#meaningOf(event);
    const isMarked = this.#question.marker !== undefined;
    return [event, canonical].every(
      (name) =>
        (ids[name] ?? []).length === 0 && !(isMarked && (echo[name] ?? []).includes('question')),
    );
  }
}

/** Equal, or a shown prefix (`abcd1234...`) of the id. */
export function isSameId(shown: string, id: string): boolean {
  return shown === id || (shown.endsWith('...') && id.startsWith(shown.slice(0, -3)));
}
