import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pickFrom } from '../bench/random-texts.ts';
import { REQUIRED_EVENTS } from '../history/profile-data.ts';

const PAGE = readFileSync(new URL('../docs/statistics.md', import.meta.url), 'utf8');

const USERS = 10;
const EVENTS = REQUIRED_EVENTS.length;
/** `rare-leak`: each event goes to one wrong user with this probability (FAULTS). */
const RATE = 1 / 200;
const WANTED = 0.99;

const caught = (rounds: number): number => 1 - (1 - RATE) ** (USERS * EVENTS * rounds);
const needed = Math.ceil(Math.log(1 - WANTED) / (USERS * EVENTS * Math.log(1 - RATE)));

describe('docs/statistics.md', () => {
  it('recommends as many rounds as the formula gives, and no more', () => {
    expect(caught(needed)).toBeGreaterThan(WANTED);
    expect(caught(needed - 1)).toBeLessThan(WANTED);
    expect(PAGE).toContain(`**Run ${needed} rounds with ${USERS} users`);
    expect(PAGE).toContain(`--fault rare-leak --rounds ${needed} `);
  });

  it('says how often fewer rounds catch it', () => {
    const percent = (rounds: number): string => `${Math.round(caught(rounds) * 100)} %`;
    expect(PAGE.replaceAll(/\s+/g, ' ')).toContain(
      `One round catches it with ${percent(1)}, five with ${percent(5)}, ten with ${percent(10)}`,
    );
  });

  it('is borne out by drawing', () => {
    const pick = pickFrom(20_260_105);
    const trials = 4_000;
    let leaked = 0;
    for (let trial = 0; trial < trials; trial += 1) {
      const events = USERS * EVENTS * needed;
      if (Array.from({ length: events }).some(() => pick(1 / RATE) === 0)) leaked += 1;
    }
    // Five standard deviations: the draw is seeded, so this is decided once and for all.
    const deviation = Math.sqrt((caught(needed) * (1 - caught(needed))) / trials);
    expect(Math.abs(leaked / trials - caught(needed))).toBeLessThan(5 * deviation);
  });

  it('gives bounds per pair of runs that follow from its own formula', () => {
    const rows = [...PAGE.matchAll(/^\| (\d+) +\| (\d+) +\| ([\d,]+) +\| ([\d.]+) % +\|$/gm)];
    expect(rows.length).toBe(4);
    for (const [, users, rounds, pairs, bound] of rows) {
      const of = ((Number(users) * (Number(users) - 1)) / 2) * Number(rounds);
      expect(Number(pairs?.replace(',', ''))).toBe(of);
      expect(Number(bound)).toBeCloseTo(300 / of, 1);
    }
  });
});
