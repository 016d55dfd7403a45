import { describe, expect, test } from 'vitest';
import { judgeHistory, LiveJudge } from '../../assertions/judge.ts';
import { judgeOnce } from '../../assertions/history-judge.ts';
import type { Observation } from '../../history/observation.ts';
import { HistoryBuilder, type Line } from './history-builder.ts';
import { recorded } from './recorded-history.ts';

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

describe('ids that differ in case only, before the second of them is known', () => {
  const TWINS = ['Ab1XyZ93k', 'aB1XyZ93k', 'AB1xYz93K'];
  const reply = { surface: 'http', kind: 'response', status: 200, conn: null } as const;
  const findingsOf = (history: HistoryBuilder) => judgeOnce(recorded(history)).findings;
  const told = (history: HistoryBuilder) =>
    findingsOf(history).map(({ rule, observer, owner }) => `${rule} ${observer} of ${owner}`);

  /** Every id is received before it is learned, and runs are named by the target. */
  const clean = (before: (history: HistoryBuilder) => void = () => undefined) => {
    const history = new HistoryBuilder(TWINS.length);
    for (const [i, person] of history.people.entries())
      Object.assign(person, { id: `usr_${TWINS[i]}`, thread: `thr_${TWINS[i]}` });
    before(history);
    history.goldenPath();
    const lines = history.lines.flatMap((line): readonly Observation[] => {
      if (line.act === 'ask') return [{ ...line, run: undefined }];
      if (line.kind !== 'identity') return [line];
      if (line.source === 'ask') return [];
      const content = JSON.stringify(line.ids);
      return [
        { ...line, ...reply, dir: 'in', ids: undefined, contentKind: 'frame', content },
        line,
      ];
    });
    const named = (text: string | undefined): string | undefined =>
      text?.replaceAll(/run-u0(\d)-1-5d5d/g, (_run, i: string) => `run_${TWINS[Number(i)]}`);
    const renamed = lines.map((line, n) => {
      const { run, tool, content } = line;
      return {
        ...line,
        n,
        line: n + 2,
        run: named(run),
        tool: named(tool),
        content: named(content),
      };
    });
    history.lines.splice(0, history.lines.length, ...renamed);
    return history;
  };

  test('are not taken for each other', () => {
    const history = clean();
    const { verdict, findings } = judgeHistory(recorded(history), { calibrate: true });
    expect(findings.map(({ message }) => message)).toEqual([]);
    expect(verdict).toBe('pass');
  });

  test('nor while the trial goes on', () => {
    const history = clean();
    const live = new LiveJudge(history.header);
    for (const line of history.lines) live.observe(line);
    expect(live.violations).toEqual([]);
  });

  test('are found with the other all the same, whenever they come', () => {
    for (const [i, kind] of ['usr', 'thr', 'run'].entries())
      for (const to of [0, 1]) {
        const text = `${kind}_${TWINS[1 - to]}`;
        const leak = notice(text);
        const rule = i === 0 ? 'isolation/foreign-identity' : 'isolation/foreign-run';
        const expected = `${rule} u0${to} of u0${1 - to}`;
        const late = clean();
        late.add(`u0${to}`, leak);
        expect(told(late)).toEqual([expected]);
        expect(told(clean((history) => history.add(`u0${to}`, leak)))).toEqual([expected]);
        const encoded = Buffer.from(`see "${text}"`).toString('base64');
        const hidden = clean();
        hidden.add(`u0${to}`, notice(encoded));
        expect(told(hidden)).toEqual([expected]);
      }
  });

  test('are found with the other although the own one was sent before it was known', () => {
    const history = clean((early) => {
      early.add('u00', {
        kind: 'identity',
        surface: 'harness',
        dir: 'act',
        ids: { thread: `thr_${TWINS[0]}` },
      });
      early.add('u01', { ...notice(`thr_${TWINS[1]}`), dir: 'out' });
    });
    history.add('u01', notice(`thr_${TWINS[0]}`));
    expect(told(history)).toEqual(['isolation/foreign-run u01 of u00']);
  });

  test('streamed in pieces are told apart, too', () => {
    const story = (of: number) => {
      const history = clean();
      const pieces = [
        'see thr_',
        (TWINS[of] ?? '').slice(0, 4),
        (TWINS[of] ?? '').slice(4),
        ' there',
      ];
      const find = (wanted: (line: Observation) => boolean): number =>
        history.lines.findIndex((line) => line.user === 'u01' && wanted(line));
      const like = history.lines[find(({ event }) => event === 'agent_thinking')];
      if (like === undefined) throw new Error('nothing is like a piece');
      const chunks = pieces.map((text, index) => ({
        ...like,
        event: 'agent_chunk',
        id: `piece-${index}`,
        sequence: undefined,
        content: JSON.stringify({ payload: { text } }),
      }));
      history.lines.splice(
        find(({ ids }) => ids?.thread !== undefined),
        0,
        ...chunks,
      );
      return told(history);
    };
    expect(story(1).filter((finding) => finding.startsWith('isolation/foreign'))).toEqual([]);
    expect(story(0)).toContain('isolation/foreign-run u01 of u00');
  });
});
