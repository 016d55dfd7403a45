import type { Transport } from '../clients/plan.ts';
import type { RunSettings } from './run-options.ts';
import { fits } from './scenario-options.ts';
import type { ScenarioFile } from './scenarios.ts';

/** Trials that go on one after the other. */
export interface Lane {
  readonly scenarios: readonly ScenarioFile[];
  readonly transports: readonly Transport[];
}

/**
 * How the trials of a campaign are shared out. Trials must not disturb each other's timing, so there is one
 * lane; but what only waits over sockets, on a target of its own, disturbs nobody, and has another one.
 * On a target that is there already no more users than asked for may be at work, so nothing goes beside.
 */
export function lanesOf(
  { scenarios, embedded }: Pick<RunSettings, 'scenarios' | 'embedded'>,
  transports: readonly Transport[],
): Lane[] {
  const beside = embedded ? scenarios.filter((one) => waitsOnSockets(one, transports)) : [];
  const rest = scenarios.filter((one) => !beside.includes(one));
  if (beside.length === 0 || rest.length === 0) return [{ scenarios, transports }];
  return [
    { scenarios: rest, transports },
    { scenarios: beside, transports: ['websocket'] },
  ];
}

function waitsOnSockets(scenario: ScenarioFile, transports: readonly Transport[]): boolean {
  const its = transports.filter((transport) => fits(scenario, transport));
  return scenario.waits && its.length > 0 && its.every((transport) => transport === 'websocket');
}
