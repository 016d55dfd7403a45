import type { Observation } from '../../history/observation.ts';
import type { Facts, Sighting } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';
import type { Run } from '../run-ledger.ts';
import { lettersOf, WireAnswers, type WireAnswer } from '../wire-answers.ts';

const MISMATCH = 'isolation/wire-page-mismatch';
const NOT_SHOWN = 'delivery/not-shown';

/** What a server sends, as opposed to what a page makes of it. */
const WIRE: ReadonlySet<string> = new Set(['socket', 'http', 'sse', 'html']);
/** Foreign markers kept to the end to tell whether the wire carried them. */
const RENDERED_MAX = 2_000;
const CARRIED_MAX = 20_000;
/** A page may shorten an answer; this many letters of its beginning tell that it is this one. */
const BEGINNING_LETTERS_MIN = 20;

/** What a page drew for a question of its user: its answer or an error. */
interface Drawn {
  readonly what: 'answer' | 'error';
  readonly observation: Observation;
  readonly observer: UserIndex;
  readonly sightings: readonly Sighting[];
}

/** Do page and wire agree? (DESIGN §4.7.) Judged only where a page was read, at the end of the record. */
export class PageRules implements RuleGroup {
  readonly rules = [MISMATCH, NOT_SHOWN];
  readonly #bench: Bench;
  readonly #answers: WireAnswers;
  readonly #drawn: Drawn[] = [];
  /** Completed runs whose page showed what its wire said: nothing that comes later makes that wrong. */
  readonly #shownAsSaid = new Set<Run>();
  /** Questions for which a page showed neither answer nor error. */
  readonly #unseen: { observation: Observation; observer: UserIndex }[] = [];
  readonly #rendered: Facts[] = [];
  /** Markers of others that a user's wire carried, whatever became of them. */
  readonly #carried = new Map<UserIndex, Set<string>>();
  /** Users whose wire was not seen whole, so that nothing can be said to be absent from it. */
  readonly #partlyBlind = new Set<UserIndex>();
  #pageTexts = 0;
  #shownExamined = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#answers = new WireAnswers(bench.knowledge);
  }

  get notApplicable(): readonly string[] {
    const { knowledge, ledger } = this.#bench;
    if (knowledge.browserUsers.length === 0) return [MISMATCH, NOT_SHOWN];
    // A script that ends every run early has no answer that a page could show.
    const completed = ledger.runs.some(
      (run) => knowledge.isBrowser(run.asker) && !run.excused && this.#isCompleted(run),
    );
    return completed ? [] : [NOT_SHOWN];
  }

  examined(rule: string): number {
    return rule === MISMATCH ? this.#pageTexts : this.#shownExamined;
  }

  observe(facts: Facts): void {
    const { observation, observer } = facts;
    if (!this.#bench.knowledge.isBrowser(observer)) return;
    if (observation.kind === 'failure') this.#failure(observation, observer);
    if (!facts.received) return;
    if (observation.surface === 'dom') this.#page(facts);
    else if (WIRE.has(observation.surface)) this.#wire(facts);
  }

  conclude(ending: Ending): void {
    const drawnFor = new Map<Run, Drawn[]>();
    for (const drawn of this.#drawn) {
      const run = this.#runOf(drawn);
      if (run !== undefined) drawnFor.set(run, [...(drawnFor.get(run) ?? []), drawn]);
    }
    for (const [run, drawn] of drawnFor) this.#judgeDrawn(run, drawn);
    for (const run of this.#shownAsSaid) if (!drawnFor.has(run)) drawnFor.set(run, []);
    this.#concludeUnseen(drawnFor);
    // Only a whole record can say that something never came.
    if (ending.complete) for (const facts of this.#rendered) this.#judgeRendered(facts);
  }

  #failure(observation: Observation, observer: UserIndex): void {
    const { step, reason } = observation;
    if (step === 'read-answer' && reason === 'not-shown')
      this.#unseen.push({ observation, observer });
    if (step === 'watch' && WIRE.has(reason ?? '')) this.#partlyBlind.add(observer);
  }

  #page(facts: Facts): void {
    const { observation, observer, sightings, foreign } = facts;
    this.#pageTexts += 1;
    const { event: what } = observation;
    if ((what === 'answer' || what === 'error') && !this.#isAsSaid(facts))
      this.#drawn.push({ what, observation, observer, sightings });
    if (this.#rendered.length < RENDERED_MAX && foreign.some(isMarker)) this.#rendered.push(facts);
  }

  #wire(facts: Facts): void {
    const { observation, observer } = facts;
    const carried = this.#carriedTo(facts);
    if ((observation.cut ?? 0) > 0 || carried.size > CARRIED_MAX) this.#partlyBlind.add(observer);
    const { knowledge, ledger } = this.#bench;
    if (observation.surface !== knowledge.eventsOn || observation.kind !== 'frame') return;
    const named = ledger.byId(observation.run, observer);
    const run = facts.attribution === undefined ? named : ledger.runOf(facts);
    if (run?.asker === observer) this.#answers.receive(facts, run);
  }

  #carriedTo({ observer, sightings }: Facts): ReadonlySet<string> {
    const carried = this.#carried.get(observer) ?? new Set<string>();
    this.#carried.set(observer, carried);
    for (const { what, owner, text } of sightings)
      if (what === 'marker' && owner !== observer) carried.add(text);
    return carried;
  }

  #runOf({ observation, observer }: Omit<Drawn, 'what' | 'sightings'>): Run | undefined {
    const { ledger } = this.#bench;
    const named = ledger.byId(observation.run, observer);
    if (named !== undefined) return named.asker === observer ? named : undefined;
    const { question } = observation;
    return ledger.runsOf(observer).find((run) => run.question === question);
  }

  /** Whether an answer is that of its wire already, so that nothing more of it is kept than this. */
  #isAsSaid({ observation, observer }: Facts): boolean {
    const run = this.#bench.ledger.byId(observation.run, observer);
    if (observation.event !== 'answer' || run?.asker !== observer) return false;
    if (!this.#isCompleted(run)) return false;
    const shown = lettersOf(observation.content ?? '');
    // Pieces may still be on their way, as in a replay: their beginning is the beginning of many answers.
    const { finals } = this.#answers.answerTo(run);
    const said = finals.map((text) => lettersOf(text)).filter((text) => text !== '');
    if (!said.some((text) => isSame(shown, text))) return false;
    this.#shownAsSaid.add(run);
    return true;
  }

  #isCompleted({ terminals }: Run): boolean {
    const { last } = this.#bench.knowledge.profile.order;
    return terminals.some(({ event }) => event === last);
  }

  #isFailed({ terminals }: Run): boolean {
    const { failure } = this.#bench.knowledge.profile.order;
    return terminals.some(({ event }) => failure.includes(event));
  }

  #judgeDrawn(run: Run, drawn: readonly Drawn[]): void {
    if (run.cancelled) return;
    const wire = this.#answers.answerTo(run);
    const completed = this.#isCompleted(run);
    const failed = this.#isFailed(run) || wire.failed;
    // Ended in both ways, the page may show either.
    if (completed === failed) return;
    const answers = drawn.filter(({ what }) => what === 'answer');
    const errors = drawn.filter(({ what }) => what === 'error');
    if (completed) for (const answer of answers) this.#compare(run, answer, wire);
    // An error beside an answer was passing trouble; an answer beside an error, what came before it.
    if (completed && answers.length === 0 && !this.#shownAsSaid.has(run))
      this.#contradicted(run, errors, 'shows an error although its wire carried an answer');
    if (failed && errors.length === 0)
      this.#contradicted(
        run,
        answers.filter((answer) => !isPartOf(answer, wire)),
        'shows an answer although the run failed on its wire',
      );
  }

  #contradicted(run: Run, drawn: readonly Drawn[], what: string): void {
    for (const one of drawn) this.#mismatch(run, one, { what });
  }

  /** The page may format the answer; then its markers must be the same. */
  #compare(run: Run, drawn: Drawn, wire: WireAnswer): void {
    const said = wire.texts.filter((text) => lettersOf(text) !== '');
    if (said.length === 0) return;
    const shown = lettersOf(drawn.observation.content ?? '');
    if (said.some((text) => isSame(shown, lettersOf(text)))) return;
    const differences = said.map((text) => this.#difference(run, drawn, { text, wire }));
    if (differences.includes(undefined)) return;
    const stranger = differences.find((difference) => difference?.owner !== null);
    this.#mismatch(run, drawn, {
      what: 'shows another answer than its wire carried',
      owner: stranger?.owner ?? null,
    });
  }

  /** Undefined when the markers agree, else whose marker tells that they do not. */
  #difference(
    run: Run,
    { sightings }: Drawn,
    { text, wire }: { text: string; wire: WireAnswer },
  ): { readonly owner: UserIndex | null } | undefined {
    const wanted = new Set(this.#markersOf(text));
    const shown = sightings.filter(isMarker);
    const strange = shown.find(
      (sighting) => !wanted.has(sighting.text) && this.#isStrange(sighting, run, wire),
    );
    if (strange !== undefined) return { owner: strange.owner };
    const seen = new Set(shown.map((sighting) => sighting.text));
    return [...wanted].every((marker) => seen.has(marker)) ? undefined : { owner: null };
  }

  /** A page may show the own question, name and note beside an answer, and what led to it. */
  #isStrange({ owner, text }: Sighting, run: Run, wire: WireAnswer): boolean {
    const { knowledge } = this.#bench;
    if (text === run.marker || wire.markers.includes(text)) return false;
    if (owner !== run.asker) return !knowledge.isPublishedTo(text, run.asker);
    return knowledge.planted.get(text)?.place === 'question';
  }

  #markersOf(text: string): string[] {
    return this.#bench.facts
      .searchText(text)
      .filter(isMarker)
      .map((sighting) => sighting.text);
  }

  #concludeUnseen(drawnFor: ReadonlyMap<Run, readonly Drawn[]>): void {
    for (const run of drawnFor.keys()) if (this.#isCompleted(run)) this.#shownExamined += 1;
    const { knowledge, report } = this.#bench;
    for (const unseen of this.#unseen) {
      const run = this.#runOf(unseen);
      if (run === undefined || !this.#isCompleted(run) || drawnFor.has(run) || run.excused)
        continue;
      this.#shownExamined += 1;
      report.add({
        rule: NOT_SHOWN,
        observer: run.asker,
        owner: null,
        observation: unseen.observation,
        surface: 'dom',
        event: this.#bench.knowledge.profile.order.last,
        message: `run ${run.question} of ${knowledge.nameOf(run.asker)} was answered, but the page shows neither answer nor error`,
      });
    }
  }

  #mismatch(
    run: Run,
    { what: event, observation }: Drawn,
    difference: { what: string; owner?: UserIndex | null },
  ): void {
    const { knowledge, matrix, report } = this.#bench;
    const { owner = null } = difference;
    if (owner !== null && owner !== run.asker) matrix.accuse(run.asker, owner, observation.n);
    report.add({
      rule: MISMATCH,
      observer: run.asker,
      owner,
      observation,
      event,
      place: observation.place ?? null,
      message: `the page of ${knowledge.nameOf(run.asker)} ${difference.what} (run ${run.question})`,
    });
  }

  /** The page shows what its wire never carried in any readable form: the page itself made it readable. */
  #judgeRendered(facts: Facts): void {
    const { knowledge, facts: finder, report } = this.#bench;
    const { observation, observer } = facts;
    const tenants = [observer, ...knowledge.tenancy.formerOf(observer)];
    if (tenants.some((user) => this.#partlyBlind.has(user))) return;
    for (const sighting of finder.reconsider(facts).filter(isMarker)) {
      const { owner, text } = sighting;
      if (knowledge.tenancy.isResidue(observation, observer, owner)) continue;
      if (tenants.some((user) => this.#hasCarried(user, text))) continue;
      report.add({
        rule: MISMATCH,
        observer,
        owner,
        observation,
        place: sighting.place,
        at: sighting.at,
        message: `the page of ${knowledge.nameOf(observer)} shows a marker of ${knowledge.describe(owner)} that its wire never carried in readable form`,
      });
    }
  }

  #hasCarried(user: UserIndex, marker: string): boolean {
    for (const text of this.#carried.get(user) ?? [])
      if (text.startsWith(marker) || marker.startsWith(text)) return true;
    return false;
  }
}

function isMarker(sighting: Sighting): boolean {
  return sighting.what === 'marker';
}

function isSame(shown: string, said: string): boolean {
  if (shown.includes(said)) return true;
  return shown.length >= BEGINNING_LETTERS_MIN && said.startsWith(shown);
}

/** A streamed answer that broke off may be left standing. */
function isPartOf({ observation }: Drawn, { texts }: WireAnswer): boolean {
  const shown = lettersOf(observation.content ?? '');
  return shown !== '' && texts.some((text) => lettersOf(text).includes(shown));
}
