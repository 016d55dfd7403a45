import { expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import { judgeHistory } from '../../assertions/judge.ts';
import { FIVE, HistoryBuilder } from './history-builder.ts';
import { recorded } from './recorded-history.ts';

/**
 * A target that chooses the run's id tells it with the first event, and whose the run is with a later one that
 * holds the marker: attribution may come late, and the first event is of the run all the same (DESIGN 3.3).
 */
function untold(rounds = 1): HistoryBuilder {
  const { claims } = new HistoryBuilder(1).header.profile;
  const echo: typeof claims.echo = { agent_completed: ['question'] };
  const history = new HistoryBuilder(3, { claims: { ...claims, ids: {}, echo } }).start();
  for (let round = 0; round < rounds; round += 1) {
    for (const { name } of history.people) asks(history, name);
    for (const type of FIVE) for (const { name } of history.people) shows(history, name, type);
  }
  return history;
}

/** The question names neither run nor thread, and no acknowledgement follows. */
function asks(history: HistoryBuilder, name: string): void {
  history.ask(name);
  const [, act] = history.lines.splice(-2);
  history.add(name, { ...act, run: undefined, thread: undefined });
}

/** Of all ids the event says its run's alone. */
function shows(history: HistoryBuilder, name: string, type: string): void {
  const root = { user_id: undefined, thread_id: undefined };
  history.event(name, type, { root, fields: { owner: undefined, thread: undefined } });
}

const violations = (history: HistoryBuilder): readonly string[] =>
  judgeHistory(recorded(history))
    .findings.filter(({ severity, observer }) => severity === 'violation' && observer !== null)
    .map(({ rule, observer, owner, event }) => `${rule} ${observer} ${owner} ${event}`);

test('the first event of a run counts, although only the next tells whose it is', () => {
  expect(violations(untold(2))).toEqual([]);
});

test('a calibration finds all that it plants there', () => {
  const { header, lines } = untold(2);
  expect(calibrate({ header, observations: lines }).missed).toEqual([]);
});

test('one that never came is still missed, and one of another is that of the other', () => {
  const history = untold();
  const first = history.lines.findIndex(
    ({ user, event }) => user === 'u01' && event === 'agent_started',
  );
  const [moved] = history.lines.splice(first, 1);
  if (moved === undefined) throw new Error('u01 has an event');
  history.lines.splice(first, 0, { ...moved, user: 'u02', conn: 'u02#1' });
  expect(violations(history)).toEqual([
    'isolation/misdelivered-event u02 u01 agent_started',
    'order/missing-event u01 null agent_started',
  ]);
});

test('the short id of a thread that only an event told is found in the list of another', () => {
  const history = untold();
  const told = { kind: 'identity', surface: 'harness', dir: 'act', source: 'ask' } as const;
  history.add('u00', { ...told, ids: { thread: '41' } });
  history.add('u01', { surface: 'http', conn: null, event: 'list', thread: '41' });
  history.add('u00', { surface: 'http', conn: null, event: 'list', thread: '41' });
  expect(violations(history)).toEqual(['isolation/foreign-run u01 u00 list']);
});
