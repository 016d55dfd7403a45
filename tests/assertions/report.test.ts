import { expect, test } from 'vitest';
import { Knowledge } from '../../assertions/knowledge.ts';
import { FINDINGS_MAX, Report, type Draft } from '../../assertions/report.ts';
import { HistoryBuilder } from './history-builder.ts';

const draft = (event: string): Draft => ({
  rule: 'isolation/unattributable-event',
  observer: 0,
  owner: null,
  observation: null,
  event,
  message: 'without any id',
});

test('a flood of notes never hides a violation of the same rule', () => {
  const report = new Report(new Knowledge(new HistoryBuilder(2).header));
  for (let i = 0; i < FINDINGS_MAX + 5; i += 1)
    report.add({ ...draft(`event-${i}`), severity: 'note' });
  report.add(draft('agent_thinking'));
  const { findings, omitted } = report.conclude();
  expect(report.violated).toBe(true);
  expect([...report.entries].some(({ severity }) => severity === 'violation')).toBe(true);
  expect(findings).toHaveLength(FINDINGS_MAX);
  expect(findings[0]?.severity).toBe('violation');
  expect(omitted).toBe(6);
});

test('a violation is not merged into a note about the same event', () => {
  const report = new Report(new Knowledge(new HistoryBuilder(2).header));
  report.add({ ...draft('agent_thinking'), severity: 'note' });
  report.add(draft('agent_thinking'));
  expect(report.conclude().findings.map(({ severity }) => severity)).toEqual(['violation', 'note']);
});
