import { SIGNOFF } from './campaign-kind.ts';
import type { CommandCall } from './program.ts';
import { runCampaign } from './run-command.ts';

/**
 * `crosstalk signoff`: the release gate. Runs every scenario tagged `@signoff` on all transports and
 * decides; exits with 0 for GO alone.
 */
export function signoffCommand(call: CommandCall): Promise<number> {
  return runCampaign(call, SIGNOFF);
}
