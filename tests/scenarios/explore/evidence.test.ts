import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Outcome, Verdict } from '../../../history/verdict.ts';
import { Evidence } from '../../../scenarios/explore/evidence.ts';
import { HistoryBuilder } from '../../assertions/history-builder.ts';
import { Closers, temporaryDirectory } from '../../clients/lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** A verdict that one rule leaves open. */
function openBy(rule: string): Verdict {
  const verdict = passed();
  const rules = verdict.rules.map((one) =>
    one.rule === rule ? { ...one, outcome: 'inconclusive' as const } : one,
  );
  return { ...verdict, verdict: 'inconclusive', rules };
}

function passed(): Verdict {
  const history = new HistoryBuilder(2).start();
  history.round();
  return history.verdict();
}

/** The history of which of these tries, in this order, stands for all of them. */
function standsForAll(verdicts: readonly Verdict[]): string {
  const dir = temporaryDirectory(closers);
  const evidence = new Evidence(dir);
  const script = { users: 2, late: 0, steps: [] };
  for (const [at, verdict] of verdicts.entries()) {
    const of = join(dir, 'tries', String(at));
    mkdirSync(of, { recursive: true });
    const historyPath = join(of, 'history.ndjson');
    writeFileSync(historyPath, `${at}`);
    evidence.add(
      { script, path: String(at) },
      { script, walked: script, dir: of, historyPath, truthPath: null, verdict },
    );
  }
  evidence.finish();
  expect(evidence.totals.tries).toBe(verdicts.length);
  return readFileSync(join(dir, 'history.ndjson'), 'utf8');
}

const NO_OVERLAP = openBy('evidence/no-overlap');
/** Open for a reason that no rule stands for. */
const OPEN: Verdict = { ...passed(), verdict: 'inconclusive' };
const BLIND = openBy('evidence/blind-surface');

interface Case {
  readonly verdicts: readonly Verdict[];
  readonly standing: string;
  readonly outcome: Outcome;
}

const CASES: Readonly<Record<string, Case>> = {
  'a try without overlap takes nothing from one that has it': {
    verdicts: [NO_OVERLAP, passed()],
    standing: '1',
    outcome: 'pass',
  },
  'also where it comes last': {
    verdicts: [passed(), NO_OVERLAP],
    standing: '0',
    outcome: 'pass',
  },
  'only tries without overlap prove nothing': {
    verdicts: [NO_OVERLAP, NO_OVERLAP],
    standing: '0',
    outcome: 'inconclusive',
  },
  'a try that is open for no rule at all is not taken for one without overlap': {
    verdicts: [passed(), OPEN],
    standing: '1',
    outcome: 'inconclusive',
  },
  'what was not seen counts more than passes': {
    verdicts: [passed(), BLIND, passed()],
    standing: '1',
    outcome: 'inconclusive',
  },
};

test.each(Object.entries(CASES))('%s', (_what, { verdicts, standing, outcome }) => {
  const at = standsForAll(verdicts);
  expect(at).toBe(standing);
  expect(verdicts[Number(at)]?.verdict).toBe(outcome);
});
