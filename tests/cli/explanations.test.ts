import { describe, expect, test } from 'vitest';
import { explainedFaults, explainedRules, partsOf } from '../../cli/explanations.ts';
import { caseOf } from '../../history/cases.ts';
import { RULES } from '../../history/rules.ts';
import { FAULTS } from '../../reference/catalogue.ts';
import { FIVE, HistoryBuilder, clean, withRun } from '../assertions/history-builder.ts';

const ALL = [...explainedRules(), ...explainedFaults()];
const byName = ALL.map((explained) => [`${explained.kind} ${explained.name}`, explained] as const);

describe('every rule and every fault is explained', () => {
  test('in the order of their registries', () => {
    expect(explainedRules().map(({ name }) => name)).toEqual(RULES.map(({ name }) => name));
    expect(explainedFaults().map(({ name }) => name)).toEqual(FAULTS.map(({ name }) => name));
  });

  test.each(byName)('%s: why, cases, a finding, causes, a way out', (_name, explained) => {
    const { why, example, causes, fix, cases } = explained;
    for (const text of [why, example, causes, fix]) expect(text.length).toBeGreaterThan(10);
    for (const text of [why, causes, fix]) expect(text).toMatch(/[.!]$/);
    expect(cases.length).toBeGreaterThan(0);
    for (const { text, source } of cases) {
      expect(text).toMatch(/^[A-Z"].{30,}\.$/);
      if (source !== null) expect(new URL(source).protocol).toBe('https:');
    }
  });

  test.each(byName)('%s: says what is meant, never a code of ours', (_name, explained) => {
    const text = partsOf(explained).flat(2).join('\n');
    expect(text).not.toMatch(/\b(?:[ABNUW]|O-)\d+\b/);
  });

  test.each(byName)('%s: a command that raises it, or that there is none', (_name, explained) => {
    const tried = partsOf(explained).find(([heading]) => heading === 'Try it');
    expect(tried?.[1][0]).toMatch(/^npx crosstalk run -?|^no single fault/);
    if (explained.kind === 'fault')
      expect(explained.provoke).toMatch(new RegExp(`--fault ${explained.name}\\b`));
  });

  test('what is not public is told without a source', () => {
    expect(caseOf('N18')).toMatchObject({ source: null });
    expect(() => caseOf('Z1')).toThrow(RangeError);
  });
});

describe('standards', () => {
  test.each(byName)('%s: entries in the notation of their owners', (_name, { standards }) => {
    for (const entry of standards.asvs) expect(entry).toMatch(/^v5\.0\.0-\d{1,2}\.\d\.\d$/);
    for (const entry of standards.wstg) expect(entry).toMatch(/^WSTG-[A-Z]{4}-\d\d$/);
    for (const entry of standards.cwe) expect(entry).toMatch(/^CWE-\d{2,4}$/);
  });

  test('every rule about isolation answers a requirement, a test and a weakness', () => {
    for (const { name, standards } of explainedRules())
      if (name.startsWith('isolation/'))
        for (const entries of Object.values(standards)) expect(entries, name).not.toEqual([]);
  });
});

const received = (content: string, run?: string) => ({
  event: 'agent_thinking',
  contentKind: 'frame' as const,
  content,
  ...(run === undefined ? {} : { run }),
});

const STORIES: Readonly<Record<string, () => HistoryBuilder>> = {
  'isolation/misdelivered-event': () => {
    const history = clean();
    for (const to of ['u00', 'u02']) history.event('u01', 'tool_completed', { to });
    return history;
  },
  'isolation/unsolicited-run': () => {
    const history = clean();
    history.add('u01', received('{}', 'run-nobody-1'));
    return history;
  },
  'isolation/unattributable-event': () => {
    const history = clean();
    history.add('u01', received('{}'));
    return history;
  },
  'isolation/foreign-run': () => {
    const history = clean();
    const run = 'run-u01-1-5d5d';
    history.event('u00', 'agent_thinking', { payload: { queue: [{ run_id: run }] } });
    return history;
  },
  'isolation/foreign-marker': () => {
    const history = clean();
    const marker = history.asked.get('u02')?.[0]?.marker;
    history.event('u00', 'tool_completed', { payload: { result: marker } });
    return history;
  },
  'isolation/shared-identifier': () => {
    const history = new HistoryBuilder(3);
    for (const name of ['u00', 'u01'])
      history.add(name, {
        kind: 'identity',
        surface: 'harness',
        dir: 'act',
        source: 'sign-in',
        ids: { user: 'default_user_id' },
      });
    return history;
  },
  'order/missing-event': () => withRun(FIVE.filter((event) => event !== 'tool_completed')),
  'order/unclosed-tool': () => withRun(FIVE.filter((event) => event !== 'tool_completed')),
  'order/stalled-run': () => withRun(['agent_started', 'agent_thinking']),
  'order/double-completion': () => withRun([...FIVE.slice(0, 4), 'agent_error', 'agent_completed']),
  'order/out-of-order': () =>
    withRun(['agent_started', 'agent_thinking', 'tool_completed', 'tool_executing']),
  'order/duplicate-event': () =>
    withRun([], (story) => {
      for (let i = 0; i < 2; i += 1)
        story.event('u00', 'tool_completed', { fields: { id: 'message-once' } });
    }),
  'order/after-completion': () => withRun(FIVE, (story) => story.event('u00', 'agent_thinking')),
  'order/orphan-event': () => withRun(['agent_started', 'tool_completed', 'agent_completed']),
  'order/sequence-regression': () =>
    withRun(FIVE.slice(0, 4), (story) =>
      story.event('u00', 'agent_completed', { fields: { sequence: 1 } }),
    ),
  'order/malformed-event': () => {
    const history = clean();
    history.add('u01', { contentKind: 'text', content: '<html>' });
    return history;
  },
  'delivery/error-event': () => withRun([...FIVE.slice(0, 4), 'agent_error']),
  'evidence/nothing-observed': () => withRun([]),
  'evidence/no-overlap': () => new HistoryBuilder(3).start(),
};

/** A message without what differs from finding to finding: names of users and events, numbers, places. */
const shapeOf = (message: string): string =>
  message
    .replaceAll(/u\d\d(?:#\d)?/g, 'U')
    .replaceAll(/\b(?:agent|tool)_[a-z]+/g, 'E')
    .replaceAll(/\d+(?:\.\d+)?/g, '#')
    .replaceAll(/ at [a-z]+[\w.[\]#]*/g, ' at P')
    .replaceAll(/ \((?:broadcast|misroute)\)/g, '');

describe('the finding in an explanation reads as a real one', () => {
  test.each(Object.entries(STORIES))('%s', (name, story) => {
    const example = explainedRules().find((rule) => rule.name === name)?.example ?? '';
    const shapes = story()
      .findings(name)
      .map(({ message }) => shapeOf(message));
    expect(shapes).toContain(shapeOf(example));
  });
});
