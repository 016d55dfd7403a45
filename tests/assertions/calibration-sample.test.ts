import { describe, expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import {
  SAMPLE_OBSERVATIONS_MAX,
  SAMPLE_USERS_MIN,
  SampleCollector,
  type Sample,
} from '../../assertions/calibration-sample.ts';
import { judgeHistory } from '../../assertions/judge.ts';
import { FIVE, HistoryBuilder } from './history-builder.ts';
import { recorded } from './recorded-history.ts';

function sampleOf({ header, lines }: HistoryBuilder): Sample {
  const collector = new SampleCollector();
  collector.header(header);
  for (const line of lines) collector.observation(line);
  return collector.sample();
}

/** Users who ask again and again: seven observations a question. */
function soak(users: number, questions: number): HistoryBuilder {
  const history = new HistoryBuilder(users).goldenPath();
  for (let i = 1; i < questions; i += 1) history.round();
  return history;
}

describe('the sample that the detector is proven on', () => {
  test('is the whole of a history that is small', () => {
    const history = soak(3, 2);
    history.add(null, { kind: 'phase', surface: 'harness', dir: 'act', phase: 'ask' });
    const { header, observations } = sampleOf(history);
    expect(observations).toEqual(history.lines);
    expect(header).toEqual(history.header);
  });

  test('is the first users of a large crowd, whole', () => {
    const history = soak(50, 20);
    const { header, observations } = sampleOf(history);
    const names = header.users.map(({ user }) => user);
    expect(names).toEqual(history.people.slice(0, names.length).map(({ name }) => name));
    expect(observations).toEqual(history.lines.filter(({ user }) => names.includes(user ?? '')));
    expect(observations.length).toBeLessThanOrEqual(SAMPLE_OBSERVATIONS_MAX);
    expect(names.length).toBeGreaterThan(SAMPLE_USERS_MIN);
    const oneMore = history.lines.filter(({ user }) => user === history.people[names.length]?.name);
    expect(observations.length + oneMore.length).toBeGreaterThan(SAMPLE_OBSERVATIONS_MAX);
  });

  test.each([500, 1_500])('of users who ask %i questions is bounded, and proves it', (count) => {
    const history = soak(3, count);
    const sample = sampleOf(history);
    expect(sample.header.users).toHaveLength(SAMPLE_USERS_MIN);
    expect(sample.observations.length).toBeLessThanOrEqual(SAMPLE_OBSERVATIONS_MAX);
    // Not much less either: what fits is taken.
    expect(sample.observations.length).toBeGreaterThan(SAMPLE_OBSERVATIONS_MAX * 0.9);
    const asked = sample.observations.filter(({ act }) => act === 'ask').length;
    const ended = sample.observations.filter(({ event }) => event === FIVE[4]).length;
    expect(asked).toBe(ended);
    const { planted, missed } = calibrate(sample);
    expect(missed).toEqual([]);
    expect(planted).toBeGreaterThanOrEqual(12);
  });

  test('ends with a run that has ended, also of users who do not wait for the answer', () => {
    const history = new HistoryBuilder(2).start();
    for (let i = 0; i < 400; i += 1) {
      history.ask('u00');
      history.ask('u01');
      const [first] = FIVE;
      for (const name of ['u00', 'u01']) history.event(name, first);
      // Every other question is asked while the one before goes on.
      if (i % 2 === 1) continue;
      for (const type of FIVE.slice(1))
        for (const name of ['u00', 'u01']) history.event(name, type);
    }
    const { observations } = sampleOf(history);
    expect(observations.length).toBeLessThanOrEqual(SAMPLE_OBSERVATIONS_MAX);
    const open = new Set(observations.flatMap(({ act, run }) => (act === 'ask' ? [run] : [])));
    for (const { event, run } of observations) if (event === FIVE[4]) open.delete(run);
    expect([...open]).toEqual([]);
  });

  test('of one run that goes on and on is bounded too', () => {
    const history = new HistoryBuilder(2).start();
    for (const { name } of history.people) history.ask(name);
    for (let i = 0; i < 12_000; i += 1) history.event('u00', 'agent_thinking');
    expect(sampleOf(history).observations.length).toBeLessThan(SAMPLE_OBSERVATIONS_MAX * 2.1);
  });

  test('is taken while the history is judged: a long one on disk is proven as well', () => {
    const history = soak(2, 600);
    const verdict = judgeHistory(recorded(history), { calibrate: true });
    expect(verdict.verdict).toBe('pass');
    const { calibration, observations } = verdict.evidence;
    expect(observations).toBe(history.lines.length);
    expect(calibration?.planted).toBeGreaterThanOrEqual(12);
    expect(calibration?.caught).toBe(calibration?.planted);
  });
});
