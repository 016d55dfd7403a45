import { describe, expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import { act } from './browser-history.ts';
import { FIVE, HistoryBuilder, type Line } from './history-builder.ts';

/** What was found, each kind of finding of one user once. */
const told = (history: HistoryBuilder) => [
  ...new Set(
    history
      .verdict()
      .findings.filter(({ rule }) => !rule.startsWith('gate/'))
      .map(
        ({ rule, severity, observer, owner }) =>
          `${severity} ${rule.split('/')[1]} ${observer} of ${owner}`,
      ),
  ),
];
const outcome = (history: HistoryBuilder, rule: string) =>
  history.verdict().rules.find((result) => result.rule === rule)?.outcome;
const runOf = (history: HistoryBuilder, name: string) => history.asked.get(name)?.at(-1)?.run;

/** Everybody asks; `others` run to their end, what the rest do is for the test to tell. */
function during(others: readonly string[], change: (history: HistoryBuilder) => void, users = 3) {
  const history = new HistoryBuilder(users).start();
  for (const { name } of history.people) history.ask(name);
  for (const { name } of history.people) history.event(name, 'agent_started');
  change(history);
  for (const type of FIVE.slice(1)) for (const name of others) history.event(name, type);
  return history;
}

/** u00 drops its connection after two events. */
function dropped(history: HistoryBuilder): void {
  history.event('u00', 'agent_thinking');
  act(history, 'u00', 'drop', { run: runOf(history, 'u00'), conn: 'u00#1' });
  history.add('u00', { kind: 'close', by: 'them', code: 1006 });
}

function opens(history: HistoryBuilder, conn = 'u00#2'): void {
  act(history, 'u00', 'reconnect', { run: runOf(history, 'u00'), conn: 'u00#1' });
  history.add('u00', { kind: 'open', dir: 'act', conn });
}

describe('a cancelled run', () => {
  test('that was stopped owes nothing more, and is no error', () => {
    const history = during(['u01', 'u02'], (story) => {
      story.event('u00', 'tool_executing');
      act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
      story.event('u00', 'agent_stopped');
      story.event('u00', 'tool_completed');
    });
    expect(history.verdict().findings).toEqual([]);
    expect(history.verdict().metrics.errorRate).toBe(0);
    expect(history.verdict().metrics.deliveryRate).toBe(1);
    expect(outcome(history, 'isolation/interference')).toBe('pass');
  });

  test.each([
    { before: ['tool_completed'], after: [], found: ['violation orphan-event u00 of null'] },
    {
      before: ['tool_completed'],
      after: ['tool_executing'],
      found: ['violation out-of-order u00 of null'],
    },
    { before: ['tool_executing'], after: ['tool_completed'], found: [] },
    { before: [], after: ['tool_completed'], found: [] },
  ])('is judged by what came before: $before, then $after', ({ before, after, found }) => {
    const history = during(['u01', 'u02'], (story) => {
      for (const type of before) story.event('u00', type);
      act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
      for (const type of after) story.event('u00', type);
      story.event('u00', 'agent_stopped');
    });
    expect(told(history)).toEqual(found);
  });

  test('whose completion crossed the cancel may end twice', () => {
    const history = during(['u01', 'u02'], (story) => {
      for (const type of FIVE.slice(1, 4)) story.event('u00', type);
      act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
      story.event('u00', 'agent_completed');
      story.event('u00', 'agent_stopped');
    });
    expect(told(history)).toEqual([]);
  });

  describe('that was over when it was stopped', () => {
    const refusal = {
      event: 'error_message',
      contentKind: 'frame',
      content: '{"error":1}',
    } as const;
    const stoppedLate = (change: (story: HistoryBuilder) => void) =>
      during(['u01', 'u02'], (story) => {
        for (const type of FIVE.slice(1)) story.event('u00', type);
        act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
        change(story);
      });

    test.each([
      { lost: 'agent_thinking', found: ['violation missing-event u00 of null'] },
      {
        lost: 'tool_completed',
        found: ['violation missing-event u00 of null', 'violation unclosed-tool u00 of null'],
      },
    ])('owes what came before: a lost $lost', ({ lost, found }) => {
      const history = during(['u01', 'u02'], (story) => {
        for (const type of FIVE.slice(1)) if (type !== lost) story.event('u00', type);
        act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
      });
      expect(told(history)).toEqual(found);
    });

    test('may be refused by an error that names no run', () => {
      expect(told(stoppedLate((story) => story.add('u00', refusal)))).toEqual([]);
    });

    test('may be refused when its asker has gone on to the next question', () => {
      const history = stoppedLate((story) => {
        story.ask('u00');
        story.add('u00', refusal);
        for (const type of FIVE) story.event('u00', type);
      });
      expect(told(history)).toEqual([]);
    });

    test('is refused once: a second error is one', () => {
      const history = stoppedLate((story) => {
        for (let times = 0; times < 2; times += 1) story.add('u00', refusal);
      });
      expect(told(history)).toEqual(['violation error-event u00 of null']);
    });

    test('excuses nobody else, and no error of a question after it', () => {
      const others = stoppedLate((story) => story.add('u01', refusal));
      expect(told(others)).toEqual(['violation error-event u01 of null']);
      const later = stoppedLate((story) => {
        story.ask('u00');
        story.event('u00', FIVE[0]);
        story.add('u00', refusal);
        for (const type of FIVE.slice(1)) story.event('u00', type);
      });
      expect(told(later)).toEqual(['violation error-event u00 of null']);
    });

    test('and said to be stopped is not refused as well', () => {
      const history = stoppedLate((story) => {
        story.event('u00', 'agent_stopped');
        story.add('u00', refusal);
      });
      expect(told(history)).toEqual(['violation error-event u00 of null']);
    });
  });

  describe('that goes on to its end all the same', () => {
    /** u00 stops its run when so many events had come, and u01 its own at once, which is stopped or not. */
    const ignored = (after: number, isOtherStopped?: boolean, apartMs = 200) =>
      during(['u02'], (story) => {
        for (const type of FIVE.slice(1, after)) story.event('u00', type);
        act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
        const since = story.lines.at(-1)?.t ?? 0;
        for (const [index, type] of FIVE.slice(after).entries())
          story.event('u00', type, { fields: { t: since + (index + 1) * apartMs } });
        if (isOtherStopped !== undefined) act(story, 'u01', 'cancel', { run: runOf(story, 'u01') });
        if (isOtherStopped === true) story.event('u01', 'agent_stopped');
        else for (const type of FIVE.slice(1)) story.event('u01', type);
      });

    test('shows that stops do nothing, so that nobody was disturbed', () => {
      expect(told(ignored(1))).toEqual(['inconclusive nothing-observed null of null']);
      expect(told(ignored(1, false))).toEqual(['inconclusive nothing-observed null of null']);
    });

    test('may have been stopped too late, and need not matter where another was stopped', () => {
      expect(told(ignored(4))).toEqual([]);
      expect(told(ignored(1, undefined, 20))).toEqual([]);
      expect(told(ignored(1, true))).toEqual([]);
    });
  });

  test('that nobody stopped hangs', () => {
    const history = during(['u01', 'u02'], (story) => {
      act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
    });
    expect(history.findings('stalled-run').map(({ observer }) => observer)).toEqual(['u00']);
  });

  test('may have repeated nothing before it was cancelled; the rest of it is exempt', () => {
    const repeated = (where: 'before' | 'after') =>
      during(['u01', 'u02'], (story) => {
        const event = story.event('u00', 'agent_thinking');
        if (where === 'before') story.add('u00', { ...event });
        act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
        story.event('u00', 'agent_stopped');
        if (where === 'after') story.add('u00', { ...event });
      });
    expect(told(repeated('before'))).toEqual(['violation duplicate-event u00 of null']);
    expect(told(repeated('after'))).toEqual([]);
  });

  test("of another is not cancelled by naming it: the victim's claim stands", () => {
    const history = during(['u01', 'u02'], (story) => {
      act(story, 'u01', 'cancel', { run: runOf(story, 'u00') });
      story.event('u00', 'agent_stopped');
    });
    expect(told(history)).toEqual([
      'violation interference u00 of u01',
      'violation missing-event u00 of null',
    ]);
  });

  test('leaves enough to prove the detector on', () => {
    const history = during(
      ['u01', 'u02', 'u03', 'u04'],
      (story) => {
        act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
        story.event('u00', 'agent_stopped');
      },
      5,
    );
    expect(told(history)).toEqual([]);
    for (let seed = 0; seed < 20; seed += 1) {
      const header = { ...history.header, seed: String(seed) };
      const calibration = calibrate({ header, observations: history.lines });
      expect(calibration.missed).toEqual([]);
      expect(calibration.planted).toBeGreaterThanOrEqual(12);
    }
  });
});

describe('isolation/interference', () => {
  test("a run that its asker never cancelled is stopped by another's cancel", () => {
    const history = during(['u02'], (story) => {
      act(story, 'u01', 'cancel', { run: runOf(story, 'u01') });
      story.event('u01', 'agent_stopped');
      story.event('u00', 'agent_stopped');
    });
    expect(told(history)).toContain('violation interference u00 of u01');
    const [finding] = history.findings('interference');
    expect(finding?.event).toBe('agent_stopped');
    expect(history.verdict().cause).toBe('leak');
  });

  test('a run that had been stopped before its asker cancelled it was stopped by another', () => {
    const history = during(['u02'], (story) => {
      act(story, 'u01', 'cancel', { run: runOf(story, 'u01') });
      story.event('u01', 'agent_stopped');
      story.event('u00', 'agent_stopped');
      act(story, 'u00', 'cancel', { run: runOf(story, 'u00') });
    });
    expect(told(history)).toEqual([
      'violation interference u00 of u01',
      'violation missing-event u00 of null',
    ]);
  });

  test('of several who cancelled nobody is named', () => {
    const history = during([], (story) => {
      for (const name of ['u01', 'u02']) {
        act(story, name, 'cancel', { run: runOf(story, name) });
        story.event(name, 'agent_stopped');
      }
      story.event('u00', 'agent_stopped');
    });
    expect(told(history)).toContain('violation interference u00 of null');
  });

  test('a probe that stopped the run it named is named before all others', () => {
    const history = during([], (story) => {
      act(story, 'u01', 'cancel', { run: runOf(story, 'u01') });
      story.event('u01', 'agent_stopped');
      const about = { place: 'socket stop_agent', source: 'foreign id', owner: 'u00' };
      act(story, 'u02', 'probe', { ...about, run: runOf(story, 'u00') });
      story.event('u00', 'agent_stopped');
      act(story, 'u02', 'probe-result', { ...about, reason: 'accepted' });
      for (const type of FIVE.slice(1)) story.event('u02', type);
    });
    expect(told(history)).toEqual([
      'violation unauthorized-access u02 of u00',
      'violation interference u00 of u02',
      'violation missing-event u00 of null',
    ]);
  });

  test('is none where nobody else cancelled meanwhile: then an event is missing', () => {
    const history = during(['u01', 'u02'], (story) => {
      story.event('u00', 'agent_stopped');
    });
    expect(told(history)).toEqual(['violation missing-event u00 of null']);
    expect(outcome(history, 'isolation/interference')).toBe('not-applicable');
  });

  test('is none of a user who stopped it by an own act', () => {
    const history = during(['u02'], (story) => {
      act(story, 'u01', 'cancel', { run: runOf(story, 'u01') });
      story.event('u01', 'agent_stopped');
      act(story, 'u00', 'sign-out');
      story.event('u00', 'agent_stopped');
    });
    expect(history.findings('interference')).toEqual([]);
  });

  test('is none of a member of the same thread, who may stop it', () => {
    const history = new HistoryBuilder(3).start();
    history.shareThread('u00', ['u00', 'u01']);
    for (const { name } of history.people) history.ask(name);
    act(history, 'u01', 'cancel', { run: runOf(history, 'u00') });
    history.event('u00', 'agent_stopped');
    for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
    expect(told(history)).toEqual([]);
  });
});

describe('a dropped connection', () => {
  test('closes without being an unexpected close', () => {
    const history = during(['u00', 'u01', 'u02'], (story) => {
      story.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
      act(story, 'u00', 'drop', { conn: 'u00#2' });
      story.add('u00', { kind: 'close', by: 'them', code: 1006, conn: 'u00#2' });
    });
    expect(told(history)).toEqual([]);
  });

  test('excuses no other connection, and none that is opened later', () => {
    const history = during(['u00', 'u01', 'u02'], (story) => {
      story.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
      act(story, 'u00', 'drop', { conn: 'u00#2' });
      story.add('u00', { kind: 'open', dir: 'act', conn: 'u00#3' });
    });
    history.add('u00', { kind: 'close', by: 'them', code: 1011, conn: 'u00#3' });
    expect(told(history)).toEqual(['violation unexpected-close u00 of null']);
  });

  test('of a user who does not come back owes nothing more', () => {
    const history = during(['u01', 'u02'], dropped);
    expect(told(history)).toEqual([]);
    expect(history.verdict().verdict).toBe('pass');
  });

  test('of a user who comes back is judged in full: what is lost is missing', () => {
    const history = during(['u01', 'u02'], (story) => {
      dropped(story);
      opens(story);
      const there = { fields: { conn: 'u00#2' } };
      story.event('u00', 'agent_completed', there);
    });
    expect(history.findings('missing-event').map(({ event }) => event)).toEqual([
      'tool_executing',
      'tool_completed',
    ]);
  });

  test('of a user who has another one goes on there', () => {
    const history = during(['u01', 'u02'], (story) => {
      story.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
      story.event('u00', 'agent_thinking', { fields: { conn: 'u00#2' } });
      act(story, 'u00', 'drop', { conn: 'u00#1' });
      story.event('u00', 'tool_executing', { fields: { conn: 'u00#2' } });
    });
    expect(history.findings('missing-event').map(({ event }) => event)).toEqual([
      'tool_completed',
      'agent_completed',
    ]);
  });

  test('a run asked before a sign-out that cut it short owes nothing more', () => {
    const history = during(['u01', 'u02'], (story) => {
      act(story, 'u00', 'sign-out');
      const exchange = {
        surface: 'http',
        url: '/auth/logout',
        method: 'POST',
        conn: null,
      } as const;
      story.add('u00', { ...exchange, dir: 'out', kind: 'request' });
      story.add('u00', { ...exchange, kind: 'response', status: 200 });
      story.add('u00', { kind: 'close', by: 'them', code: 1008 });
    });
    expect(told(history)).toEqual([]);
  });
});

describe('a resumed run', () => {
  const there = { fields: { conn: 'u00#2' } };

  /** u00 saw two events, dropped, came back; then what the test says, on the new connection. */
  function resumed(change: (history: HistoryBuilder) => void): HistoryBuilder {
    return during(['u01', 'u02'], (story) => {
      dropped(story);
      opens(story);
      change(story);
    });
  }
  const again = (history: HistoryBuilder, count: number) => {
    const seen = history.lines
      .filter(({ user, run, kind }) => user === 'u00' && run !== undefined && kind === 'frame')
      .slice(0, count);
    for (const line of seen)
      history.add('u00', { ...line, t: history.lines.length, conn: 'u00#2' });
  };

  test('may show again what it has shown, on another connection', () => {
    const history = resumed((story) => {
      again(story, 2);
      for (const type of FIVE.slice(2)) story.event('u00', type, there);
    });
    expect(told(history)).toEqual([]);
    expect(history.verdict().users[0]?.events).toMatchObject({ agent_thinking: 1 });
  });

  test('may go on where it was', () => {
    const history = resumed((story) => {
      for (const type of FIVE.slice(2)) story.event('u00', type, there);
    });
    expect(told(history)).toEqual([]);
  });

  test('may be shown as a whole after it has ended', () => {
    const history = during(['u01', 'u02'], (story) => {
      for (const type of FIVE.slice(1)) story.event('u00', type);
      act(story, 'u00', 'drop', { conn: 'u00#1' });
      opens(story);
      again(story, 5);
    });
    expect(told(history)).toEqual([]);
  });

  test('may not let live events overtake the replay', () => {
    const history = resumed((story) => {
      story.event('u00', 'tool_executing', there);
      again(story, 2);
      for (const type of FIVE.slice(3)) story.event('u00', type, there);
    });
    expect(told(history)).toEqual([
      'violation out-of-order u00 of null',
      'violation sequence-regression u00 of null',
    ]);
  });

  test('may not show one event twice on the new connection', () => {
    const history = resumed((story) => {
      again(story, 2);
      again(story, 1);
      for (const type of FIVE.slice(2)) story.event('u00', type, there);
    });
    expect(told(history)).toEqual(['violation duplicate-event u00 of null']);
  });

  test('that is resumed on the same connection may repeat from there', () => {
    const history = during(['u01', 'u02'], (story) => {
      const first = story.lines.at(-3);
      act(story, 'u00', 'resume', { run: runOf(story, 'u00'), conn: 'u00#1' });
      if (first?.user === 'u00') story.add('u00', { ...first, t: story.lines.length });
      for (const type of FIVE.slice(1)) story.event('u00', type);
    });
    expect(told(history)).toEqual([]);
    expect(history.verdict().users[0]?.events['agent_started']).toBe(1);
  });
});

describe('a run that was made to fail', () => {
  function failing(question: number, fields: Line = {}): HistoryBuilder {
    const history = new HistoryBuilder(3).start();
    act(history, 'u00', 'provoke-error', { question });
    for (const { name } of history.people) history.ask(name);
    for (const { name } of history.people) history.event(name, 'agent_started');
    history.event('u00', 'agent_error', { fields });
    for (const type of FIVE.slice(1)) for (const name of ['u01', 'u02']) history.event(name, type);
    return history;
  }

  test('is no error of the target', () => {
    expect(failing(1).verdict().findings).toEqual([]);
  });

  test('is none where its events name no run either', () => {
    expect(failing(1, { run: undefined }).verdict().findings).toEqual([]);
    expect(told(failing(2, { run: undefined }))).toEqual(['violation error-event u00 of null']);
  });

  test('is no probe that is refused in its words', () => {
    const errors = (isProbed: boolean): readonly string[] => {
      const history = new HistoryBuilder(3).goldenPath();
      const about = { place: 'socket user_message', owner: 'u01' };
      if (isProbed) act(history, 'u00', 'probe', about);
      history.event('u00', 'agent_error', { fields: { run: undefined } });
      if (isProbed) act(history, 'u00', 'probe-result', { ...about, reason: 'refused' });
      return history.findings('error-event').map(({ observer }) => observer ?? '');
    };
    expect(errors(false)).toEqual(['u00']);
    expect(errors(true)).toEqual([]);
  });

  test('excuses no other question', () => {
    expect(told(failing(2))).toEqual(['violation error-event u00 of null']);
  });
});

test('a second tab is judged like the first: one evicts the other', () => {
  const history = during(['u00', 'u01', 'u02'], (story) => {
    act(story, 'u00', 'duplicate-tab');
    story.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
  });
  history.add('u00', { kind: 'close', by: 'them', code: 4001, conn: 'u00#1' });
  expect(told(history)).toEqual(['violation unexpected-close u00 of null']);
});

test('new tokens, stalls and further tabs change nothing of what is legal', () => {
  const history = during(['u00', 'u01', 'u02'], (story) => {
    for (const verb of ['refresh-token', 'stall', 'duplicate-tab', 'reconnect'])
      act(story, 'u00', verb);
  });
  expect(history.verdict().findings).toEqual([]);
});

test('replies to probes do not count for the latency of the API', () => {
  const history = new HistoryBuilder(3).goldenPath();
  const exchange = {
    surface: 'http',
    kind: 'response',
    status: 403,
    took: 9_000,
    conn: null,
  } as const;
  history.add('u00', { ...exchange, purpose: 'refusal-probe' });
  history.add('u00', { ...exchange });
  expect(history.verdict().metrics.apiMs).toBeNull();
});

describe('the detector is proven on a history', () => {
  const missed = (history: HistoryBuilder) =>
    Array.from({ length: 12 }, (_, seed) => {
      const header = { ...history.header, seed: String(seed) };
      const calibration = calibrate({ header, observations: history.lines });
      expect(calibration.planted).toBeGreaterThanOrEqual(10);
      return calibration.missed;
    }).flat();

  test('in which everybody tried the run and the thread of the next', () => {
    const history = new HistoryBuilder(4).start();
    for (const { name } of history.people) history.ask(name);
    for (const { name } of history.people) history.event(name, 'agent_started');
    for (const [at, { name }] of history.people.entries()) {
      const owner = history.people[(at + 1) % 4]?.name ?? '';
      const run = runOf(history, owner);
      const about = { place: 'socket stop_agent', source: 'foreign id', owner, run };
      act(history, name, 'probe', about);
      history.add(name, { dir: 'out', contentKind: 'frame', content: `{"stop":"${run}"}` });
      act(history, name, 'probe-result', { ...about, reason: 'refused' });
    }
    for (const type of FIVE.slice(1))
      for (const { name } of history.people) history.event(name, type);
    expect(missed(history)).toEqual([]);
  });

  test('in which runs ended on another connection than they began on', () => {
    const history = new HistoryBuilder(4).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE.slice(0, 2))
      for (const { name } of history.people) history.event(name, type);
    for (const { name } of history.people) {
      act(history, name, 'drop', { conn: `${name}#1` });
      history.add(name, { kind: 'open', dir: 'act', conn: `${name}#2` });
    }
    for (const type of FIVE.slice(2))
      for (const { name } of history.people)
        history.event(name, type, { fields: { conn: `${name}#2` } });
    expect(missed(history)).toEqual([]);
  });

  test('in which half of the crowd joined late', () => {
    const history = new HistoryBuilder(4).goldenPath();
    const late = new Set(['u02', 'u03']);
    const early = history.lines.filter(({ user }) => !late.has(user ?? ''));
    const rest = history.lines.filter(({ user }) => late.has(user ?? ''));
    history.lines.splice(0, history.lines.length, ...early, ...rest);
    expect(missed(history)).toEqual([]);
  });
});
