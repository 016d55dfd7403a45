import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSeed, type TrialPlan } from '../clients/plan.ts';
import { planMistakes } from '../clients/plan-check.ts';
import { newCampaignPrefix } from '../history/markers.ts';
import { showUntrustedUpTo } from '../reports/untrusted.ts';
import { startEmbeddedTarget } from '../scenarios/embedded-target.ts';
import { resolveAddresses } from '../targets/addresses.ts';
import type { Addresses, Target } from '../targets/target.ts';
import { DOCTOR_STEPS, examineTarget, type DoctorStep } from './doctor-steps.ts';
import { EXIT } from './exit-codes.ts';
import { watchInterrupt } from './interrupt.ts';
import { OptionReader } from './option-reader.ts';
import type { CommandCall } from './program.ts';
import { planOfChoice } from './run-options.ts';
import { readTargetChoice } from './target-options.ts';

const TIMEOUT = { min: 0.1, max: 3600, fallback: 15 };
const MESSAGE_CHARACTERS_MAX = 400;

interface DoctorSettings {
  readonly plan: TrialPlan;
  readonly target: Target;
  readonly embedded: boolean;
  readonly addresses: Addresses;
}

/** `crosstalk doctor`: walks one user through a target and says at which step it fails, and why. */
export async function doctorCommand(call: CommandCall): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'crosstalk-doctor-'));
  const interrupt = watchInterrupt(() => rmSync(directory, { recursive: true, force: true }));
  let embedded: { readonly url: string; stop(): Promise<void> } | undefined;
  try {
    const settings = await readDoctorSettings(call, directory);
    const { plan, target } = settings;
    if (settings.embedded) embedded = await startEmbeddedTarget(plan);
    const steps = await examineTarget({
      plan,
      target,
      addresses: embedded === undefined ? settings.addresses : addressesOf(settings, embedded.url),
      directory,
      interrupted: interrupt.signal,
      tell: (text) => {
        if (!call.output.quiet) call.output.remark(text);
      },
      onStep: (step) => {
        if (!call.output.quiet) tell(step, call);
      },
    });
    call.output.document({ steps });
    if (call.output.quiet) call.output.text(outcomeOf(steps));
    if (interrupt.signal.aborted) return EXIT.interrupted;
    return steps.every(({ ok }) => ok) ? EXIT.pass : EXIT.inconclusive;
  } finally {
    await embedded?.stop();
    rmSync(directory, { recursive: true, force: true });
    interrupt.release();
  }
}

async function readDoctorSettings(call: CommandCall, directory: string): Promise<DoctorSettings> {
  const { mistakes } = call;
  const read = new OptionReader(call.options, mistakes);
  const choice = await readTargetChoice(read, mistakes);
  for (const arg of call.args)
    mistakes.add('UNEXPECTED_ARGUMENT', `"doctor" takes no argument, got "${arg}".`);
  const plan: TrialPlan = {
    ...planOfChoice(choice),
    users: 1,
    transports: ['websocket'],
    browsers: 1,
    browserUsers: null,
    headed: false,
    slowMoMs: 0,
    trace: false,
    seed: newSeed(),
    campaignPrefix: newCampaignPrefix(),
    rounds: 1,
    timeoutMs: 1000 * read.number('timeout', TIMEOUT),
    forMs: null,
    rampMs: 0,
    outDir: directory,
    slo: {},
    failFast: false,
    reproduce: 'npx crosstalk doctor',
    judgeInParent: true,
  };
  const { target, embedded, addresses } = choice;
  if (target !== undefined)
    for (const mistake of planMistakes(plan, target, addresses))
      mistakes.add('NOT_ALLOWED', mistake);
  mistakes.throwIfAny();
  if (target === undefined) throw new Error('a target that did not load is a mistake');
  return { plan, target, embedded, addresses };
}

function addressesOf({ plan, target }: DoctorSettings, url: string): Addresses {
  const resolution = resolveAddresses(target, { url, addresses: plan.addresses, env: {} });
  if (!resolution.ok) throw new Error(resolution.mistakes.join(' '));
  return resolution.addresses;
}

/** Steps are told as they come: on standard output as text, on standard error under `--json`. */
function tell(step: DoctorStep, { output }: CommandCall): void {
  const width = Math.max(...DOCTOR_STEPS.map((name) => name.length));
  const message = showUntrustedUpTo(step.message, MESSAGE_CHARACTERS_MAX);
  const line = `${step.ok ? 'ok    ' : 'failed'}  ${step.step.padEnd(width)}  ${message}`;
  if (output.json) output.remark(line);
  else output.text(line);
}

function outcomeOf(steps: readonly DoctorStep[]): string {
  const failed = steps.find(({ ok }) => !ok);
  return failed === undefined
    ? 'ok'
    : `failed: ${failed.step}: ${showUntrustedUpTo(failed.message, MESSAGE_CHARACTERS_MAX)}`;
}
