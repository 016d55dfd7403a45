import pLimit from 'p-limit';
import type { TrialEnd } from '../history/observation.ts';
import type { Progress } from '../history/progress.ts';
import type { QuietWindow } from './quiet-window.ts';
import type { Recorder } from './recorder.ts';
import { failureOf, isDefect, StepFailure } from './step-failure.ts';
import { NotApplicable } from './not-applicable.ts';
import { offsetsOf } from './offsets.ts';
import type { OptionalVerb, User } from './user.ts';
import { every, nextTurn, pause } from './waiting.ts';

/** Steps of one phase under way at once: more than any crowd, so that waiting is never in line. */
const STEPS_MAX = 100_000;
/** How often time limits are looked at, and how often progress is told at most. */
const SWEEP_MS = 50;
const PROGRESS_EVERY_MS = 250;
/** Quiet is looked for at most this often; the window itself is exact. */
const QUIET_STEP_MS = 250;
const CANNOT_RESTART = 'only a target that the harness started itself can be started again';

/** Every user of the crowd is out: there is nobody left to walk the rest of the script. */
export class CrowdLost extends Error {
  override readonly name = 'CrowdLost';
}

/** The trial was ended early on purpose. */
export class TrialAborted extends Error {
  override readonly name = 'TrialAborted';
}

/** What a phase lets a user do. */
export type UserStep = (user: User) => Promise<void>;

export interface PhaseOptions {
  /** Users at work at once; without it all of them. */
  readonly limit?: number;
  /** Round of the script the phase belongs to; shown in its name where there are several. */
  readonly round?: number;
  /** Whom the phase is for; without it everybody. */
  readonly only?: (user: User) => boolean;
}

/** What users do in a phase that lasts; see {@link Crowd.throughout}. */
export interface LastingSteps {
  /** What each does when it comes. */
  readonly first: UserStep;
  /** What each does from then on, one round after the other, with the ordinal of the round from 1. */
  readonly again: (user: User, round: number) => Promise<void>;
  /** How long this goes on where nobody said it, milliseconds. */
  readonly usualMs: number;
}

/** How users are released together. */
export interface TogetherOptions extends Omit<PhaseOptions, 'limit'> {
  /** Each user's moment is up to so many milliseconds after the common one, as the seed draws it. */
  readonly spreadMs?: number;
}

/** What a crowd is made of; see `openTrial`. */
export interface CrowdParts {
  readonly users: readonly User[];
  readonly rounds: number;
  readonly recorder: Recorder;
  readonly quiet: QuietWindow;
  /** Longest time `settle` may take, milliseconds. */
  readonly settleMsMax: number;
  /** Time limit of each phase for each user, milliseconds. */
  readonly timeoutMs: number;
  /** How long {@link Crowd.throughout} goes on, milliseconds; null leaves it to the script. */
  readonly forMs?: number | null;
  /** Time over which {@link Crowd.throughout} lets users come, milliseconds. */
  readonly rampMs?: number;
  /** Questions that the target allows a campaign; {@link Crowd.throughout} ends with them. */
  readonly questionsMax?: number | null;
  readonly onProgress: (progress: Progress) => void;
  /** Compares the target's clock with ours once more, on every connection. */
  readonly sampleClocks?: (() => void) | undefined;
  /** Asks the target's health endpoints; never rejects. */
  readonly probeHealth: () => Promise<void>;
  /** Lets go of everything the trial held, once all connections are closed. */
  readonly release: () => Promise<void>;
  /** What is drawn by chance depends on it. */
  readonly seed?: string;
  /** Events that every run must show, in their usual order. */
  readonly events?: readonly string[];
  /** Ends the target and starts it again at the same address, where the harness itself started it. */
  readonly restartTarget?: (() => Promise<void>) | undefined;
  /** Told why the script does not apply to this target, before it is broken off; may throw. */
  readonly onNotApplicable?: ((reason: string) => void) | undefined;
}

interface Action {
  readonly user: User;
  readonly fail: (failure: StepFailure) => void;
}

/**
 * All users of a trial, and the phases they go through together. A user whose step fails is recorded
 * and passed over from then on; the verdict comes from the history, never from what a phase did.
 */
