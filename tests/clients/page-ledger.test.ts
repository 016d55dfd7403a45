import { expect, test } from 'vitest';
import { PageLedger } from '../../clients/page-ledger-script.ts';
import type { PageRecord } from '../../clients/page-text-script.ts';

/** A ledger, and what it tells, in short. */
function ledgerOf(charactersMax: number): {
  readonly ledger: PageLedger;
  readonly told: string[];
} {
  const told: string[] = [];
  const ledger = new PageLedger('draws', charactersMax);
  ledger.start((record: PageRecord) =>
    told.push(`${record.kind} ${'text' in record ? record.text : ''}`),
  );
  return { ledger, told };
}

test('a watcher tells a text of a place once, until somebody else looks', () => {
  const { ledger, told } = ledgerOf(1_000);
  for (const place of ['canvas', 'canvas', 'another']) ledger.tell('text', place, 'hello');
  expect(told).toEqual(['text hello', 'text hello']);
  ledger.forget();
  ledger.tell('text', 'canvas', 'hello');
  expect(told).toHaveLength(3);
});

test('a message that comes twice is told twice', () => {
  const { ledger, told } = ledgerOf(1_000);
  for (let count = 0; count < 2; count += 1) ledger.tellEach('message', 'channel', 'hello');
  expect(told).toEqual(['message hello', 'message hello']);
});

test('a page that goes on and on is told to be cut off once, and the next user has a whole ledger', () => {
  const { ledger, told } = ledgerOf(8);
  for (const text of ['first', 'second', 'third']) ledger.tell('text', 'canvas', text);
  expect(told).toEqual(['text first', 'broken the page draws more than is recorded']);
  ledger.forget();
  ledger.tell('text', 'canvas', 'second');
  expect(told.at(-1)).toBe('text second');
});
