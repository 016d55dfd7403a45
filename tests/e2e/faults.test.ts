import { describe, expect, test } from 'vitest';
import { FAULTS } from '../../reference/catalogue.ts';
import { explainResult, goldenPath, PATIENT } from './trial.ts';

/** Lifts every timing gate but the one the fault is about. */
function sloFor(rules: readonly string[]): typeof PATIENT {
  return Object.fromEntries(
    Object.entries(PATIENT).filter(([gate]) => !rules.includes(`gate/${gate}`)),
  );
}

/** What a golden path over raw sockets does; other faults take other scenarios. */
const PROVIDED = new Set(['gp', 'r2', 'eq', 'barrier']);
const PROVOKED = FAULTS.filter(
  ({ needs, seenBy }) => seenBy !== 'page' && needs.split(', ').every((need) => PROVIDED.has(need)),
);

describe.concurrent('every fault is caught by its rule', () => {
  test.each(PROVOKED.map((fault) => [fault.name, fault] as const))('%s', async (name, fault) => {
    const result = await goldenPath({
      faults: [name],
      rounds: fault.needs.includes('r2') ? 2 : name === 'rare-leak' ? 12 : 1,
      slo: sloFor(fault.rules),
      variants: fault.needs.includes('eq') ? ['equal-questions'] : [],
    });
    const story = explainResult(result);
    expect(result.deeds.length, `the target never did it\n${story}`).toBeGreaterThan(0);
    expect(result.verdict.verdict, story).toBe('fail');
    expect(
      fault.rules.some((rule) => result.violated.includes(rule)),
      `${fault.rules.join(' or ')} in ${result.violated.join(', ')}`,
    ).toBe(true);
    expect(result.unexplained.length, story).toBe(0);
    if (fault.mechanism !== undefined)
      expect(
        result.verdict.findings.some(
          (finding) => fault.rules.includes(finding.rule) && finding.mechanism === fault.mechanism,
        ),
        `mechanism ${fault.mechanism}\n${story}`,
      ).toBe(true);
  });
});
