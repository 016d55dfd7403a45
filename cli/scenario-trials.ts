import { z } from 'zod';

/** The file, relative to the project's directory, that keeps what real runs of all scenarios showed. */
export const SCENARIO_TRIALS_FILE = 'docs/scenarios.json';

const scenarioTrialSchema = z.strictObject({
  scenario: z.string(),
  transport: z.enum(['websocket', 'browser']),
  /** Fault of the embedded target; null for the clean one. */
  fault: z.string().nullable(),
  /** `untrue`: a finding accuses somebody of what the target did not do. */
  outcome: z.enum(['pass', 'fail', 'inconclusive', 'not-applicable', 'untrue']),
  /** Rules that found something, notes aside. */
  rules: z.array(z.string()),
});
/** How one scenario ended on one transport, with one fault or none. */
export type ScenarioTrial = z.infer<typeof scenarioTrialSchema>;

/** Reads {@link SCENARIO_TRIALS_FILE}. */
export function parseScenarioTrials(text: string): ScenarioTrial[] {
  return z.array(scenarioTrialSchema).parse(JSON.parse(text));
}
