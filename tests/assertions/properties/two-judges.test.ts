import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pickFrom } from '../../../bench/random-texts.ts';
import type { Observation, TrialHeader } from '../../../history/observation.ts';
import { judged, legalStory, tell } from '../history-language.ts';
import { judgeNaively } from '../naive/judge.ts';
import { disordered } from './disorder.ts';
import { effort, EFFORT_MS } from './effort.ts';
import { MUTATIONS } from './mutations.ts';

/** What the judge says, in the words of the naive one. */
function judgedForReal(header: TrialHeader, lines: readonly Observation[], complete: boolean) {
  const { verdict, findings } = judged(header, lines, { complete });
  const violations = findings
    .filter(({ severity }) => severity === 'violation')
    .map(({ rule, observer, owner, event }) =>
      [rule, observer ?? '', owner ?? '', event ?? ''].join('|'),
    );
  return { verdict, violations: [...new Set(violations)].toSorted() };
}

function judgedNaively(header: TrialHeader, lines: readonly Observation[], complete: boolean) {
  const { verdict, violations } = judgeNaively(header, lines, complete);
  return { verdict, violations: [...violations].toSorted() };
}

const NAMES = Object.keys(MUTATIONS);

describe('two judges that share nothing but the rules', () => {
  test(
    'agree on legal histories, and on histories broken in any way',
    () => {
      let histories = 0;
      fc.assert(
        fc.property(
          legalStory,
          fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.nat()), { maxLength: 2 }),
          fc.record({
            changes: fc.nat(2),
            from: fc.nat(),
            complete: fc.constantFrom(true, true, true, false),
          }),
          (story, mutations, { changes, from, complete }) => {
            let told = tell(story);
            for (const [name, seed] of mutations) {
              const lines = MUTATIONS[name]?.(told, pickFrom(seed))?.lines;
              if (lines !== undefined) told = { ...told, lines };
            }
            const { header } = told;
            const lines = disordered(told, changes, pickFrom(from));
            histories += 1;
            expect(judgedForReal(header, lines, complete)).toEqual(
              judgedNaively(header, lines, complete),
            );
          },
        ),
        effort(500, 4),
      );
      // A busy machine gets through fewer; none would prove nothing.
      expect(histories).toBeGreaterThan(0);
    },
    EFFORT_MS,
  );
});
