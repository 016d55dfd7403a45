import type { Observation } from '../../history/observation.ts';
import type { Deed } from '../disturbances.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import { durationOf, pairRuns, type RunPair } from '../paired-runs.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';
import type { Run } from '../run-ledger.ts';
import { signTest } from '../sign-test.ts';
import type { Tally } from '../tally.ts';

const INTERFERENCE = 'isolation/interference';

/** A run that was disturbed counts as slower from here on; anything less may be any machine's mood. */
const SLOWER_FACTOR = 2;
const SLOWER_MS_MIN = 250;
/** Slower in so many stretches that chance alone does it less often than this. */
const SIGNIFICANCE = 0.01;
/** Below this the harness's own loop is no excuse (as for gates). */
const HARNESS_DELAY_MS_MAX = 50;

interface Ended {
  readonly run: Run;
  readonly observation: Observation;
}

/** A stretch of disturbance: how many of the others were slower than before it. */
interface Stretch {
  slower: number;
  compared: number;
  /** Excess over the control of each run that was slower, milliseconds. */
  readonly excesses: number[];
}

/**
 * Did another's disturbance change my outcome? (DESIGN §4.7.) Three ways of telling, from one history:
 * my run was stopped, I had done nothing to it by then, and somebody else stopped one meanwhile; my run failed while
 * somebody else's failed on purpose, and the one before was well; most runs were much slower than the ones
 * before in every stretch of disturbance, in more of them than chance explains.
 */
export class InterferenceRule implements RuleGroup {
  readonly rules = [INTERFERENCE];
  readonly receivedOnly = true;
  readonly #bench: Bench;
  readonly #tally: Tally;
  readonly #stopped: Ended[] = [];
  readonly #failed: Ended[] = [];
  readonly #stopEvents: ReadonlySet<string>;
  readonly #failureEvents: ReadonlySet<string>;
  #pairs: readonly RunPair[] = [];

  constructor(bench: Bench, tally: Tally) {
    const { failure, stopped } = bench.knowledge.profile.order;
    this.#bench = bench;
    this.#tally = tally;
    this.#stopEvents = new Set(stopped);
    this.#failureEvents = new Set(failure);
  }

  get notApplicable(): readonly string[] {
    const applies = this.#bench.disturbances.cancels.length > 0 || this.#pairs.length > 0;
    return applies ? [] : [INTERFERENCE];
  }

  examined(): number {
    return this.#bench.ledger.runs.length;
  }

