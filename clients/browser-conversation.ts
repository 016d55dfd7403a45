import type { OwnedIds } from '../history/observation.ts';
import type { DecodedFrame, PageWire } from '../targets/target.ts';
import { pageOf, part } from './browser-page.ts';
import type { BrowserSuccession } from './browser-succession.ts';
import { PageAnswer, type ShownAnswer } from './page-answer.ts';
import type { PageDriver } from './page-driver.ts';
import type { Persona, PlannedQuestion } from './persona.ts';
import { toMicroseconds, type Observer } from './recorder.ts';
import { RunTracker } from './run-tracker.ts';
import { StepFailure } from './step-failure.ts';
import type { TargetAccount } from './target-account.ts';
import type { TrialContext } from './trial-context.ts';
import { within } from './waiting.ts';

/** Time kept of a phase for what comes after a page that never stops being at work. */
const RESERVE_SHARE_OF_PHASE = 0.1;

/** A question that is ready to leave: it is typed, only the last press is missing. */
interface Prepared {
  readonly planned: PlannedQuestion;
  readonly ordinal: number;
  readonly answer: PageAnswer;
}

/** A question that has left, or is about to. */
export interface Asked extends Prepared {
  /** Told when the page has sent it. */
  readonly onSent: () => void;
  tracker: RunTracker | undefined;
}

/** Whose questions they are, and on which page they are asked. */
interface ConversationParts {
  readonly persona: Persona;
  readonly account: TargetAccount;
  readonly succession: BrowserSuccession;
  readonly observer: () => Observer;
  /** @throws StepFailure when the browser is not open. */
  readonly driver: () => PageDriver;
}

/** The questions of a user on its page, the runs that answer them, and the threads in which they are asked. */
export class BrowserConversation {
  readonly #context: TrialContext;
  readonly #persona: Persona;
  readonly #account: TargetAccount;
  readonly #succession: BrowserSuccession;
  readonly #observer: () => Observer;
  readonly #driver: () => PageDriver;
  #provokes = false;
  #thread: string | undefined;
  /** Threads that the page made for this user, in their order. */
  readonly #threads = new Set<string>();
  #questions = 0;
  #prepared: Prepared | undefined;
  #intended: number | undefined;
  #asked: Asked | undefined;

  constructor(context: TrialContext, parts: ConversationParts) {
    this.#context = context;
    this.#persona = parts.persona;
    this.#account = parts.account;
    this.#succession = parts.succession;
    this.#observer = parts.observer;
    this.#driver = parts.driver;
  }

  get thread(): string | undefined {
    return this.#thread;
  }

