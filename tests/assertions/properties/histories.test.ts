import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pickFrom } from '../../../bench/random-texts.ts';
import type { Finding } from '../../../history/verdict.ts';
import { judged, legalStory, tell } from '../history-language.ts';
import { effort, EFFORT_MS } from './effort.ts';
import { MUTATIONS } from './mutations.ts';
import type { Mutated } from './mutations/mutation.ts';

describe('a legal history', () => {
  test(
    'passes, whatever legal variation it tells of',
    () => {
      fc.assert(
        fc.property(legalStory, (story) => {
          const { header, lines } = tell(story);
          const verdict = judged(header, lines);
          expect(verdict.reasons).toEqual([]);
          expect(verdict.findings).toEqual([]);
          expect(verdict.verdict).toBe('pass');
        }),
        effort(300, 2),
      );
    },
    EFFORT_MS,
  );
});

const violations = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ severity }) => severity === 'violation');

/** Whether a finding says what a mutation did, or what follows from it. */
function explains({ rule, observer, owner, also }: Mutated, finding: Finding): boolean {
  if (finding.observer !== null && finding.observer !== observer) return false;
  if (finding.owner !== null && finding.owner !== owner) return false;
  return finding.rule === rule || also.includes(finding.rule);
}

describe('a mutated history', () => {
  test.each(Object.entries(MUTATIONS))(
    '%s',
    (_name, mutate) => {
      let mutated = 0;
      fc.assert(
        fc.property(legalStory, fc.nat(), (story, seed) => {
          const told = tell(story);
          const mutation = mutate(told, pickFrom(seed));
          if (mutation === undefined) return;
          mutated += 1;
          const { rule, observer, owner } = mutation;
          const found = violations(judged(told.header, mutation.lines).findings);
          const named = found.filter((finding) => finding.rule === rule);
          expect(named.map((finding) => `${finding.observer} of ${finding.owner}`)).toContain(
            `${observer} of ${owner}`,
          );
          const untrue = found.filter((finding) => !explains(mutation, finding));
          expect(untrue.map((finding) => `${finding.rule}: ${finding.message}`)).toEqual([]);
        }),
        effort(8, 2),
      );
      expect(mutated).toBeGreaterThan(0);
    },
    EFFORT_MS,
  );
});