  observe(facts: Facts): void {
    const { observation, received } = facts;
    const { event } = observation;
    if (!received || event === undefined) return;
    const ends = this.#stopEvents.has(event) ? this.#stopped : this.#failed;
    if (ends === this.#failed && !this.#failureEvents.has(event)) return;
    const run = this.#bench.ledger.runOf(facts);
    if (run !== undefined) ends.push({ run, observation });
  }

  conclude(): void {
    const { disturbances, ledger } = this.#bench;
    this.#pairs = pairRuns(ledger, disturbances);
    for (const { run, observation } of this.#stopped) {
      if (isOwnStop(run, observation)) continue;
      if (disturbances.disturbedItself(run.asker, run.ask, observation)) continue;
      this.#interfered(run, observation, {
        suspects: this.#stoppers(run, observation),
        how: run.cancelled
          ? 'which it had not cancelled yet, was stopped while'
          : 'which it never cancelled, was stopped while',
        did: 'cancelled',
      });
    }
    for (const { run, observation } of this.#failed)
      if (this.#wasWell(run))
        this.#interfered(run, observation, {
          suspects: this.#failers(run, observation),
          how: 'like the one before it not meant to fail, failed while that of',
          did: 'failed on purpose',
        });
    this.#compareDurations();
  }

  /** Who else stopped a run between the question and its end. */
  #stoppers(run: Run, end: Observation): ReadonlySet<UserIndex> {
    const meanwhile = this.#bench.disturbances.cancels.filter(
      ({ user, observation }) =>
        user !== run.asker && observation.n > run.ask.n && observation.n < end.n,
    );
    const named = meanwhile.filter(({ observation }) => observation.run === run.id);
    const cancels = meanwhile.filter(({ act }) => act !== 'probe');
    return new Set((named.length > 0 ? named : cancels).map(({ user }: Deed) => user));
  }

  /** Whose run failed on purpose between the question and the failure. */
  #failers(run: Run, end: Observation): ReadonlySet<UserIndex> {
    const meanwhile = this.#failed.filter(
      (other) =>
        other.run.provoked &&
        other.run.asker !== run.asker &&
        other.observation.n > run.ask.n &&
        other.observation.n < end.n,
    );
    return new Set(meanwhile.map((other) => other.run.asker));
  }

  /** Whether the same user's run before the disturbance came to its proper end. */
  #wasWell(run: Run): boolean {
    const { last } = this.#bench.knowledge.profile.order;
    const pair = this.#pairs.find(({ exposed }) => exposed === run);
    return !run.provoked && pair?.control.terminals[0]?.event === last;
  }

  #interfered(
    run: Run,
    observation: Observation,
    {
      suspects,
      how,
      did,
    }: { readonly suspects: ReadonlySet<UserIndex>; readonly how: string; readonly did: string },
  ): void {
    if (suspects.size === 0) return;
    const { knowledge, report } = this.#bench;
    const [only] = suspects;
    const owner = suspects.size === 1 && only !== undefined ? only : null;
    const who = owner === null ? `${suspects.size} other users` : knowledge.nameOf(owner);
    report.add({
      rule: INTERFERENCE,
      observer: run.asker,
      owner,
      observation,
      message: `run ${run.question} of ${knowledge.nameOf(run.asker)}, ${how} ${who} ${did}`,
    });
  }

  /** A stretch in which most were slower is one hint; only many of them are proof. */
  #compareDurations(): void {
    const stretches = this.#stretches();
    const slow = stretches.filter(({ slower, compared }) => slower > compared / 2);
    if (slow.length === 0) return;
    const chance = signTest(slow.length, stretches.length);
    const excess = medianOf(slow.flatMap(({ excesses }) => excesses));
    const late = this.#tally.harnessDelay?.p99 ?? 0;
    const isOurs = late > HARNESS_DELAY_MS_MAX && excess <= late;
    if (chance <= SIGNIFICANCE && !isOurs) {
      this.#slowed({ slow, stretches, excess }, undefined);
      return;
    }
    // Chance alone makes one of several slow: that says nothing. All of too few are a question left open.
    if (slow.length === stretches.length || isOurs)
      this.#slowed(
        { slow, stretches, excess },
        isOurs ? 'the harness itself was as late' : 'so few may be chance: pass more --rounds',
      );
  }

  #stretches(): readonly Stretch[] {
    const stretches: Stretch[] = [];
    for (const { control, exposed, stretch } of this.#pairs) {
      const before = durationOf(control);
      const during = durationOf(exposed);
      if (before === null || during === null) continue;
      const of = (stretches[stretch] ??= { slower: 0, compared: 0, excesses: [] });
      of.compared += 1;
      if (during <= before * SLOWER_FACTOR + SLOWER_MS_MIN) continue;
      of.slower += 1;
      of.excesses.push(during - before);
    }
    // A stretch without a run to compare has left a hole.
    return stretches.filter((stretch) => stretch !== undefined);
  }

  #slowed(
    {
      slow,
      stretches,
      excess,
    }: {
      readonly slow: readonly Stretch[];
      readonly stretches: readonly Stretch[];
      readonly excess: number;
    },
    doubt: string | undefined,
  ): void {
    this.#bench.report.add({
      rule: INTERFERENCE,
      ...(doubt !== undefined && { severity: 'inconclusive', cause: 'blind' }),
      observer: null,
      owner: null,
      observation: null,
      message: `in ${slow.length} of ${stretches.length} stretches of disturbance most of the other users' runs were slower than before, by ${excess.toFixed(0)} ms${doubt === undefined ? '' : `, but ${doubt}`}`,
    });
  }
}

/** Its asker had stopped it by then: an end that came before is no answer to that. */
function isOwnStop({ cancelled, stoppedAt = Infinity }: Run, { n }: Observation): boolean {
  return cancelled && n > stoppedAt;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
