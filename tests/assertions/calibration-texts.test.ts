import { expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import { HistoryBuilder } from './history-builder.ts';

test('a target that writes its JSON on several lines has a detector that is proven', () => {
  const history = new HistoryBuilder(3).goldenPath();
  for (const [at, line] of history.lines.entries())
    if (line.contentKind === 'frame' && line.content !== undefined) {
      const content = JSON.stringify(JSON.parse(line.content), null, 2);
      history.lines[at] = { ...line, contentKind: 'text', content };
    }
  expect(history.verdict().verdict).toBe('pass');
  const { missed, planted, byMutation } = calibrate({
    header: history.header,
    observations: history.lines,
  });
  expect(missed).toEqual([]);
  expect(planted).toBeGreaterThan(5);
  expect(byMutation['marker-spliced']).toEqual({ planted: 1, caught: 1 });
});
