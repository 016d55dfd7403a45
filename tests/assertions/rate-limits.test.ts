import { expect, test } from 'vitest';
import { HistoryBuilder, type Line } from './history-builder.ts';

const reply = (status: number, headers: Record<string, string> = {}): Line => ({
  surface: 'http',
  kind: 'response',
  conn: null,
  status,
  headers,
});

const failure = (step: string, reason: string): Line => ({
  surface: 'harness',
  dir: 'act',
  kind: 'failure',
  step,
  reason,
  message: `"${step}" was not over within 1000 ms`,
});

/** What is said of the first user's failed step after these replies. */
function said(lines: readonly Line[]): string {
  const story = new HistoryBuilder().goldenPath();
  for (const line of lines) story.add('u00', line);
  const { findings } = story.verdict();
  return findings.find(({ rule }) => rule.startsWith('delivery/'))?.message ?? '';
}

const LIMITED = '; the target limits the rate (429';

test('a step that failed of 429 says so, what was asked for, and what to do', () => {
  const message = said([
    reply(429, { 'retry-after': '30' }),
    reply(429, { 'retry-after': '60' }),
    failure('sign-in', 'timeout'),
  ]);
  expect(message).toContain(`${LIMITED} 2 times in a row, "retry-after: 60"): raise its limit`);
  expect(message).toContain('limits.concurrentSignInsMax');
});

test.each([
  ['of a target that does not say when to come again', [reply(429)], 'once, no retry-after'],
  ['at an upgrade', [{ ...reply(429), conn: 'u00#1' }], 'once'],
])('it is said %s', (_where, replies, what) => {
  expect(said([...replies, failure('connect', 'status 429')])).toContain(`${LIMITED} ${what}`);
});

test.each([
  ['was answered in the end', [reply(429), reply(200), failure('sign-in', 'timeout')]],
  ['is no request', [reply(429), failure('answer', 'timeout')]],
  ['failed of something else', [reply(500), failure('sign-in', 'error')]],
])('what %s says nothing of limits', (_what, lines) => {
  expect(said(lines)).not.toContain('limits');
  expect(said(lines)).not.toBe('');
});

test('all users who are kept out by a limit are told like one', () => {
  const story = new HistoryBuilder();
  for (const { name } of story.people) {
    story.add(name, reply(429, { 'retry-after': '5' }));
    story.add(name, failure('sign-in', 'refused'));
  }
  const [finding] = story.findings('connect-failed');
  expect(finding?.severity).toBe('inconclusive');
  expect(finding?.message).toContain(LIMITED);
});