  get threads(): readonly string[] {
    return [...this.#threads];
  }

  get isPrepared(): boolean {
    return this.#prepared !== undefined;
  }

  /** The last question that was asked. */
  get asked(): Asked | undefined {
    return this.#asked;
  }

  /** The page begins another conversation: in which thread, it says when it asks, or the target answers. */
  begin(): void {
    this.#thread = undefined;
  }

  /** When the next question is due. */
  due(intended: number): void {
    this.#intended = intended;
  }

  /** The next question makes a tool of the target fail. */
  provokeError(): void {
    this.#provokes = true;
  }

  /** Types the next question: only the last press is missing. */
  async prepare(): Promise<void> {
    const driver = this.#driver();
    const { composer, send } = pageOf(this.#context.target);
    const ordinal = this.#questions + 1;
    const planned = this.#provokes
      ? this.#account.provoking(this.#persona.question(ordinal), ordinal)
      : this.#persona.question(ordinal);
    this.#provokes = false;
    if (planned.marker !== undefined) this.#account.plant('question', planned.marker);
    const answer = await PageAnswer.before(driver, pageOf(this.#context.target));
    await driver.fill(part(composer, 'page.composer'), planned.content);
    if (send !== null) await driver.aim(part(send, 'page.send'));
    this.#prepared = { planned, ordinal, answer };
  }

  /**
   * Sends the question that is ready.
   * @param unlessStopped settles as the promise does, unless the user is told before that nothing will come.
   */
  async ask(unlessStopped: (left: Promise<boolean>) => Promise<boolean>): Promise<void> {
    const prepared = this.#prepared;
    if (prepared === undefined)
      throw new StepFailure('no question is ready to be asked', { reason: 'error' });
    this.#prepared = undefined;
    const { recorder } = this.#context;
    const { planned, ordinal } = prepared;
    const driver = this.#driver();
    const intended = toMicroseconds(this.#intended ?? recorder.clock.now());
    this.#intended = undefined;
    this.#questions = ordinal;
    const sent = new Promise<true>((resolve) => {
      this.#asked = { ...prepared, onSent: () => resolve(true), tracker: undefined };
    });
    recorder.act(this.#observer(), 'ask', {
      question: ordinal,
      thread: this.#thread,
      marker: planned.marker,
      intended,
    });
    await (pageOf(this.#context.target).send === null ? driver.pressEnter() : driver.pressHere());
    const hasLeft = await unlessStopped(within(sent, driver.stepMsMax, () => false));
    if (hasLeft) return;
    await driver.picture();
    throw new StepFailure(
      `the page sent no question within ${driver.stepMsMax} ms after it was asked to: either it did not ` +
        'take the press, or "page.asked" of the profile does not recognise the frame',
      { reason: 'timeout' },
    );
  }

  /** What the page shows is written down, and so is that it shows nothing; neither ends the script. */
  async readAnswer({ answer, ordinal, tracker }: Asked, since: number | undefined): Promise<void> {
    const { recorder, timeoutMs } = this.#context;
    const { clock } = recorder;
    const begun = since ?? clock.now();
    const latest = begun + timeoutMs * (1 - RESERVE_SHARE_OF_PHASE);
    const shown = await answer.read({ now: () => clock.now(), latest });
    const about = { run: tracker?.run, question: ordinal };
    for (const one of shown) this.#recordShown(one, about);
    if (shown.length > 0) return;
    await this.#driver().picture();
    recorder.failure(this.#observer(), {
      step: 'read-answer',
      reason: 'not-shown',
      message: `the page shows neither an answer (${pageOf(this.#context.target).answer}) nor an error to question ${ordinal}, although its run is over on the wire`,
      ...about,
    });
  }

  #recordShown(
    { event, place, text }: ShownAnswer,
    about: { readonly run: string | undefined; readonly question: number },
  ): void {
    const { journal } = this.#context.recorder;
    const fields = {
      user: this.#observer().user,
      conn: null,
      surface: 'dom',
      dir: 'in',
      kind: 'text',
    } as const;
    journal.append(
      { ...fields, event, place, ...about },
      this.#context.recorder.content(text, false),
    );
  }

  sent(frame: unknown): void {
    const asked = this.#asked;
    if (asked === undefined || asked.tracker !== undefined) return;
    const question = this.#questionIn(frame);
    if (question === undefined) return;
    const { recorder, target } = this.#context;
    const { run } = question;
    const thread = this.#ownThread(question.thread);
    const isNews = thread !== undefined && thread !== this.#thread;
    if (isNews) recorder.identity(this.#observer(), { source: 'thread', ids: { thread } });
    if (run !== undefined) recorder.identity(this.#observer(), { source: 'ask', ids: { run } });
    this.#thread = thread ?? this.#thread;
    if (thread !== undefined) this.#threads.add(thread);
    const { order, answer, claims } = target.judging;
    const endedBy = pageOf(target).endedBy ?? [];
    asked.tracker = new RunTracker(
      { order: { ...order, stopped: [...order.stopped, ...endedBy] }, answer, claims },
      {
        ordinal: asked.ordinal,
        run,
        thread: this.#thread,
        marker: asked.planned.marker,
        userId: this.#account.userId,
      },
    );
    asked.onSent();
  }

  received(decoded: DecodedFrame, text: string, isReply: boolean): void {
    const tracker = this.#asked?.tracker;
    if (tracker === undefined || !tracker.receive(this.#asOfRun(decoded), text, isReply)) return;
    this.#adoptRun(tracker);
  }

  replied(decoded: DecodedFrame): void {
    const tracker = this.#asked?.tracker;
    if (tracker?.replied(decoded) === true) this.#adoptRun(tracker);
  }

  /** The target chose the run id: its answer to the question is where we learn it. */
  #adoptRun({ run, thread }: RunTracker): void {
    const ids: OwnedIds = { run, ...this.#adoptThread(this.#ownThread(thread)) };
    this.#context.recorder.identity(this.#observer(), { source: 'ask', ids });
  }

  /** What ends a run on the page counts as an event of the run, whatever else it is on the wire. */
  #asOfRun(decoded: DecodedFrame): DecodedFrame {
    const { event } = decoded;
    const ends =
      event !== undefined && pageOf(this.#context.target).endedBy?.includes(event) === true;
    return ends ? { ...decoded, role: 'agent' } : decoded;
  }

  #questionIn(frame: unknown): ReturnType<PageWire['asked']> {
    try {
      return pageOf(this.#context.target).asked(frame);
    } catch (error) {
      this.#context.recorder.defect(this.#observer(), 'asked', error);
      return undefined;
    }
  }

  /**
   * A page that still knows its former user's thread asks in it: then the thread is no more this user's
   * for having been named. Everybody else's page names what the target gave it.
   */
  #ownThread(thread: string | undefined): string | undefined {
    if (thread === undefined || thread === this.#thread) return thread;
    const isLeftOver = this.#succession.isSuccessor && this.#context.recorder.ownedByCrowd(thread);
    return isLeftOver ? undefined : thread;
  }

  #adoptThread(thread: string | undefined): OwnedIds {
    if (thread === undefined || this.#thread !== undefined) return {};
    this.#thread = thread;
    this.#threads.add(thread);
    return { thread };
  }
}
