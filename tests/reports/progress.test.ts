import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../history/progress.ts';
import { createProgressView } from '../../reports/progress.ts';
import { HOSTILE } from './verdicts.ts';

const trial: Progress = {
  kind: 'trial',
  scenario: 'golden-path',
  transport: 'websocket',
  target: 'reference',
  url: 'http://127.0.0.1:1',
  users: 10,
  seed: '41',
  dir: 'out',
};
const phase = { kind: 'phase', phase: 'sign in', failed: 0, total: 10, elapsedMs: 120 } as const;

/** A stream that is no terminal, and what was written to it. */
function pipe(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  const through = new PassThrough();
  const extras = { isTTY, columns: 100, rows: 30, clearLine: () => true };
  const stream = Object.assign(Object.create(WriteStream.prototype), through, extras);
  let text = '';
  stream.write = (chunk: string) => {
    text += chunk;
    return true;
  };
  return { stream, written: () => text };
}

describe('progress', () => {
  it('is one line per phase where there is no terminal', () => {
    const { stream, written } = pipe(false);
    const view = createProgressView({ stream, color: false });
    view.begin(21);
    view.receive(trial);
    view.receive({ ...phase, done: 4, over: false });
    view.receive({ ...phase, done: 9, failed: 1, over: true });
    view.stop();
    expect(written().split('\n')).toEqual([
      'golden-path on websocket: 10 users, target reference at http://127.0.0.1:1, seed 41, trial 1 of 21',
      expect.stringMatching(/^ {2}sign in +9\/10, 1 failed +120 ms$/),
      '',
    ]);
  });

  it('escapes what comes from a target', () => {
    const { stream, written } = pipe(false);
    const view = createProgressView({ stream, color: false });
    view.receive({ kind: 'violation', rule: 'isolation/foreign-marker', message: HOSTILE });
    view.remark(HOSTILE);
    expect(written().replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(written().trimEnd().split('\n')).toHaveLength(2);
  });

  it('draws counts as they change on a terminal, and keeps the last ones', () => {
    const { stream, written } = pipe(true);
    const view = createProgressView({ stream, color: false });
    view.receive(trial);
    view.receive({ ...phase, done: 4, over: false });
    view.receive({ ...phase, done: 10, over: true });
    view.stop();
    expect(written()).toMatch(/sign in +4\/10[\s\S]*sign in +10\/10 +120 ms/);
  });

  it('says on a terminal which trial it is and how long all of it has taken', () => {
    const { stream, written } = pipe(true);
    const view = createProgressView({ stream, color: false });
    view.begin(2);
    view.receive(trial);
    view.receive({ ...phase, done: 10, over: true });
    view.receive({ ...trial, transport: 'browser' });
    view.receive({ ...phase, done: 1, over: false });
    view.stop();
    expect(written()).toMatch(/trial 1 of 2, \d+ ms[\s\S]*trial 2 of 2, \d+ ms/);
    expect(written()).toContain('golden-path on browser: 10 users');
  });

  it('shows a leak the moment it is seen, and tells it from another violation', () => {
    const { stream, written } = pipe(true);
    const view = createProgressView({ stream, color: true });
    view.receive({ kind: 'violation', rule: 'order/missing-event', message: 'u00 missed one' });
    expect(written()).toContain('violation: u00 missed one [order/missing-event]');
    view.receive({ kind: 'violation', rule: 'isolation/foreign-marker', message: 'u01 saw u02' });
    expect(written()).toContain('LEAK: u01 saw u02 [isolation/foreign-marker]');
    view.stop();
  });

  it('lets nothing from a target move the cursor of a terminal', () => {
    const { stream, written } = pipe(true);
    const view = createProgressView({ stream, color: false });
    view.receive({ ...trial, target: HOSTILE, url: HOSTILE });
    view.receive({ ...phase, phase: HOSTILE, done: 1, over: false });
    view.receive({ kind: 'violation', rule: 'isolation/foreign-marker', message: HOSTILE });
    view.remark(HOSTILE);
    view.stop();
    // What is left are the moves of the drawing itself: up and down, to the beginning of a line, erase.
    const escape = String.fromCodePoint(0x1b);
    const drawn = written().replaceAll(
      new RegExp(`${escape}\\[(?:\\d*[ABGK]|\\?25[lh]|\\?2026[lh])`, 'g'),
      '',
    );
    expect(drawn.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  });
});
