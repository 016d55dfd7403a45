import { describe, expect, test } from 'vitest';
import { storyOf } from '../../scenarios/stories/table.ts';
import { walk, type Walk } from './walk.ts';

const actsOf = ({ lines }: Walk): ReadonlySet<unknown> =>
  new Set(lines.filter(({ kind }) => kind === 'act').map(({ act }) => act));

/** Neither runs that can be resumed nor notes: what a scenario needs no more than by half is done without. */
describe.concurrent('on a target that offers less', () => {
  test('a run is disturbed in the ways that there are', async () => {
    const result = await walk(storyOf('interference'), { target: 'netra' });
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    expect(actsOf(result)).toContain('cancel');
    expect(actsOf(result)).not.toContain('drop');
  });

  test('users who are alike ask nearly the same where no notes tell their answers apart', async () => {
    const result = await walk(storyOf('equal-names'), { target: 'netra' });
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    const questions = result.lines.filter(({ act }) => act === 'ask');
    expect(new Set(questions.map(({ marker }) => marker)).size).toBe(4);
  });

  test('new tokens are tried on a connection of their own', async () => {
    const result = await walk(storyOf('token-refresh'), { target: 'netra' });
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    const opened = result.lines.filter(
      ({ kind, conn }) => kind === 'open' && String(conn).endsWith('#2'),
    );
    expect(new Set(opened.map(({ user }) => user))).toEqual(new Set(['u01', 'u03']));
  });

  test('a stop that comes too late may be refused', async () => {
    const result = await walk(storyOf('cancel'), { target: 'netra' });
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    expect(result.lines.filter(({ event }) => event === 'error_message')).not.toEqual([]);
  });
});
