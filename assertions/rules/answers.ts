import type { Mechanism } from '../../history/verdict.ts';
import { answerText, chunkText } from '../answer-text.ts';
import type { Facts, Sighting } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';
import type { Run } from '../run-ledger.ts';
import { STREAMED } from '../stream-search.ts';

const WRONG = 'isolation/wrong-answer';
const NOT_ECHOED = 'evidence/marker-not-echoed';

/** What is known of the answer to a run: shared by the runs that are alike, so never changed. */
interface Answer {
  /** Markers of the pieces that each connection streamed. */
  readonly streamed: ReadonlyMap<string | null, readonly Sighting[]>;
  /** Places of own current markers that came back, as bits, for each event that claims to echo. */
  readonly echoed: readonly number[];
  readonly wrong: boolean;
}

/** The event came. */
const CAME = 1;
const PLACE_BITS: Readonly<Record<string, number>> = { question: 2, note: 4 };
const NONE: readonly never[] = [];
const NOTHING_STREAMED: Answer['streamed'] = new Map();

/**
 * Is my answer mine? An answer that lacks my current marker and holds another's, or a stale one of mine,
 * was made for somebody else or for an earlier question. With no marker at all nothing can be said.
 */
export class AnswerRules implements RuleGroup {
  readonly rules = [WRONG, NOT_ECHOED];
  readonly receivedOnly = true;
  readonly notApplicable: readonly string[];
  readonly #bench: Bench;
  readonly #answers = new Map<Run, Answer>();
  /** Those of runs that streamed no marker, by what else is known of them: there are but a few kinds. */
  readonly #alike = new Map<string, Answer>();
  /** Events that claim to echo, in the profile's order. */
  readonly #echoing: readonly string[];
  /** For whom the answer was made that a user was given. */
  readonly #madeFor = new Map<UserIndex, UserIndex>();
  #answersExamined = 0;
  #echoesExamined = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    const { answer, claims } = bench.knowledge.profile;
    this.#echoing = Object.keys(claims.echo);
    this.notApplicable = [
      ...(answer.answer.length + answer.chunk.length === 0 ? [WRONG] : []),
      ...(Object.keys(claims.echo).length === 0 ? [NOT_ECHOED] : []),
    ];
  }

  examined(rule: string): number {
    return rule === WRONG ? this.#answersExamined : this.#echoesExamined;
  }

  observe(facts: Facts): void {
    const { observation, attribution } = facts;
    const { event, agent } = observation;
    if (attribution === undefined || event === undefined) return;
    const run = this.#bench.ledger.runOf(facts);
    if (run === undefined) return;
    const { order } = this.#bench.knowledge.profile;
    this.#noteEchoes(facts, run, event);
    if (order.chunk.includes(event)) this.#noteStreamed(facts, run);
    const nested = run.outermost !== undefined && agent !== undefined && agent !== run.outermost;
    if (event === order.last && !nested) this.#judgeAnswer(facts, run);
  }

  conclude(ending: Ending): void {
    for (const entry of this.#bench.report.entries)
      if (entry.draft.rule === WRONG && entry.mechanism === null && entry.draft.observer !== null)
        entry.mechanism = this.#mechanismOf(entry.draft.observer);
    for (const [run, answer] of this.#answers)
      if (!isCutShort(run) && !run.excused && run.terminals.length > 0)
        this.#concludeEchoes(run, answer, ending);
  }

  #noteStreamed(facts: Facts, run: Run): void {
    const markers = this.#streamedIn(facts);
    if (markers.length === 0) return;
    const answer = this.#answerTo(run);
    const { conn } = facts.observation;
    const before = answer.streamed.get(conn) ?? NONE;
    const streamed = new Map(answer.streamed).set(conn, [...before, ...markers]);
    this.#keep(run, { ...answer, streamed });
  }

  /** Markers of the answer itself: what else a piece's frame holds was not said to its asker. */
  #streamedIn({ observation, sightings }: Facts): readonly Sighting[] {
    const markers = sightings.filter(isMarker);
    if (markers.length === 0) return markers;
    const { facts: finder, knowledge } = this.#bench;
    const piece = chunkText(knowledge, observation.content ?? '') ?? '';
    const said = new Set(finder.searchText(piece).map(({ text }) => text));
    return markers.filter(({ place, text }) => place === STREAMED || said.has(text));
  }

  #answerTo(run: Run): Answer {
    return (
      this.#answers.get(run) ??
      this.#keep(run, {
        streamed: NOTHING_STREAMED,
        echoed: this.#echoing.map(() => 0),
        wrong: false,
      })
    );
  }

  #keep(run: Run, answer: Answer): Answer {
    const kept = answer.streamed.size === 0 ? this.#shared(answer) : answer;
    this.#answers.set(run, kept);
    return kept;
  }

  #shared(answer: Answer): Answer {
    const key = `${answer.wrong} ${answer.echoed.join(' ')}`;
    const known = this.#alike.get(key);
    if (known !== undefined) return known;
    this.#alike.set(key, answer);
    return answer;
  }

  #judgeAnswer(facts: Facts, run: Run): void {
    const { observation } = facts;
    const { facts: finder, knowledge } = this.#bench;
    const answer = this.#answerTo(run);
    const text =
      observation.content === undefined ? undefined : answerText(knowledge, observation.content);
    if (text === undefined && answer.streamed.size === 0) return;
    this.#answersExamined += 1;
    const said = text === undefined ? [] : finder.searchText(text).filter(isMarker);
    // The final text and the pieces on each tab are answers of their own: one being mine excuses no other.
    for (const markers of [said, ...answer.streamed.values()]) {
      const wrong = this.#wrongMarker(markers, run);
      if (wrong === undefined) continue;
      this.#keep(run, { ...answer, wrong: true });
      const stale = wrong.owner === run.asker;
      if (!stale) this.#madeFor.set(run.asker, wrong.owner);
      this.#wrong(facts, wrong, stale);
      return;
    }
  }

  /** The marker that shows for whom an answer was made, unless it was made for its asker's question. */
  #wrongMarker(markers: readonly Sighting[], run: Run): Sighting | undefined {
    const { knowledge } = this.#bench;
    if (markers.some((sighting) => this.#isCurrent(sighting, run))) return undefined;
    // Members of a thread may be answered with what was said in it, but only there.
    const isShared = knowledge.audienceOf({ thread: run.thread, run: run.id })?.has(run.asker);
    return (
      markers.find(
        ({ owner, text }) =>
          owner !== run.asker && !(isShared === true && knowledge.isPublishedTo(text, run.asker)),
      ) ?? markers.find((sighting) => this.#isStale(sighting, run))
    );
  }

  #wrong({ observation, observer }: Facts, found: Sighting, stale: boolean): void {
    const { knowledge, report } = this.#bench;
    const whom = stale ? 'an earlier question of its own' : knowledge.describe(found.owner);
    report.add({
      rule: WRONG,
      observer,
      owner: found.owner,
      observation,
      place: 'answer',
      at: observation.content?.indexOf(found.text) ?? 0,
      mechanism: stale ? 'replay' : null,
      message: `the answer to ${knowledge.nameOf(observer)} was made for ${whom}`,
    });
  }

  /** The marker of the question, or where questions have none, the asker's note. */
  #isCurrent({ owner, text }: Sighting, run: Run): boolean {
    if (owner !== run.asker) return false;
    if (run.marker !== undefined) return text === run.marker;
    return this.#bench.knowledge.planted.get(text)?.place === 'note';
  }

  #isStale({ owner, text }: Sighting, run: Run): boolean {
    if (owner !== run.asker || run.marker === undefined || text === run.marker) return false;
    return this.#bench.knowledge.planted.get(text)?.place === 'question';
  }

  #noteEchoes({ sightings }: Facts, run: Run, event: string): void {
    const at = this.#echoing.indexOf(event);
    if (at === -1) return;
    const answer = this.#answerTo(run);
    const places = (answer.echoed[at] ?? 0) | CAME | this.#placesOf(sightings, run);
    if (places !== answer.echoed[at])
      this.#keep(run, { ...answer, echoed: answer.echoed.with(at, places) });
  }

  /** Bits of the places whose own current markers are among the sightings. */
  #placesOf(sightings: readonly Sighting[], run: Run): number {
    let places = 0;
    for (const sighting of sightings) places |= this.#placeOf(sighting, run) ?? 0;
    return places;
  }

  #placeOf(sighting: Sighting, run: Run): number | undefined {
    if (sighting.what !== 'marker' || sighting.owner !== run.asker) return undefined;
    if (sighting.text === run.marker) return PLACE_BITS['question'];
    const place = this.#bench.knowledge.planted.get(sighting.text)?.place;
    return place === 'note' ? PLACE_BITS['note'] : undefined;
  }

  #mechanismOf(observer: UserIndex): Mechanism {
    const source = this.#madeFor.get(observer);
    if (source === undefined) return 'misroute';
    if (this.#madeFor.get(source) === observer) return 'swap';
    return this.#madeFor.has(source) ? 'shift' : 'misroute';
  }

  #concludeEchoes(run: Run, answer: Answer, { complete }: Ending): void {
    const { claims, order } = this.#bench.knowledge.profile;
    for (const [at, event] of this.#echoing.entries()) {
      const wanted = claims.echo[event] ?? NONE;
      let places = answer.echoed[at] ?? 0;
      if (places === 0 || (event === order.last && answer.wrong)) continue;
      if (event === order.last) places |= this.#placesOf([...answer.streamed.values()].flat(), run);
      const expected = wanted.filter((place) => place !== 'question' || run.marker !== undefined);
      if (expected.length === 0) continue;
      const missing = expected.filter((place) => (places & (PLACE_BITS[place] ?? 0)) === 0);
      // What is missing in a history with gaps may have come; what came back, came back.
      if (missing.length > 0 && !complete) continue;
      this.#echoesExamined += 1;
      if (missing.length > 0) this.#notEchoed(run, event, missing);
    }
  }

  #notEchoed(run: Run, event: string, missing: readonly string[]): void {
    const { knowledge, report } = this.#bench;
    report.add({
      rule: NOT_ECHOED,
      observer: run.asker,
      owner: null,
      observation: run.ask,
      surface: knowledge.eventsOn,
      event,
      message: `the ${missing.join(' and ')} marker of ${knowledge.nameOf(run.asker)} did not come back in ${event} of its run ${run.question}`,
    });
  }
}

/** Its asker stopped it before its end. */
function isCutShort({ cancelled, stoppedLate }: Run): boolean {
  return cancelled && !stoppedLate;
}

function isMarker(sighting: Sighting): boolean {
  return sighting.what === 'marker';
}