export class Crowd {
  readonly users: readonly User[];
  /** `1 … rounds`, to walk with `for … of`. */
  readonly rounds: readonly number[];
  readonly #parts: CrowdParts;
  readonly #actions = new Set<Action>();
  readonly #aborted: Promise<never>;
  #abort: (error: TrialAborted) => void = () => undefined;
  #abortion: TrialAborted | undefined;
  #settling: Promise<void> | undefined;
  #settledAll = false;
  #closing: Promise<void> | undefined;

  constructor(parts: CrowdParts) {
    this.users = parts.users;
    this.rounds = Array.from({ length: parts.rounds }, (_, index) => index + 1);
    this.#parts = parts;
    this.#aborted = new Promise<never>((_resolve, reject) => {
      this.#abort = reject;
    });
    // Whoever is in a phase hears of an abort there; otherwise nobody needs to.
    this.#aborted.catch(() => undefined);
  }

  /** Events that every run of this target must show, in their usual order. */
  get events(): readonly string[] {
    return this.#parts.events ?? [];
  }

  /**
   * Breaks a script off that needs what this target, or this way of acting, does not offer: the trial then
   * neither passes nor fails. Call it before anything else.
   * @throws NotApplicable
   */
  needs(...verbs: readonly (OptionalVerb | 'restartTarget')[]): void {
    for (const verb of verbs) {
      if (verb === 'restartTarget') {
        if (this.#parts.restartTarget === undefined) this.notApplicable(CANNOT_RESTART);
        continue;
      }
      for (const user of this.users) {
        const reason = user.cannot(verb);
        if (reason !== undefined) this.notApplicable(reason);
      }
    }
  }

  /** Breaks the script off, for this reason. @throws NotApplicable */
  notApplicable(reason: string): never {
    this.#parts.onNotApplicable?.(reason);
    throw new NotApplicable(reason);
  }

  /**
   * Ends the embedded target and starts it again at the same address; everybody must be away by then.
   * @throws NotApplicable where the target is not the harness's own.
   */
  async restartTarget(): Promise<void> {
    const { recorder, restartTarget } = this.#parts;
    if (restartTarget === undefined) this.notApplicable(CANNOT_RESTART);
    recorder.act({ user: null, conn: null }, 'restart-target');
    await restartTarget();
    for (const user of this.users) user.forgotten();
  }

  /** Path of the trial's `history.ndjson`. */
  get historyPath(): string {
    return this.#parts.recorder.journal.path;
  }

  /** Whether the crowd has been waited for as {@link settle} does, and nothing was begun since. */
  get isSettled(): boolean {
    return this.#settledAll;
  }

  /** Whether nobody is left to go on with the script. */
  get isLost(): boolean {
    return this.users.every((user) => user.isOut);
  }

  /** Why the trial was ended early, or undefined. */
  get abortion(): TrialAborted | undefined {
    return this.#abortion;
  }

  /**
   * Lets every user who is still in do a step, all at once unless `limit` says otherwise, and waits for
   * all of them.
   * @throws CrowdLost when nobody is left, TrialAborted after {@link abort}, and whatever a mistake in the
   * script itself throws; never because a step failed.
   */
  async each(phase: string, step: UserStep, options: PhaseOptions = {}): Promise<void> {
    const limit = pLimit(options.limit ?? STEPS_MAX);
    await this.#phase(phase, options, (users, perform) =>
      users.map((user) => limit(() => perform(user, step))),
    );
  }

  /**
   * Lets every user who is still in do a step at the same moment: all of them get ready first, then one
   * common intended moment is taken and all are released in one synchronous loop (DESIGN §3.4), or, with
   * `spreadMs`, each at its own moment shortly after it.
   * @throws as {@link each}.
   */
  async together(phase: string, step: UserStep, options: TogetherOptions = {}): Promise<void> {
    const { recorder, seed = '' } = this.#parts;
    const { spreadMs = 0 } = options;
    const offsetOf = offsetsOf(`${seed} ${this.#nameOf(phase, options)}`, spreadMs);
    await this.#phase(phase, options, async (users, perform) => {
      const prepared = users.map((user) => perform(user, (one) => one.prepare(), true));
      await Promise.all(prepared);
      const ready = users.filter((user) => !user.isOut);
      const intended = recorder.clock.now();
      return ready.map(async (user) => {
        const offset = offsetOf(user.name);
        user.due(intended + offset);
        // Without an offset everybody leaves in this very loop.
        if (offset > 0) await pause(offset);
        return perform(user, step);
      });
    });
  }

  /**
   * Lets users come one after the other, evenly over the ramp, and each do its rounds until the time that
   * `--for` gave is over (without it: the usual time after the ramp), or the target's budget of questions, of
   * which each round takes one. Nobody begins a round after that, and each ends the one under way.
   * @throws as {@link each}.
   */
  async throughout(phase: string, { first, again, usualMs }: LastingSteps): Promise<void> {
    const { recorder, forMs, rampMs = 0, questionsMax } = this.#parts;
    const { clock } = recorder;
    const began = clock.now();
    // Who says only how long users come does not mean those who come last to find it over.
    const until = began + (forMs ?? rampMs + usualMs);
    let left = questionsMax ?? Infinity;
    await this.each(phase, async (user) => {
      await this.#pauseUntil(began + (rampMs * user.index) / this.users.length);
      await first(user);
      for (let round = 1; clock.now() < until && left > 0 && !user.isOut; round += 1) {
        left -= 1;
        await again(user, round);
      }
    });
  }

  /**
   * Waits until the crowd has heard nothing for the quiet window, at most for the profile's longest
   * (DESIGN §3.6), and until the history is on disk as far as it goes. May be called again at any time.
   */
  settle(): Promise<void> {
    this.#settling ??= this.#settle();
    return this.#settling;
  }

  /** Ends the trial early: phases under way and to come throw {@link TrialAborted}. */
  abort(reason: string): void {
    if (this.#abortion !== undefined) return;
    this.#abortion = new TrialAborted(reason);
    this.#abort(this.#abortion);
    for (const user of this.users) user.leave();
  }

  /** Asks for health once more, closes all connections from our side and writes the last line. */
  close(reason: TrialEnd['reason']): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  /** Stops or resumes reading everywhere: the journal cannot follow, or can again. */
  press(high: boolean): void {
    for (const user of this.users)
      if (high) user.pause();
      else user.resume();
  }

  /** An abort must not wait for a moment to come, so long waits are taken in steps. */
  async #pauseUntil(moment: number): Promise<void> {
    const { clock } = this.#parts.recorder;
    for (let left = moment - clock.now(); left > 0; left = moment - clock.now()) {
      if (this.#abortion !== undefined) return;
      await pause(Math.min(left, QUIET_STEP_MS));
    }
  }

  #nameOf(phase: string, { round }: PhaseOptions): string {
    return round === undefined || this.rounds.length === 1 ? phase : `${phase} ${round}`;
  }

  async #phase(
    title: string,
    options: PhaseOptions,
    start: (
      users: readonly User[],
      perform: (user: User, step: UserStep, quietly?: boolean) => Promise<void>,
    ) => Promise<void>[] | Promise<Promise<void>[]>,
  ): Promise<void> {
    const phase = this.#nameOf(title, options);
    const users = this.#begin(phase).filter(options.only ?? (() => true));
    const count = new PhaseCount(phase, users.length, this.#parts);
    const defects: unknown[] = [];
    const missing: NotApplicable[] = [];
    const stopSweep = every(SWEEP_MS, () => this.#sweep());
    try {
      const all = (async () => {
        const started = await start(users, async (user, step, quietly = false) => {
          const ok = await this.#perform(user, step, { defects, missing });
          if (!ok || !quietly) count.add(ok);
        });
        await Promise.all(started);
      })();
      // After an abort the steps under way end by themselves, and nobody waits for them.
      all.catch(() => undefined);
      await Promise.race([all, this.#aborted]);
    } finally {
      stopSweep();
      count.end();
      this.#mark(phase, 'end');
    }
    if (defects.length > 0) throw defects[0];
    const [first] = missing;
    if (first !== undefined) this.notApplicable(first.message);
    if (this.isLost)
      throw new CrowdLost(`all ${this.users.length} users are out after the phase "${phase}"`);
  }

  #begin(phase: string): readonly User[] {
    if (this.#abortion !== undefined) throw this.#abortion;
    this.#settling = undefined;
    this.#settledAll = false;
    this.#mark(phase, 'begin');
    return this.users.filter((user) => !user.isOut);
  }

  /** Runs one step, synchronously up to its first wait. Resolves to whether it succeeded. */
  async #perform(
    user: User,
    step: UserStep,
    thrown: { readonly defects: unknown[]; readonly missing: NotApplicable[] },
  ): Promise<boolean> {
    if (user.isOut) return false;
    let action: Action | undefined;
    try {
      const running = step(user);
      const limit = new Promise<never>((_resolve, reject) => {
        action = { user, fail: reject };
        this.#actions.add(action);
      });
      running.catch(() => undefined);
      await Promise.race([running, limit]);
      return true;
    } catch (error) {
      if (error instanceof NotApplicable) {
        thrown.missing.push(error);
        return false;
      }
      this.#failed(user, error);
      if (isDefect(error)) thrown.defects.push(error);
      return false;
    } finally {
      if (action !== undefined) this.#actions.delete(action);
    }
  }

  #failed(user: User, error: unknown): void {
    if (!(error instanceof StepFailure && error.recorded) && this.#abortion === undefined)
      this.#parts.recorder.failure({ user: user.name, conn: null }, failureOf(error, user.step));
    user.leave();
  }

  #sweep(): void {
    const { recorder, timeoutMs } = this.#parts;
    const now = recorder.clock.now();
    for (const { user, fail } of this.#actions) {
      if (user.since === undefined || now - user.since < timeoutMs) continue;
      fail(
        new StepFailure(`"${user.step}" was not over within ${timeoutMs} ms`, {
          reason: 'timeout',
          step: user.step,
        }),
      );
    }
  }

  #mark(phase: string, mark: 'begin' | 'end'): void {
    this.#parts.recorder.journal.append({
      user: null,
      conn: null,
      surface: 'harness',
      dir: 'act',
      kind: 'phase',
      phase,
      mark,
    });
  }

  async #settle(): Promise<void> {
    const { quiet, recorder, settleMsMax, sampleClocks } = this.#parts;
    const { clock, inbox, journal } = recorder;
    this.#mark('settle', 'begin');
    // The last runs were timed by a clock that may have been put ahead or back since it was read last.
    sampleClocks?.();
    const started = clock.now();
    let heardAt: number | undefined;
    let deafMs = 0;
    while (this.#abortion === undefined) {
      const { lastAt = started } = quiet;
      if (lastAt !== heardAt) deafMs = 0;
      heardAt = lastAt;
      const now = clock.now();
      const left = Math.min(lastAt + quiet.windowMs + deafMs, started + settleMsMax) - now;
      if (left > 0) {
        // An abort must not wait for silence, so long waits are taken in steps.
        const step = Math.min(left + 1, QUIET_STEP_MS);
        await pause(step);
        // What was said while the harness itself stood still is not read yet: that was no silence.
        deafMs += Math.max(clock.now() - now - step, 0);
        continue;
      }
      // It may have stood still before as well, and timers come before what waits in the sockets.
      await nextTurn();
      inbox.deliver();
      if (quiet.lastAt === undefined || quiet.lastAt === lastAt) break;
      if (clock.now() >= started + settleMsMax) break;
    }
    this.#mark('settle', 'end');
    await journal.flush();
    this.#settledAll = this.#abortion === undefined;
  }

  async #close(reason: TrialEnd['reason']): Promise<void> {
    const { recorder, probeHealth, release } = this.#parts;
    if (reason !== 'interrupted') await probeHealth();
    await Promise.all(this.users.map((user) => user.close()));
    await release();
    await recorder.journal.end(reason);
  }
}

/** Counts a phase's users and tells progress, not too often. */
class PhaseCount {
  readonly #phase: string;
  readonly #total: number;
  readonly #parts: CrowdParts;
  readonly #startedAt: number;
  #done = 0;
  #failed = 0;
  #toldAt: number;

  constructor(phase: string, total: number, parts: CrowdParts) {
    this.#phase = phase;
    this.#total = total;
    this.#parts = parts;
    this.#startedAt = parts.recorder.clock.now();
    this.#toldAt = this.#startedAt;
    this.#tell(false);
  }

  add(ok: boolean): void {
    if (ok) this.#done += 1;
    else this.#failed += 1;
    const now = this.#parts.recorder.clock.now();
    if (now - this.#toldAt < PROGRESS_EVERY_MS) return;
    this.#toldAt = now;
    this.#tell(false);
  }

  end(): void {
    this.#tell(true);
  }

  #tell(over: boolean): void {
    this.#parts.onProgress({
      kind: 'phase',
      phase: this.#phase,
      done: this.#done,
      failed: this.#failed,
      total: this.#total,
      elapsedMs: Math.round(this.#parts.recorder.clock.now() - this.#startedAt),
      over,
    });
  }
}
