import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CutTexts, mayHoldCutTexts } from '../../history/cut-texts.ts';

const as = (piece: string): string => piece;
const joined = (text: string): string => new CutTexts(text).joined(as);
const LONG = 'a text that is long enough';

describe('texts cut over members', () => {
  test('are not looked for in frames whose objects only hold each other', () => {
    for (const frame of [
      { type: 'tool_completed', payload: { tool: 'read', parameters: { a: 1, list: [1, 2] } } },
      { type: 'agent_thinking', references: [], payload: { thought: 'of what? [1]' } },
    ])
      expect(mayHoldCutTexts(JSON.stringify(frame))).toBe(false);
  });

  test('are those of one name, and apart from them those that stand as deep', () => {
    const text = JSON.stringify({
      tokens: [
        { token: 'one and ', top: [{ token: 'never' }] },
        { token: 'the same', top: [{ token: 'nor this' }] },
      ],
    });
    expect(joined(text).split('    ')).toEqual([
      'one and neverthe samenor this',
      'one and the same',
      'nevernor this',
      '',
    ]);
  });

  test('are no ids: lists are full of them', () => {
    const ids = ['5b0c1f6e-9a3d-4f27-8d11-6f2f5d0c9a71', '5b0c1f6e-9a3d-4f27-8d11-6f2f5d0c9a72'];
    expect(joined(JSON.stringify(ids.map((id) => ({ id }))))).toBe('');
  });

  test('are found however they are cut and whatever stands around', () => {
    const around = fc.string({
      unit: fc.constantFrom(...' "[]{}:,\\'.split(''), 'x', '"a":', '","', '"}'),
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        fc.record({ before: around, after: around }),
        fc.constantFrom(undefined, 1, '\t'),
        (lengths, { before, after }, indent) => {
          const pieces: string[] = [];
          for (let at = 0; at < LONG.length; at += pieces.at(-1)?.length ?? 0)
            pieces.push(LONG.slice(at, at + (lengths[pieces.length % lengths.length] ?? 1)));
          if (pieces.length === 1) return;
          for (const list of [
            pieces.map((text) => ({ n: 1, text })),
            pieces,
            Object.assign({}, pieces),
          ]) {
            const text = `${before} ;${JSON.stringify(list, null, indent)}; ${after}`;
            expect(mayHoldCutTexts(text)).toBe(true);
            expect(joined(text)).toContain(LONG);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('are told where they stand', () => {
    const text = `[{"a":"some te","b":"x"},{"a":"xt that ","b":"y"},{"a":"is cut"}]`;
    const cut = new CutTexts(text);
    const start = cut.joined(as).indexOf('text that is');
    const places = cut.places()({ start, end: start + 'text that is'.length });
    expect(places.map((place) => text.slice(place.start, place.end))).toEqual([
      'te',
      'xt that ',
      'is',
    ]);
  });

  test('take no longer to look for in texts that are made for it', () => {
    const repeated = (part: string): string => part.repeat(2_000_000 / part.length);
    const hostile = [
      repeated('["'),
      repeated('{['),
      repeated('"x'),
      `["${repeated('\\')}`,
      `[{},{,"${repeated('\\",')}`,
      `},{${repeated(',"x" ')}`,
      `["x"${repeated(' ')}]`,
      repeated('1":'),
      repeated('[1'),
      repeated('{"a":'),
      repeated('{"a":"x","b":'),
      repeated('{"t":"xtk"},'),
    ];
    const began = performance.now();
    for (const text of hostile) if (mayHoldCutTexts(text)) joined(text);
    expect(performance.now() - began).toBeLessThan(12_000);
  });
});
