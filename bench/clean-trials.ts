import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { newSeed, TRANSPORTS, type Transport } from '../clients/plan.ts';
import { TargetHost } from '../scenarios/target-host.ts';
import { explainResult, goldenPath } from '../tests/e2e/trial.ts';
import { PATIENT } from '../tests/patient.ts';

/**
 * How often does a clean target pass? Runs golden paths of ten users with different seeds on the embedded
 * target and prints how many ended in which verdict. Everything but `pass` is a false alarm or a gap.
 *
 * `node --import tsx bench/clean-trials.ts [trials = 200] [at once = 1] [transport = websocket]`. With
 * more than one at once, or with `--patient`, the timing gates are lifted: trials that share a machine
 * are slow together.
 */
const TRIALS_DEFAULT = 200;
/** Pages that hurry as no agent does are slow together, and the gates say so. */
const PACE: Readonly<Record<Transport, number>> = { websocket: 0.1, browser: 1, mixed: 1 };
/** Pages take their time, and a machine that is shared makes them take more. */
const PHASE_MS_MAX: Readonly<Record<Transport, number>> = {
  websocket: 6_000,
  browser: 60_000,
  mixed: 60_000,
};

interface Clean {
  readonly trials: number;
  readonly atOnce: number;
  readonly transport: Transport;
  readonly patient: boolean;
}

async function main({ trials, atOnce, transport, patient }: Clean): Promise<void> {
  const limit = pLimit(atOnce);
  const verdicts = new Map<string, number>();
  const slo = patient || atOnce > 1 ? PATIENT : {};
  // Starting a process for each target would take longer than the trials.
  const hosts = Array.from({ length: atOnce }, () => new TargetHost());
  const one = async (): Promise<void> => {
    const host = hosts.pop() ?? new TargetHost();
    const result = await goldenPath({
      seed: newSeed(),
      pace: PACE[transport],
      slo,
      transport,
      timeoutMs: PHASE_MS_MAX[transport],
      start: (options) => host.start(options),
    });
    hosts.push(host);
    const { verdict, trial } = result.verdict;
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    // Told at once: a campaign that is cut short still says how many passed.
    console.log(`seed ${trial.seed}: ${verdict === 'pass' ? 'pass' : explainResult(result)}`);
  };
  await Promise.all(Array.from({ length: trials }, () => limit(one)));
  for (const host of hosts) host.end();
  const counts = JSON.stringify(Object.fromEntries(verdicts));
  console.log(`${trials} clean trials, ${transport}: ${counts}`);
  process.exitCode = verdicts.get('pass') === trials ? 0 : 1;
}

/** @throws TypeError for an option or a transport that there is not. */
function readWords(): Clean {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { patient: { type: 'boolean', default: false } },
  });
  const [trials = TRIALS_DEFAULT, atOnce = 1, name = 'websocket'] = positionals;
  const transport = TRANSPORTS.find((known) => known === name);
  if (transport === undefined)
    throw new TypeError(`the transport must be ${TRANSPORTS.join(', ')}, got "${name}"`);
  return { trials: Number(trials), atOnce: Number(atOnce), transport, ...values };
}

await main(readWords());
