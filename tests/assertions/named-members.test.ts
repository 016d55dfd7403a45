import { describe, expect, test } from 'vitest';
import type { Finding } from '../../history/verdict.ts';
import { HistoryBuilder, type Line } from './history-builder.ts';
import { judgeNaively } from './naive/judge.ts';

const NAMED = {
  user: ['owner_id', 'participants', 'author.id', 'contact'],
  thread: ['room_id'],
  nobody: ['system'],
};
const STRANGER = '7f0c1d5e-0b1c-4d7a-9d35-5a1f0e2b4c66';

/** A crowd whose users are known by small numbers, too. */
function crowd(): HistoryBuilder {
  const story = new HistoryBuilder(3, { named: NAMED }).start();
  for (const [at, { name }] of story.people.entries())
    story.add(name, {
      surface: 'harness',
      dir: 'act',
      kind: 'identity',
      source: 'sign-in',
      ids: { user: String(17 + at), thread: String(40 + at) },
    });
  story.round();
  return story;
}

/** Violations after the first user received this. */
function received(data: unknown, line: Line = {}): Finding[] {
  const story = crowd();
  story.add('u00', {
    event: 'notice',
    contentKind: 'frame',
    content: JSON.stringify({ type: 'notice', data }),
    ...line,
  });
  return violationsOf(story);
}

function violationsOf(story: HistoryBuilder): Finding[] {
  const { verdict, findings } = story.verdict();
  const violations = findings.filter(({ severity }) => severity === 'violation');
  const naive = judgeNaively(story.header, story.lines);
  expect(naive.verdict).toBe(verdict);
  expect([...naive.violations].toSorted()).toEqual(
    violations
      .map(({ rule, observer, owner, event }) => [rule, observer, owner, event ?? ''].join('|'))
      .toSorted(),
  );
  return violations;
}

interface Named {
  readonly data: unknown;
  readonly rule: string;
  readonly owner: string;
  readonly place: string;
}

const IDENTITY = 'isolation/foreign-identity';
const NAMINGS: Readonly<Record<string, Named>> = {
  'with another’s number': {
    data: { owner_id: 18 },
    rule: IDENTITY,
    owner: 'u01',
    place: 'data.owner_id',
  },
  'in a list': {
    data: { participants: [17, 19] },
    rule: IDENTITY,
    owner: 'u02',
    place: 'data.participants[1]',
  },
  'within another': {
    data: { author: { id: '18' } },
    rule: IDENTITY,
    owner: 'u01',
    place: 'data.author.id',
  },
  'with a thread’s number': {
    data: { room_id: 42 },
    rule: 'isolation/foreign-run',
    owner: 'u02',
    place: 'data.room_id',
  },
  'whom nobody knows': {
    data: { owner_id: STRANGER },
    rule: IDENTITY,
    owner: 'outside',
    place: 'data.owner_id',
  },
  'by a number nobody has': {
    data: { owner_id: 99 },
    rule: IDENTITY,
    owner: 'outside',
    place: 'data.owner_id',
  },
  'by a name with half a character': {
    data: { owner_id: 'somebody-\ud83d' },
    rule: IDENTITY,
    owner: 'outside',
    place: 'data.owner_id',
  },
  'by an address outside': {
    data: { contact: 'jo@customer.example' },
    rule: IDENTITY,
    owner: 'outside',
    place: 'data.contact',
  },
};

describe('a member that names somebody', () => {
  test.each(Object.entries(NAMINGS))('%s', (_what, { data, ...expected }) => {
    const [finding, ...more] = received(data);
    expect(finding).toMatchObject({ observer: 'u00', ...expected });
    expect(more).toEqual([]);
  });

  test('in a reply', () => {
    const reply = { surface: 'http', kind: 'response', conn: null, event: undefined } as const;
    expect(received({ owner_id: 18 }, reply)).toHaveLength(1);
  });

  test.each([
    ['itself', { owner_id: 17, participants: ['17'], author: { id: 17 } }],
    ['nobody', { owner_id: null, participants: [], author: { id: 'system' }, contact: '' }],
    ['by its own address in capitals', { contact: 'B0C4X9K0@CROSSTALK.EXAMPLE.COM' }],
    ['a thread that nobody is known to own', { room_id: 99 }],
    ['under another name', { count: 18, id: 18, author: { age: 18 }, room: { id: 42 } }],
  ])('that is %s is none', (_what, data) => {
    const story = crowd();
    story.add('u00', { event: 'notice', contentKind: 'frame', content: JSON.stringify({ data }) });
    const { findings } = story.verdict();
    expect(findings.filter(({ severity }) => severity === 'violation')).toEqual([]);
  });

  test.each([
    ['JSON', (json: string) => json],
    ['a STOMP message', (json: string) => `MESSAGE\ndestination:/q\n\n${json}\0`],
  ])('within a text that is %s', (_what, written) => {
    const story = crowd();
    const text = written(JSON.stringify({ owner_id: 18, participants: [17] }));
    const content = JSON.stringify(['a', [text]]);
    story.add('u00', { event: 'notice', contentKind: 'frame', content });
    const { findings } = story.verdict();
    expect(findings.filter(({ severity }) => severity === 'violation')).toMatchObject([
      { rule: IDENTITY, observer: 'u00', owner: 'u01', place: '[1][0]: owner_id' },
    ]);
  });

  test.each([
    ['beside what is another’s', { contact: 'jo@customer.example', owner_id: 18 }, {}],
    ['by the name of a member', { 'jo@customer.example': { contact: 'jo@customer.example' } }, {}],
    [
      'in the address of a reply',
      { contact: 'jo@customer.example' },
      { surface: 'http', kind: 'response', conn: null, url: '/of/jo%40customer.example?x=1' },
    ],
    ['cut in two', { contact: 'jo@customer.example', x: 'x'.repeat(75), owner_id: 18 }, {}],
  ] as const)('is told by no finding if it is of a person outside: %s', (_what, data, line) => {
    const findings = received(data, line);
    expect(findings.length).toBeGreaterThan(0);
    expect(JSON.stringify(findings)).not.toMatch(/jo(?:@|%40)|customer|example\.?"/);
  });

  test('is told that it was sent before', () => {
    const story = crowd();
    const content = JSON.stringify({ data: { owner_id: STRANGER } });
    story.add('u00', { dir: 'out', event: 'invite', contentKind: 'frame', content });
    story.add('u00', { event: 'notice', contentKind: 'frame', content });
    expect(violationsOf(story)).toEqual([]);
  });

  test('may come before its user is known by that id', () => {
    const story = new HistoryBuilder(3, { named: NAMED });
    const { id } = story.person('u00');
    const content = JSON.stringify({ owner_id: id });
    story.add('u00', { surface: 'http', kind: 'response', contentKind: 'frame', content });
    expect(violationsOf(story.goldenPath())).toEqual([]);
  });
});

test('what no profile declares is not read', () => {
  const story = new HistoryBuilder().goldenPath();
  const content = JSON.stringify({ data: { owner_id: STRANGER, participants: [18] } });
  story.add('u00', { event: 'notice', contentKind: 'frame', content });
  expect(violationsOf(story)).toEqual([]);
});
