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
