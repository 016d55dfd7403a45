import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { TextPool, Words } from '../../history/text-pool.ts';

/** As whoever reads lines does it; whether the text was already there. */
function take(pool: TextPool, text: string): { readonly taken: string; readonly known: boolean } {
  const words = new Words(Buffer.from(text));
  const known = pool.find(words, 0, text.length);
  return { taken: known ?? pool.add(words, 0, text.length), known: known !== undefined };
}

describe('texts that recur', () => {
  test('of a crowd of a thousand nearly all are still there when they do', () => {
    const pool = new TextPool();
    // The name, connection, user, thread, run and tool call of each.
    const texts = Array.from({ length: 6_000 }, (_, i) =>
      createHash('sha256').update(String(i)).digest('hex').slice(0, 36),
    );
    for (const text of texts) take(pool, text);
    const again = texts.filter((text) => take(pool, text).known);
    expect(again.length).toBeGreaterThan(texts.length * 0.85);
  });

  test('those that end alike are told apart', () => {
    const pool = new TextPool();
    const texts = Array.from({ length: 20 }, (_, i) => `${i}-0123456789ab`);
    for (const text of [...texts, ...texts, ...texts.toReversed()])
      expect(take(pool, text).taken).toBe(text);
    // More of them than there is room for do not keep out what comes later.
    expect(take(pool, texts[0] ?? '').known).toBe(true);
  });

  test.each(['', 'a', 'abcd', 'x'.repeat(64), 'x'.repeat(65)])('%j is what it was', (text) => {
    const pool = new TextPool();
    for (let time = 0; time < 3; time += 1) expect(take(pool, text).taken).toBe(text);
  });
});
