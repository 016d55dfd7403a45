/**
 * Walks scenarios on the embedded target, clean and with each of the faults that motivated them, and keeps
 * what came of it in `docs/scenarios.json`, from which `npm run schemas` makes `docs/scenarios.md`:
 *
 *     node --import tsx bench/scenario-trials.ts [--only NAME[,NAME]] [--transport NAME] [--fault NAME|none]
 *         [--missing] [--jobs N]
 *
 * `--missing` leaves out what is known already. What was not walked this time stays as it was. Ends with 1 where something was not as it must be.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { readDeeds, unexplained } from '../assertions/ground-truth.ts';
import { judgeHistory } from '../assertions/judge.ts';
import { defaultPlan, type TrialPlan } from '../clients/plan.ts';
import {
  parseScenarioTrials,
  SCENARIO_TRIALS_FILE,
  type ScenarioTrial,
} from '../cli/scenario-trials.ts';
import { FAULTS } from '../reference/catalogue.ts';
import { recordPlainTrial } from '../scenarios/plain-trial.ts';
import { STORIES, type Story } from '../scenarios/stories/table.ts';

const FILE = new URL(`../${SCENARIO_TRIALS_FILE}`, import.meta.url);
const TRANSPORTS = ['websocket', 'browser'] as const;
const USERS = { websocket: 6, browser: 4 } as const;
/** A page takes its time to be loaded again, and must be there before its run is over. */
const PACE = { websocket: 0.3, browser: 1.5 } as const;
/** How fast a target is on this machine today is not what scenarios are about. */
const LIFTED: TrialPlan['slo'] = Object.fromEntries(
  ['connect', 'first-event', 'delivery', 'api'].map((gate) => [gate, { limit: 120_000 }]),
);

type Transport = (typeof TRANSPORTS)[number];
interface Wanted {
  readonly story: Story;
  readonly transport: Transport;
  /** Null: the clean target. */
  readonly fault: string | null;
}

interface Choice {
  readonly only?: string | undefined;
  readonly transport?: string | undefined;
  readonly fault?: string | undefined;
  readonly missing?: boolean | undefined;
}

function wanted({ only, transport: chosen, fault: wished, missing }: Choice): Wanted[] {
  const known = new Set(missing === true ? readFile().map(keyOf) : []);
  const names = only?.split(',');
  const all = STORIES.filter(({ name }) => names?.includes(name) ?? true).flatMap((story) =>
    TRANSPORTS.flatMap((transport) =>
      [null, ...story.reveals].map((fault) => ({ story, transport, fault })),
    ),
  );
  return all.filter(
    ({ story, transport, fault }) =>
      (chosen === undefined || chosen === transport) &&
      (wished === undefined || wished === (fault ?? 'none')) &&
      (fault === null || isSeenOn(fault, transport)) &&
      !known.has(keyOf({ scenario: story.name, transport, fault })),
  );
}

function keyOf({
  scenario,
  transport,
  fault,
}: Pick<ScenarioTrial, 'scenario' | 'transport' | 'fault'>): string {
  return `${scenario} ${transport} ${fault ?? ''}`;
}

function readFile(): ScenarioTrial[] {
  return parseScenarioTrials(readFileSync(FILE, 'utf8'));
}

function isSeenOn(fault: string, transport: Transport): boolean {
  const seenBy = FAULTS.find(({ name }) => name === fault)?.seenBy ?? 'any';
  return seenBy === 'any' || seenBy === (transport === 'browser' ? 'page' : 'socket');
}

async function walk({ story, transport, fault }: Wanted): Promise<ScenarioTrial> {
  const dir = mkdtempSync(join(tmpdir(), 'crosstalk-scenario-'));
  const common = { scenario: story.name, transport, fault } as const;
  try {
    const { historyPath, truthPath, notApplicable } = await recordPlainTrial({
      plan: {
        ...defaultPlan({}, dir),
        users: USERS[transport],
        pace: PACE[transport],
        slo: LIFTED,
        faults: fault === null ? [] : [fault],
      },
      story,
      transport,
    });
    if (notApplicable !== undefined) return { ...common, outcome: 'not-applicable', rules: [] };
    const verdict = judgeHistory(historyPath, { calibrate: true });
    const untrue = unexplained(verdict, readDeeds(truthPath));
    const raised = verdict.findings.filter(({ severity }) => severity !== 'note');
    const told = untrue.map(({ finding, why }) => `untrue: ${finding.message} (${why})`);
    const trial: ScenarioTrial = {
      ...common,
      outcome: untrue.length > 0 ? 'untrue' : verdict.verdict,
      rules: [...new Set(raised.map(({ rule }) => rule))].toSorted(),
    };
    if (!isRight(trial))
      for (const line of [...verdict.reasons, ...told]) process.stderr.write(`    ${line}\n`);
    return trial;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whether it ended as it must: clean passes, and a fault is caught by one of its own rules. */
function isRight({ fault, outcome, rules }: ScenarioTrial): boolean {
  if (outcome === 'not-applicable') return true;
  if (fault === null) return outcome === 'pass';
  const own = FAULTS.find(({ name }) => name === fault)?.rules ?? [];
  return outcome === 'fail' && rules.some((rule) => own.includes(rule));
}

function keep(trial: ScenarioTrial): void {
  const others = readFile().filter((one) => keyOf(one) !== keyOf(trial));
  const all = [...others, trial].toSorted((a, b) => keyOf(a).localeCompare(keyOf(b)));
  writeFileSync(FILE, `${JSON.stringify(all, null, 2)}\n`);
}

async function tryOne(one: Wanted): Promise<void> {
  const started = performance.now();
  const trial = await walk(one);
  const right = isRight(trial);
  // Where a scenario does not apply, no fault has been tried.
  const isTold = trial.fault === null || trial.outcome !== 'not-applicable';
  if (right && isTold) keep(trial);
  if (!right) process.exitCode = 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `${right ? 'ok ' : 'BAD'} ${trial.scenario} ${trial.transport} ${trial.fault ?? 'clean'}: ` +
      `${trial.outcome} ${trial.rules.join(', ')} (${seconds} s)\n`,
  );
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    transport: { type: 'string' },
    fault: { type: 'string' },
    missing: { type: 'boolean' },
    jobs: { type: 'string', default: '1' },
  },
});
const limit = pLimit(Number(values.jobs));
await Promise.all(wanted(values).map((one) => limit(() => tryOne(one))));
