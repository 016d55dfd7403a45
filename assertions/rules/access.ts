import type { Observation } from '../../history/observation.ts';
import type { AccessRow } from '../../history/verdict.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';
import type { Tally } from '../tally.ts';
import { AskingVerbs } from './asking-verbs.ts';
import { SignOutWatch } from './sign-out.ts';

const UNAUTHORIZED = 'isolation/unauthorized-access';
const STALE = 'isolation/stale-authority';
const INCOMPLETE = 'evidence/incomplete-history';

/** Kinds of probes whose authority once was good and has ended since. */
const ENDED = /sign.?out|log.?out|expired|revoked/i;
/** Only where an own id is accepted does the refusal of a foreign one say anything. */
const FOREIGN_ID = 'foreign id';
const OWN_ID = 'own id';
/** Rows of the table; a script that probes more is told so by the missing results. */
const ROWS_MAX = 10_000;

/** One attempt, and what came of it. */
interface Probe {
  readonly user: UserIndex;
  readonly owner: UserIndex | null;
  readonly act: Observation;
  readonly place: string;
  readonly source: string;
  readonly mustBeRefused: boolean;
  got: 'refused' | 'accepted' | 'unclear';
  result: Observation | undefined;
}

/**
 * Was what must be refused refused? (DESIGN §4.7.) The probes of a trial and their results, and sockets
 * that outlive a sign-out. A refusal counts only where the same verb accepts the owner.
 */
export class AccessRules implements RuleGroup {
  readonly rules = [UNAUTHORIZED, STALE];
  readonly #bench: Bench;
  readonly #signOuts: SignOutWatch;
  readonly #asking: AskingVerbs;
  readonly #probes: Probe[] = [];

  constructor(bench: Bench, tally: Tally) {
    this.#bench = bench;
    this.#signOuts = new SignOutWatch(bench, tally);
    this.#asking = new AskingVerbs(bench.ledger);
  }

  get notApplicable(): readonly string[] {
    const stale = this.#probesOf(STALE).length > 0 || this.#signOuts.applies;
    return [
      ...(this.#probesOf(UNAUTHORIZED).length > 0 ? [] : [UNAUTHORIZED]),
      ...(stale ? [] : [STALE]),
    ];
  }

  examined(rule: string): number {
    const answered = this.#probesOf(rule).filter(({ result }) => result !== undefined).length;
    return rule === STALE ? answered + this.#signOuts.judged : answered;
  }

  observe(facts: Facts): void {
    this.#signOuts.observe(facts);
    this.#asking.observe(facts);
    const { observation, observer } = facts;
    if (observation.act === 'probe') this.#tried(observation, observer);
    else if (observation.act === 'probe-result') this.#answered(observation, observer);
  }

  observeCrowd(observation: Observation): void {
    this.#signOuts.observeCrowd(observation);
  }

  conclude(): void {
    this.#signOuts.conclude();
    for (const probe of this.#probes)
      if (probe.got === 'unclear') this.#open(probe, 'what came of it is not clear');
    this.#controls();
  }

  /** The hostile-access table of the verdict. */
  table(): AccessRow[] {
    const { knowledge } = this.#bench;
    return this.#probes.map(({ user, owner, place, source, mustBeRefused, got }) => ({
      user: knowledge.nameOf(user),
      owner: owner === null ? null : knowledge.nameOf(owner),
      verb: place,
      source,
      expected: mustBeRefused ? 'refused' : 'accepted',
      got,
    }));
  }

  #probesOf(rule: string): readonly Probe[] {
    return this.#probes.filter((probe) => ruleOf(probe) === rule);
  }

  #tried(act: Observation, user: UserIndex): void {
    const { place = 'something', source = 'unknown', owner, message } = act;
    if (this.#probes.length >= ROWS_MAX) return;
    this.#probes.push({
      user,
      owner: this.#bench.knowledge.indexOf(owner ?? null) ?? null,
      act,
      place,
      source,
      mustBeRefused: message !== 'must be accepted',
      got: 'unclear',
      result: undefined,
    });
  }

  /** The oldest probe of that user and verb still open; of that kind too, where the result says it. */
  #answered(result: Observation, user: UserIndex): void {
    const { place, source, reason } = result;
    const probe = this.#probes.find(
      (open) =>
        open.result === undefined &&
        open.user === user &&
        open.place === place &&
        (source === undefined || open.source === source),
    );
    if (probe === undefined) {
      if (reason === 'accepted' && source !== OWN_ID) this.#untold(result, user);
      return;
    }
    probe.result = result;
    if (reason !== 'refused' && reason !== 'accepted') return;
    probe.got = reason;
    if (reason === 'accepted' && probe.mustBeRefused) this.#accepted(probe, result);
  }

  /** Whether it had to be refused, and whose it was, stood in the line that is missing. */
  #untold(result: Observation, user: UserIndex): void {
    const { knowledge, report } = this.#bench;
    const { place = 'something', source = 'an unknown authority' } = result;
    report.add({
      rule: INCOMPLETE,
      observer: user,
      owner: null,
      observation: result,
      surface: surfaceOf(place),
      place,
      message: `${place} with ${source} was accepted from ${knowledge.nameOf(user)}, and the record of the attempt is missing`,
    });
  }

  #accepted(probe: Probe, result: Observation): void {
    const { knowledge, matrix, report } = this.#bench;
    const { user, owner, place, source } = probe;
    if (owner !== null && owner !== user) matrix.accuse(user, owner, result.n);
    const whose = owner === null || owner === user ? '' : ` of ${knowledge.nameOf(owner)}`;
    report.add({
      rule: ruleOf(probe),
      observer: user,
      owner,
      observation: result,
      surface: surfaceOf(place),
      place,
      event: `${source}: ${place}`,
      mechanism: 'access',
      message: `${place} with ${source}${whose} was accepted from ${knowledge.nameOf(user)}`,
    });
  }

  /** Where nothing is accepted, a refusal says nothing: the verb may not work at all. */
  #controls(): void {
    const own = this.#probes.filter(({ source }) => source === OWN_ID);
    const tried = new Set(own.map(({ place }) => place));
    const accepts = new Set([
      ...this.#asking.accepted(),
      ...own.filter(({ got }) => got === 'accepted').map(({ place }) => place),
    ]);
    const told = new Set<string>();
    for (const probe of this.#probes) {
      const { place, source, got } = probe;
      const needsControl = source === FOREIGN_ID || (source !== OWN_ID && tried.has(place));
      if (!needsControl || got !== 'refused' || accepts.has(place)) continue;
      const key = `${ruleOf(probe)} ${place}`;
      if (told.has(key)) continue;
      told.add(key);
      this.#open(probe, 'it was never accepted with an own id either, so its refusal says nothing');
    }
  }

  #open(probe: Probe, why: string): void {
    const { knowledge, report } = this.#bench;
    const { user, place, source, act, result } = probe;
    report.add({
      rule: ruleOf(probe),
      severity: 'inconclusive',
      cause: 'blind',
      observer: user,
      owner: null,
      observation: result ?? act,
      surface: surfaceOf(place),
      place,
      event: `${source}: ${place}`,
      message: `${place} with ${source} by ${knowledge.nameOf(user)}: ${why}`,
    });
  }
}

function ruleOf({ source }: Probe): string {
  return ENDED.test(source) ? STALE : UNAUTHORIZED;
}

function surfaceOf(place: string): string {
  if (place.startsWith('socket')) return 'socket';
  return place.startsWith('http') ? 'http' : 'harness';
}
