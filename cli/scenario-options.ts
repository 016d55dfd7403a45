import type { Transport, TrialPlan } from '../clients/plan.ts';
import type { Summary } from '../history/verdict.ts';
import type { OptionReader } from './option-reader.ts';
import { builtInScenarios, type ScenarioFile } from './scenarios.ts';
import { optionWords } from './shell-words.ts';
import type { Mistakes } from './usage-error.ts';

const DURATION_MS_MIN = 1_000;
const DURATION_MS_MAX = 7 * 24 * 3_600_000;

/** Reads `--for` and `--ramp`, which only scenarios that last can do anything with. */
export function readDurations(
  read: OptionReader,
  scenarios: readonly ScenarioFile[],
  mistakes: Mistakes,
): Pick<TrialPlan, 'forMs' | 'rampMs'> {
  const limits = { msMin: DURATION_MS_MIN, msMax: DURATION_MS_MAX };
  const forMs = read.duration('for', { ...limits, example: '30m' });
  const rampMs = read.duration('ramp', { ...limits, msMin: 0, example: '5m' });
  const names = scenarios.map(({ name }) => `"${name}"`).join(', ');
  const them = `${names} ${scenarios.length === 1 ? 'does' : 'do'}`;
  const refuse = (option: string, isFor: (one: ScenarioFile) => boolean, what: string): void => {
    if (!read.isGiven(option) || scenarios.length === 0 || scenarios.some(isFor)) return;
    const others = builtInScenarios().filter(isFor);
    mistakes.add(
      'CONFLICT',
      `"--${option}" is for scenarios ${what} not. Run ${others.map(({ name }) => name).join(' or ')}, or leave it out.`,
    );
  };
  refuse('for', ({ lasting }) => lasting, `that last, but ${them}`);
  refuse('ramp', ({ ramps }) => ramps, `whose users come over a time, but those of ${names} do`);
  if (forMs !== null && rampMs !== null && rampMs > forMs)
    mistakes.add(
      'CONFLICT',
      `"--ramp" must be over before "--for" is, got ${read.text('ramp')} and ${read.text('for')}. Pass a longer --for.`,
    );
  return { forMs, rampMs: rampMs ?? 0 };
}

/** The trials that are left out because their scenario is for other transports. */
export function unwalkable(
  scenarios: readonly ScenarioFile[],
  transports: readonly Transport[],
): Summary['notApplicable'] {
  return scenarios.flatMap((scenario) =>
    transports
      .filter((transport) => !fits(scenario, transport))
      .map((transport) => ({
        scenario: scenario.name,
        transport,
        reason: `the scenario is for ${scenario.transports?.join(', ')}`,
      })),
  );
}

/** Whether a scenario can be walked on a transport. */
export function fits({ transports }: ScenarioFile, transport: Transport): boolean {
  return transports === null || transports.includes(transport);
}

/**
 * The transports that any of the scenarios can be walked on: for the others no browser need be looked for.
 * Where none is left, that is noted.
 */
export function walkable(
  transports: readonly Transport[],
  scenarios: readonly ScenarioFile[],
  mistakes: Mistakes,
): readonly Transport[] {
  const left = transports.filter((name) => scenarios.some((scenario) => fits(scenario, name)));
  const [first] = scenarios;
  if (left.length > 0 || first === undefined) return left.length > 0 ? left : transports;
  const its = first.transports ?? [];
  mistakes.add(
    'CONFLICT',
    `"${first.name}" is for ${its.join(', ')}, got ${transports.join(', ')}. Pass --transport ${its[0] ?? 'websocket'}.`,
  );
  return transports;
}

/** The words of the command line that say how long a campaign lasts. */
export function durationWords({ forMs, rampMs }: Pick<TrialPlan, 'forMs' | 'rampMs'>): string[] {
  return [
    ...optionWords('for', forMs === null ? undefined : durationWord(forMs)),
    ...optionWords('ramp', rampMs === 0 ? undefined : durationWord(rampMs)),
  ];
}

/** A duration as `--for` takes it. */
function durationWord(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${ms / 1_000}s`;
}
