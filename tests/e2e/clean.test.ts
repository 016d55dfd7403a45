import { expect, test } from 'vitest';
import { explainResult, goldenPath } from './trial.ts';

test('the clean target passes, with everybody overlapping and the detector proven', async () => {
  const result = await goldenPath({ rounds: 2 });
  const story = explainResult(result);
  const { calibration, pairsOverlapping } = result.verdict.evidence;
  expect(result.verdict.verdict, story).toBe('pass');
  expect(pairsOverlapping, story).toBe(45);
  expect(calibration?.planted).toBeGreaterThan(0);
  expect(calibration?.caught).toBe(calibration?.planted);
  expect(result.deeds).toEqual([]);
});
