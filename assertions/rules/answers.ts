import type { Mechanism } from '../../history/verdict.ts';
import { answerText, type Facts, type Sighting } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';
import type { Run } from '../run-ledger.ts';

const WRONG = 'isolation/wrong-answer';
const NOT_ECHOED = 'evidence/marker-not-echoed';

interface Answer {
  /** Markers of the streamed pieces and the final text. */
  readonly markers: Sighting[];
  /** Places of own current markers that came back, by event type. */
  readonly echoed: Map<string, Set<string>>;
  wrong: boolean;
}

/**
 * Is my answer mine? An answer that lacks my current marker and holds another's, or a stale one of mine,
 * was made for somebody else or for an earlier question. With no marker at all nothing can be said.
 */
export function answerRules(bench: Bench): RuleGroup {
  const { knowledge, facts: finder, ledger, report } = bench;
  const { profile } = knowledge;
  const answers = new Map<Run, Answer>();
  const givenTo = new Map<UserIndex, UserIndex>();
  let answersExamined = 0;
  let echoesExamined = 0;

  const answerOf = (run: Run): Answer => {
    const known = answers.get(run);
    if (known !== undefined) return known;
    const fresh: Answer = { markers: [], echoed: new Map(), wrong: false };
    answers.set(run, fresh);
    return fresh;
  };

  const isCurrent = (sighting: Sighting, run: Run): boolean => {
    if (sighting.what !== 'marker' || sighting.owner !== run.asker) return false;
    if (run.marker !== undefined) return sighting.text === run.marker;
    return knowledge.planted.get(sighting.text)?.place === 'note';
  };

  const isStale = (sighting: Sighting, run: Run): boolean =>
    sighting.what === 'marker' &&
    sighting.owner === run.asker &&
    run.marker !== undefined &&
    sighting.text !== run.marker &&
    knowledge.planted.get(sighting.text)?.place === 'question';

  const judgeAnswer = (facts: Facts, run: Run): void => {
    const { observation, observer } = facts;
    const answer = answerOf(run);
    const text =
      observation.content === undefined ? undefined : answerText(knowledge, observation.content);
    const markers = [...answer.markers, ...(text === undefined ? [] : finder.searchText(text))];
    if (text === undefined && markers.length === 0) return;
    answersExamined += 1;
    if (markers.some((sighting) => isCurrent(sighting, run))) return;
    const foreign = markers.find(
      (sighting) =>
        sighting.what === 'marker' &&
        sighting.owner !== observer &&
        !knowledge.isPublishedTo(sighting.text, observer),
    );
    const stale = markers.find((sighting) => isStale(sighting, run));
    const found = foreign ?? stale;
    if (found === undefined) return;
    answer.wrong = true;
    if (foreign !== undefined) givenTo.set(observer, foreign.owner);
    report.add({
      rule: WRONG,
      observer,
      owner: found.owner,
      observation,
      place: 'answer',
      at: Math.max(0, observation.content?.indexOf(found.text) ?? 0),
      mechanism: foreign === undefined ? 'replay' : null,
      message:
        foreign === undefined
          ? `the answer to ${knowledge.nameOf(observer)} was made for an earlier question of its own`
          : `the answer to ${knowledge.nameOf(observer)} was made for ${knowledge.nameOf(foreign.owner)}`,
    });
  };

  const noteEcho = (places: Set<string>, sighting: Sighting, run: Run): void => {
    if (sighting.what !== 'marker' || sighting.owner !== run.asker) return;
    if (sighting.text === run.marker) places.add('question');
    else if (knowledge.planted.get(sighting.text)?.place === 'note') places.add('note');
  };

  const noteEchoes = (facts: Facts, run: Run, event: string): void => {
    if (profile.claims.echo[event] === undefined) return;
    const { echoed } = answerOf(run);
    const places = echoed.get(event) ?? new Set<string>();
    echoed.set(event, places);
    for (const sighting of facts.sightings) noteEcho(places, sighting, run);
  };

  const mechanismOf = (observer: UserIndex): Mechanism => {
    const source = givenTo.get(observer);
    if (source === undefined) return 'misroute';
    if (givenTo.get(source) === observer) return 'swap';
    return givenTo.has(source) ? 'shift' : 'misroute';
  };

  const concludeEchoes = (run: Run, answer: Answer): void => {
    if (run.cancelled || run.terminals.length === 0) return;
    for (const [event, wanted] of Object.entries(profile.claims.echo)) {
      const places = answer.echoed.get(event);
      if (places === undefined) continue;
      if (event === profile.order.last) {
        if (answer.wrong) continue;
        for (const sighting of answer.markers) noteEcho(places, sighting, run);
      }
      const expected = wanted.filter((place) => place !== 'question' || run.marker !== undefined);
      if (expected.length === 0) continue;
      echoesExamined += 1;
      const missing = expected.filter((place) => !places.has(place));
      if (missing.length === 0) continue;
      report.add({
        rule: NOT_ECHOED,
        observer: run.asker,
        owner: null,
        observation: run.ask,
        surface: 'socket',
        event,
        message: `the ${missing.join(' and ')} marker of ${knowledge.nameOf(run.asker)} did not come back in ${event} of its run ${run.question}`,
      });
    }
  };

  return {
    rules: [WRONG, NOT_ECHOED],
    notApplicable: [
      ...(profile.answer.answer.length + profile.answer.chunk.length === 0 ? [WRONG] : []),
      ...(Object.keys(profile.claims.echo).length === 0 ? [NOT_ECHOED] : []),
    ],
    observe(facts: Facts): void {
      const { observation, attribution } = facts;
      if (attribution === undefined || observation.event === undefined) return;
      const run = ledger.runOf(facts);
      if (run === undefined) return;
      noteEchoes(facts, run, observation.event);
      if (profile.order.chunk.includes(observation.event))
        answerOf(run).markers.push(
          ...facts.sightings.filter((sighting) => sighting.what === 'marker'),
        );
      const outermost =
        run.outermost === undefined ||
        observation.agent === undefined ||
        observation.agent === run.outermost;
      if (observation.event === profile.order.last && outermost) judgeAnswer(facts, run);
    },
    conclude(ending: Ending): void {
      for (const entry of report.entries)
        if (entry.draft.rule === WRONG && entry.mechanism === null && entry.draft.observer !== null)
          entry.mechanism = mechanismOf(entry.draft.observer);
      if (ending.complete) for (const [run, answer] of answers) concludeEchoes(run, answer);
    },
    examined: (rule) => (rule === WRONG ? answersExamined : echoesExamined),
  };
}
