import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeHistory } from '../../assertions/judge.ts';
import { makeCast } from '../../bench/cast.ts';
import { LINES_PER_QUESTION, LINES_PER_USER, writeHistory } from '../../bench/history-file.ts';
import { readOptions } from '../../bench/options.ts';
import { interleaved, median, ratios } from '../../bench/statistics.ts';
import { eventsOf, textFrame } from '../../bench/wire.ts';
import reference from '../../targets/reference.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'crosstalk-bench-test-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the load', () => {
  it('consists of events that the reference profile reads, about 450 bytes each', () => {
    const [person] = makeCast(1, 1).people;
    const [asked] = person?.questions ?? [];
    if (person === undefined || asked === undefined) throw new Error('the cast is empty');
    const events = eventsOf(person, asked, Date.now());
    const mean = events.reduce((sum, { text }) => sum + text.length, 0) / events.length;
    expect(mean).toBeGreaterThan(400);
    expect(mean).toBeLessThan(550);
    for (const { text, event, id, agent, tool, sequence } of events)
      expect(reference.socket.decode(JSON.parse(text))).toMatchObject({
        role: 'agent',
        owner: person.user,
        thread: person.thread,
        run: asked.run,
        event,
        id,
        agent,
        tool,
        sequence,
      });
  });

  it('is framed as RFC 6455 wants it', () => {
    expect([...textFrame('ab')]).toEqual([0x81, 2, 97, 98]);
    expect([...textFrame('a'.repeat(300)).subarray(0, 5)]).toEqual([0x81, 126, 1, 44, 97]);
  });
});

describe('a generated history', () => {
  it('is complete, clean and as long as it says', () => {
    const path = join(dir, 'history.ndjson');
    const observations = writeHistory(path, makeCast(5, 3));
    const verdict = judgeHistory(path);
    expect(verdict.reasons).toEqual([]);
    expect(verdict.verdict).toBe('pass');
    expect(verdict.evidence.observations).toBe(observations);
    expect(observations).toBe(5 * (LINES_PER_USER + 3 * LINES_PER_QUESTION));
  });
});

describe('the statistics', () => {
  it('take the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(ratios([2, 9], [1, 3])).toEqual([2, 3]);
  });

  it('measure every variant once per round, each first in turn', async () => {
    const order: string[] = [];
    const results = await interleaved(['a', 'b'], 2, (variant, round) => {
      order.push(`${variant}${round}`);
      return Promise.resolve(round);
    });
    expect(order).toEqual(['a0', 'b0', 'b1', 'a1']);
    expect(results.get('b')).toEqual([0, 1]);
  });
});

describe('the options', () => {
  it('name every mistake', () => {
    expect(readOptions(['--rounds', '0', '--only', 'page'])).toEqual([
      '--only must be client, judge, memory, scan, page-frames, browser-cpu, got "page"',
      '--rounds must be 1 to 100, got "0"',
    ]);
    expect(readOptions(['--quick'])).toMatchObject({ rounds: 2, quick: true });
  });
});
