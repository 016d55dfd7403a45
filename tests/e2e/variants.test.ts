import { describe, expect, test } from 'vitest';
import { VARIANTS } from '../../reference/catalogue.ts';
import { explainResult, goldenPath } from './trial.ts';

describe.concurrent('nothing legal is flagged', () => {
  test.each(
    [undefined, ...VARIANTS].map(
      (variant) => [variant?.name ?? 'the clean target', variant] as const,
    ),
  )('%s', async (_name, variant) => {
    const result = await goldenPath({
      variants: variant === undefined ? [] : [variant.name],
      rounds: 2,
      ...(variant?.target === 'netra' ? { target: 'netra', signIn: 'register' as const } : {}),
      ...(variant?.name === 'slow-but-within' ? { pace: 1 } : {}),
    });
    const story = explainResult(result);
    expect(result.verdict.verdict, story).toBe('pass');
    expect(result.verdict.evidence.pairsOverlapping, story).toBe(45);
    expect(result.verdict.evidence.calibration?.caught).toBe(
      result.verdict.evidence.calibration?.planted,
    );
    expect(result.deeds).toEqual([]);
  });
});
