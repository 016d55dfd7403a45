import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { judgeOnce, judgeSoFar, LiveJudge } from '../../../assertions/history-judge.ts';
import { oneOf, pickFrom, type Pick } from '../../../bench/random-texts.ts';
import type { Observation } from '../../../history/observation.ts';
import type { Finding, Verdict } from '../../../history/verdict.ts';
import { endOf, judged, legalStory, tell, type Told } from '../history-language.ts';
import { disordered } from './disorder.ts';
import { effort, EFFORT_MS } from './effort.ts';
import { MUTATIONS } from './mutations.ts';
import { numbered } from './mutations/mutation.ts';

const dir = mkdtempSync(join(tmpdir(), 'crosstalk-same-verdict-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Histories of all kinds: legal, broken on purpose, and disordered. */
const anyHistory = fc
  .tuple(legalStory, fc.constantFrom(...Object.keys(MUTATIONS), 'none'), fc.nat(2), fc.nat())
  .map(([story, name, changes, seed]): Told => {
    const told = tell(story);
    const pick = pickFrom(seed);
    const lines = MUTATIONS[name]?.(told, pick)?.lines ?? told.lines;
    return { ...told, lines: disordered({ ...told, lines }, changes, pick) };
  });

/** Lines as the journal writes them: the fields first, a frame as it came last. */
function written({ header, lines }: Told, complete: boolean): string {
  const rows = lines.map(({ line: _line, content, contentKind, ...fields }) => {
    const head = JSON.stringify(fields).slice(0, -1);
    if (content === undefined || contentKind === undefined) return `${head}}`;
    const shown = contentKind === 'frame' ? content : JSON.stringify(content);
    return `${head},"${contentKind}":${shown}}`;
  });
  const { kind, ...rest } = endOf(lines);
  const end = complete ? [JSON.stringify({ kind, ...rest })] : [];
  return `${[JSON.stringify(header), ...rows, ...end].join('\n')}\n`;
}

const keyOf = ({ rule, observer, owner, surface, event }: Finding): string =>
  [rule, observer, owner, surface, event].join('|');

const isShared = ({ rule }: Finding): boolean => rule === 'isolation/shared-identifier';

const isViolation = ({ severity }: Finding): boolean => severity === 'violation';

describe('one history has one verdict', () => {
  test(
    'judged line by line, from disk and in slices, byte for byte',
    async () => {
      const path = join(dir, 'history.ndjson');
      await fc.assert(
        fc.asyncProperty(anyHistory, async (told) => {
          const lines = told.lines;
          const verdict = JSON.stringify(judged(told.header, lines));
          writeFileSync(path, written(told, true));
          expect(JSON.stringify(judgeOnce(path))).toBe(verdict);
          expect(JSON.stringify(await judgeSoFar(path))).toBe(verdict);
          expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(lines.length + 3);
        }),
        effort(40, 1.5),
      );
    },
    EFFORT_MS,
  );

  test(
    'and no prefix of it accuses whom the whole clears',
    () => {
      fc.assert(
        fc.property(anyHistory, fc.nat(), ({ header, lines }, seed) => {
          const prefix = lines.slice(0, pickFrom(seed)(lines.length + 1));
          const violations = judged(header, lines).findings.filter(isViolation);
          const whole = new Set(violations.map(keyOf));
          // Of two users who are given one id nothing is the one's alone; before, all of it was.
          const alike = new Set(
            violations.filter(isShared).map(({ observer, owner }) => `${observer} ${owner}`),
          );
          const live = new LiveJudge(header);
          for (const line of prefix) live.observe(line);
          const interrupted = judged(header, prefix, { complete: false });
          const accused = [...live.violations, ...interrupted.findings.filter(isFinal)];
          const wrong = accused.filter(
            (finding) =>
              !whole.has(keyOf(finding)) && !alike.has(`${finding.observer} ${finding.owner}`),
          );
          expect(wrong.map(keyOf)).toEqual([]);
        }),
        effort(60, 1.5),
      );
    },
    EFFORT_MS,
  );

  test(
    'in whatever order the lines of different users were written',
    () => {
      fc.assert(
        fc.property(anyHistory, fc.nat(), (told, seed) => {
          const moved = reordered(told, pickFrom(seed));
          expect(withoutLines(judged(told.header, moved))).toEqual(
            withoutLines(judged(told.header, told.lines)),
          );
        }),
        effort(60, 1.5),
      );
    },
    EFFORT_MS,
  );
});

/**
 * What an interrupted record says for good. Whether a failure hit some users or all, whether the routing
 * of an event is explained, and who an event belongs to, is known at the end only.
 */
function isFinal({ rule, severity }: Finding): boolean {
  return severity === 'violation' && !/^(delivery|gate)\/|unsolicited/.test(rule);
}

/** Moves lines of different users past each other; each keeps its time, and each user's lines their order. */
function reordered({ lines, sharing }: Told, pick: Pick): readonly Observation[] {
  const result: Observation[] = [];
  let segment: Observation[] = [];
  const flush = (): void => {
    // Members of a shared thread are no strangers: what one is shown depends on what the other said.
    const strands = new Map<string, Observation[]>();
    for (const line of segment) {
      const of = sharing.has(line.user ?? '') ? 'members' : (line.user ?? '');
      strands.set(of, [...(strands.get(of) ?? []), line]);
    }
    const rest = [...strands.values()].map((strand) => [...strand]);
    while (rest.length > 0) {
      const strand = oneOf(rest, pick);
      const next = strand.shift();
      if (next !== undefined) result.push(next);
      if (strand.length === 0) rest.splice(rest.indexOf(strand), 1);
    }
    segment = [];
  };
  for (const line of lines)
    if (line.dir === 'in') segment.push(line);
    else {
      // What the harness learns or does comes before what follows from it.
      flush();
      result.push(line);
    }
  flush();
  return numbered(result);
}

/** A verdict with its findings as a set, and without the places where they stand in the file. */
function withoutLines({ findings, reasons: _reasons, ...rest }: Verdict): unknown {
  return {
    ...rest,
    findings: findings.map((finding) => JSON.stringify({ ...finding, witness: [] })).toSorted(),
  };
}
