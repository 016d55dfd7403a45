import { describe, expect, test } from 'vitest';
import { HistoryBuilder, type Line } from './history-builder.ts';

/**
 * Ids are learned from authoritative places, and that may be after somebody else has seen them: the
 * reply that makes a thread is slower than the notice of it to the wrong user (DESIGN 3.3).
 */
const LATE = 'a7c1f0de-9b1e-4c5a-8f2d-0123456789ab';

const notice = (id: string): Line => ({
  event: 'queue_status',
  contentKind: 'frame',
  content: JSON.stringify({ type: 'queue_status', next: { item: id } }),
});

const learns = (history: HistoryBuilder, name: string, line: Line = { ids: { thread: LATE } }) =>
  history.add(name, {
    kind: 'identity',
    surface: 'harness',
    dir: 'act',
    conn: null,
    source: 'thread',
    ...line,
  });

describe('an id that was received before its owner was known', () => {
  test('in a frame that is no agent event', () => {
    const history = new HistoryBuilder(3).start();
    const line = history.add('u02', notice(LATE));
    learns(history, 'u00');
    history.round();
    const [finding, ...others] = history.findings('foreign-run');
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ observer: 'u02', owner: 'u00', event: 'queue_status' });
    expect(finding?.witness).toMatchObject([{ line: line.line }]);
    expect(history.verdict().matrix.cells).toEqual([[2, 0, 1]]);
  });

  test('in a reply, in a header, and inside an own agent event', () => {
    const history = new HistoryBuilder(3).start();
    const reply: Line = { surface: 'http', kind: 'response', status: 200, conn: null };
    history.add('u01', { ...reply, contentKind: 'frame', content: `{"threads":["${LATE}"]}` });
    history.add('u02', { ...reply, headers: { 'x-last-thread': LATE } });
    for (const { name } of history.people) history.ask(name);
    history.event('u02', 'agent_started', { payload: { queue: [LATE] } });
    learns(history, 'u00');
    const seen = history
      .findings('foreign-run')
      .map(({ observer, surface, place }) => `${observer} ${surface} ${place}`);
    expect(seen.toSorted()).toEqual([
      'u01 http threads[0]',
      'u02 http header x-last-thread',
      'u02 socket payload.queue[0]',
    ]);
  });

  test('is no leak when it turns out to be the observer’s own', () => {
    const history = new HistoryBuilder(3).start();
    history.add('u02', notice(LATE));
    learns(history, 'u02');
    history.round();
    expect(history.verdict().findings).toEqual([]);
  });

  test('is no leak when the observer had sent it first', () => {
    const history = new HistoryBuilder(3).start();
    history.add('u02', { ...notice(LATE), dir: 'out' });
    history.add('u02', notice(LATE));
    learns(history, 'u00');
    history.round();
    expect(history.verdict().findings).toEqual([]);
  });

  test('is a leak when the observer sends it only after it has seen it', () => {
    const history = new HistoryBuilder(3).start();
    history.add('u02', notice(LATE));
    history.add('u02', { ...notice(LATE), dir: 'out' });
    learns(history, 'u00');
    history.round();
    expect(history.findings('foreign-run')).toHaveLength(1);
  });

  test('is no leak among the members of a thread', () => {
    const history = new HistoryBuilder(3).start();
    history.add('u02', notice(LATE));
    learns(history, 'u00', { ids: { thread: LATE }, audience: ['u00', 'u02'] });
    history.round();
    expect(history.verdict().findings).toEqual([]);
  });

  test('accuses nobody twice of what was known when it came', () => {
    const history = new HistoryBuilder(3).start();
    learns(history, 'u00');
    history.add('u02', notice(LATE));
    learns(history, 'u01', { ids: { thread: 'another-thread-5e5e5e' } });
    history.round();
    expect(history.findings('foreign-run')).toMatchObject([{ observer: 'u02', count: 1 }]);
  });

  test('is found behind any number of frames that were examined before', () => {
    const history = new HistoryBuilder(3).start();
    history.round();
    for (let i = 0; i < 5_000; i += 1) history.add('u01', notice(`nobodys-${i}-item`));
    history.add('u02', notice(LATE));
    for (let i = 0; i < 1_500; i += 1) history.add('u01', notice(`nobodys-${i}-item`));
    learns(history, 'u00');
    expect(history.findings('foreign-run')).toMatchObject([{ observer: 'u02', owner: 'u00' }]);
  });
});
