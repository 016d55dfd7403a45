import { describe, expect, test } from 'vitest';
import type { Finding } from '../../history/verdict.ts';
import { HistoryBuilder, type Line } from './history-builder.ts';
import { judgeNaively } from './naive/judge.ts';

const REPLY = {
  surface: 'http',
  kind: 'response',
  conn: null,
  status: 200,
  purpose: 'health',
  contentKind: 'frame',
} as const satisfies Line;

/** Findings about a health endpoint that replies like this to the first user, before or after the trial. */
function replied(line: (story: HistoryBuilder) => Line, when: 'before' | 'after'): Finding[] {
  const story = new HistoryBuilder();
  if (when === 'before') story.add('u00', { ...REPLY, ...line(story) });
  story.goldenPath();
  if (when === 'after') story.add('u00', { ...REPLY, ...line(story) });
  const { verdict, findings } = story.verdict();
  expect(judgeNaively(story.header, story.lines).verdict).toBe(verdict);
  return findings.filter(({ severity }) => severity === 'violation');
}

const LEAKS = {
  'its user id': ['foreign-identity', (story) => ({ content: bodyOf(story.person('u00').id) })],
  'its e-mail': ['foreign-identity', (story) => ({ content: bodyOf(story.person('u00').email) })],
  'its thread id': ['foreign-run', (story) => ({ content: bodyOf(story.person('u00').thread) })],
  'its note': ['foreign-marker', (story) => ({ content: bodyOf(story.person('u00').note) })],
  'its id in a header': [
    'foreign-identity',
    (story) => ({ content: '{}', headers: { 'x-last-user': story.person('u00').id } }),
  ],
} satisfies Record<string, [string, (story: HistoryBuilder) => Line]>;

function bodyOf(text: string): string {
  return JSON.stringify({ status: 'ok', last: text });
}

describe.each(['before', 'after'] as const)('a health reply %s the trial', (when) => {
  test.each(Object.entries(LEAKS))('shows whoever asks %s', (_what, [rule, line]) => {
    const findings = replied(line, when);
    expect(findings[0]).toMatchObject({
      rule: `isolation/${rule}`,
      observer: null,
      owner: 'u00',
      surface: 'http',
    });
  });

  test('that says nothing of anybody is none', () => {
    expect(replied(() => ({ content: '{"status":"ok"}' }), when)).toEqual([]);
  });
});

test('what a health reply shows of another is the finding of its reader', () => {
  const [finding, ...more] = replied(
    (story) => ({ content: bodyOf(story.person('u01').email) }),
    'after',
  );
  expect(finding).toMatchObject({
    rule: 'isolation/foreign-identity',
    observer: 'u00',
    owner: 'u01',
  });
  expect(more).toEqual([]);
});
