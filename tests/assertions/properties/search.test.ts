import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContentScanner } from '../../../assertions/content-scanner.ts';
import { MarkerEnds } from '../../../assertions/marker-ends.ts';
import { markerlessText, MARKERLESS_KINDS, pickFrom } from '../../../bench/random-texts.ts';
import { SearchedTexts } from '../../../bench/searched-texts.ts';
import { AnchorIndex } from '../../../history/anchor-index.ts';
import { mintMarker, newCampaignPrefix, userPrefix } from '../../../history/markers.ts';
import { CHARACTER } from '../../any-text.ts';
import { HistoryBuilder, who } from '../history-builder.ts';
import { effort, EFFORT_MS } from './effort.ts';
import { chains, type Transformation } from './transformations.ts';

const CHAINS = chains();

type Chain = readonly Transformation[];

const nameOf = (chain: Chain) => chain.map(({ name }) => name).join(', then ');

function transformed(marker: string, chain: Chain, seed: number): string {
  const pick = pickFrom(seed);
  return chain.reduce((text, transformation) => transformation.apply(text, pick), marker);
}

/** JSON as JavaScript writes it, and as writers do that keep to ASCII. */
const WRITERS: readonly ((value: unknown) => string)[] = [
  (value) => JSON.stringify(value),
  (value) =>
    JSON.stringify(value).replaceAll(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
];

const chain = fc.constantFrom(...CHAINS).map((of) => ({ of, toString: () => nameOf(of) }));
const seed = fc.integer();
/** Any text; a boundary keeps it from becoming part of a code (`\` before `u0078`). */
const noise = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: CHARACTER, maxLength: 60 }),
  fc.base64String({ maxLength: 200 }),
  fc.lorem(),
);
const boundary = fc.constantFrom(' ', '"', '>', '(', ': ', '\n');

describe('a marker in any form', () => {
  test('is found under every chain of up to two transformations', () => {
    const campaign = newCampaignPrefix();
    const scanner = new ContentScanner(campaign, new AnchorIndex<string>(), new MarkerEnds());
    const missed = new Set<string>();
    for (const of of CHAINS)
      for (let round = 0; round < 2; round += 1) {
        const marker = mintMarker(userPrefix(campaign, round), 'note', round);
        const text = `see ${transformed(marker, of, round)} there`;
        const written = [text, ...WRITERS.map((write) => write({ text }))][(round * 2) % 3] ?? text;
        const found = new Set<string>();
        scanner.scan(written, {
          marker: (hit) => found.add(hit.text),
          id: () => {},
          longRun: () => {},
        });
        if (!found.has(marker)) missed.add(nameOf(of));
      }
    expect(CHAINS.length).toBeGreaterThan(350);
    expect([...missed]).toEqual([]);
  });

  test(
    'is attributed to its owner and its place, in any surroundings',
    () => {
      fc.assert(
        fc.property(
          fc.record({ chain, seed, before: noise, from: boundary, to: boundary, after: noise }),
          fc.constantFrom('frame', 'response', 'header', 'url'),
          fc.constantFrom(...WRITERS),
          ({ chain: { of }, seed: start, before, from, to, after }, where, write) => {
            const history = new HistoryBuilder(3).start();
            const text = transformed(history.person('u01').note, of, start);
            const around = `${before}${from}${text}${to}${after}`;
            receive(history, { where, around, write });
            expect(history.findings('foreign-marker').map(who)).toContain('u00 of u01');
            expect(history.findings('foreign-marker')).toHaveLength(1);
            expect(history.findings('foreign-marker')[0]?.surface).toBe(
              where === 'frame' ? 'socket' : 'http',
            );
          },
        ),
        effort(300, 2),
      );
    },
    EFFORT_MS,
  );

  test(
    'is found however its stream is cut, and whatever else is streamed meanwhile',
    () => {
      fc.assert(
        fc.property(
          fc.record({ chain, seed, before: fc.lorem(), after: fc.lorem() }),
          fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
          fc.constantFrom(...WRITERS),
          ({ chain: { of }, seed: start, before, after }, lengths, write) => {
            const history = new HistoryBuilder(3).start();
            for (const { name } of history.people) history.ask(name);
            const leaked = transformed(history.person('u02').note, of, start);
            stream(history, {
              texts: new Map([
                ['u00', `${before} ${leaked} ${after}`],
                ['u01', `${before} my note says ${history.person('u01').note} ${after}`],
                ['u02', `${after} my note says ${history.person('u02').note} ${before}`],
              ]),
              lengths,
              write,
            });
            const findings = history.findings('foreign-marker');
            expect(findings.map(who)).toEqual(['u00 of u02']);
            expect(findings[0]?.event).toBe('agent_chunk');
          },
        ),
        effort(150, 2.5),
      );
    },
    EFFORT_MS,
  );
});

