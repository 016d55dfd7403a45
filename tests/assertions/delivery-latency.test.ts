import { expect, test } from 'vitest';
import { HistoryBuilder } from './history-builder.ts';

const STARTED_AT = Date.parse('2026-01-01T00:00:00.000Z');

/** A crowd whose clocks agree with the target's, and whose events are delivered at once. */
function promptCrowd(): HistoryBuilder {
  const history = new HistoryBuilder(2).start();
  for (const { name } of history.people)
    history.add(name, { kind: 'ping', dir: 'act', rtt: 1, offset: 0 });
  return history;
}

const madeAt = (t: number) => ({ sentAt: STARTED_AT + t });

test('an event that stayed away for long is late', () => {
  const history = promptCrowd();
  history.ask('u00');
  history.event('u00', 'agent_started', { fields: { t: 2000, ...madeAt(500) } });
  expect(history.verdict().metrics.deliveryMs?.max).toBeCloseTo(1500, 0);
});

test('what was made while its receiver was away is owed from the return on', () => {
  const history = promptCrowd();
  history.ask('u00');
  history.add('u00', { conn: 'u00#2', kind: 'open', dir: 'act', t: 1900, intended: 1900 });
  history.add('u00', { conn: 'u00#2', event: 'connection_established', t: 1980 });
  history.event('u00', 'agent_started', { fields: { conn: 'u00#2', t: 2000, ...madeAt(500) } });
  expect(history.verdict().metrics.deliveryMs?.max).toBeCloseTo(20, 0);
});

test.each(['resume', 'probe'] as const)('what a %s brings again is owed from then on', (act) => {
  const history = promptCrowd();
  const { run } = history.ask('u00');
  history.event('u00', 'agent_started', { fields: { t: 510, ...madeAt(500) } });
  history.add('u00', { kind: 'act', surface: 'harness', dir: 'act', act, run, t: 1990 });
  history.event('u00', 'agent_started', { fields: { t: 2000, ...madeAt(500) } });
  expect(history.verdict().metrics.deliveryMs?.max).toBeCloseTo(10, 0);
});

test.each([
  { jump: -2_000, what: 'back' },
  { jump: 7_200_000, what: 'ahead' },
])("what came while the target's clock was put $what is not measured", ({ jump }) => {
  const history = promptCrowd();
  history.ask('u00');
  history.event('u00', 'agent_started', { fields: { t: 510, ...madeAt(500) } });
  history.add('u00', { kind: 'ping', dir: 'act', rtt: 1, offset: 0, t: 600 });
  history.event('u00', 'agent_thinking', { fields: { t: 710, ...madeAt(700 + jump) } });
  history.add('u00', { kind: 'ping', dir: 'act', rtt: 4, offset: jump, t: 800 });
  history.event('u00', 'tool_executing', { fields: { t: 930, ...madeAt(900 + jump) } });
  const { deliveryMs } = history.verdict().metrics;
  expect(deliveryMs?.p50).toBeCloseTo(10, 0);
  expect(deliveryMs?.max).toBeCloseTo(30, 0);
});

test('a sample that took long contradicts none that did not', () => {
  const history = promptCrowd();
  history.ask('u00');
  history.event('u00', 'agent_started', { fields: { t: 2000, ...madeAt(500) } });
  history.add('u00', { kind: 'ping', dir: 'act', rtt: 3_000, offset: -1_400, t: 5_000 });
  expect(history.verdict().metrics.deliveryMs?.max).toBeCloseTo(1500, 0);
});