/** One user receives a text, and nothing else happens. */
function receive(
  history: HistoryBuilder,
  { where, around, write }: { where: string; around: string; write: (value: unknown) => string },
): void {
  const content = write({ type: 'notice', text: around });
  if (where === 'frame') history.add('u00', { event: 'notice', contentKind: 'frame', content });
  else if (where === 'response')
    history.add('u00', {
      surface: 'http',
      kind: 'response',
      status: 200,
      conn: null,
      contentKind: 'text',
      content: around,
    });
  else {
    const more = where === 'url' ? { url: around } : { headers: { 'x-note': around } };
    history.add('u00', { surface: 'http', kind: 'response', status: 200, conn: null, ...more });
  }
}

/** Streams several users' answers at once, in pieces of the given lengths in turn. */
function stream(
  history: HistoryBuilder,
  how: {
    texts: ReadonlyMap<string, string>;
    lengths: readonly number[];
    write: (value: unknown) => string;
  },
): void {
  const rest = new Map(how.texts);
  for (let turn = 0; rest.size > 0; turn += 1)
    for (const [name, text] of rest) {
      const length = how.lengths[turn % how.lengths.length] ?? 1;
      const piece = history.event(name, 'agent_chunk', {
        payload: { text: text.slice(0, length), index: turn },
      });
      history.lines[piece.n] = { ...piece, content: how.write(JSON.parse(piece.content ?? '')) };
      if (text.length > length) rest.set(name, text.slice(length));
      else rest.delete(name);
    }
}

describe('a marker that is cut off or copied wrongly', () => {
  const notice = (history: HistoryBuilder, text: string) => {
    history.add('u00', {
      event: 'notice',
      contentKind: 'frame',
      content: JSON.stringify({ type: 'notice', text }),
    });
    return history.findings('foreign-marker').map(who);
  };

  test('counts when it breaks off after its user, or other text follows without a gap', () => {
    for (const after of ['', '…', ' and', 'bcdfgh0123456789bcdfgh']) {
      const history = new HistoryBuilder(3).start();
      expect(notice(history, `see ${history.person('u01').note.slice(0, 24)}${after}`)).toEqual([
        'u00 of u01',
      ]);
    }
  });

  test('accuses nobody when the characters that name its user may be the wrong ones', () => {
    const history = new HistoryBuilder(3).start();
    const own = history.person('u00').note;
    const other = history.header.users[1]?.markerPrefix ?? '';
    expect(notice(history, `see ${other}${own.slice(other.length)}`)).toEqual([]);
    expect(notice(history, `see ${other.slice(0, -1)}… 12:34:56.789 12:34`)).toEqual([]);
  });

  test('counts when its beginning is missing, and nothing follows without a gap', () => {
    const note = (history: HistoryBuilder): string => history.person('u01').note;
    for (const [before, length] of [
      ['…', 12],
      ['fghj', 13],
      ['', 30],
    ] as const) {
      const history = new HistoryBuilder(3).start();
      expect(notice(history, `${before}${note(history).slice(-length)}, so`)).toEqual([
        'u00 of u01',
      ]);
    }
    for (const change of [
      (text: string) => text.slice(-11),
      (text: string) => `${text.slice(-12)}b`,
      (text: string) => `${text.slice(-12, -1)}${text.endsWith('b') ? 'c' : 'b'}`,
    ]) {
      const history = new HistoryBuilder(3).start();
      expect(notice(history, `see ${change(note(history))}`)).toEqual([]);
    }
    const own = new HistoryBuilder(3).start();
    expect(notice(own, `see ${own.person('u00').note.slice(-20)}`)).toEqual([]);
  });

  test('counts where a stream breaks off in the middle of it', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const { note } = history.person('u01');
    for (const [from, to] of [
      [0, 8],
      [8, 16],
      [16, 24],
    ])
      history.event('u00', 'agent_chunk', { payload: { text: note.slice(from, to), index: from } });
    // Nothing tells, until the answer or the record ends, that it does not go on.
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u01']);
    history.event('u00', 'agent_completed');
    const [finding, ...more] = history.findings('foreign-marker');
    expect(who(finding)).toBe('u00 of u01');
    expect([finding?.count, more]).toEqual([1, []]);
  });
});

describe('a text without markers', () => {
  const SECONDS = 1;

  test.each(MARKERLESS_KINDS)('gives no sighting: %s', (kind) => {
    const searched = new SearchedTexts(10);
    const until = performance.now() + (SECONDS * 1_000) / MARKERLESS_KINDS.length;
    let texts = 0;
    for (; performance.now() < until || texts < 100; texts += 1) {
      const text = markerlessText(kind, searched.campaignPrefix, pickFrom(texts));
      const seen = searched.sightingsIn(text);
      if (seen.length > 0)
        expect.unreachable(`text ${texts} of this kind: ${JSON.stringify(text)}`);
    }
    expect(texts).toBeGreaterThanOrEqual(100);
  });

  test('is told from one that holds a marker', () => {
    const searched = new SearchedTexts(10);
    expect(searched.sightingsIn(`see ${searched.plantedMarker(3)} there`)).toEqual([
      searched.plantedMarker(3),
    ]);
  });
});
