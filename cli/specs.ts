import { z } from 'zod';

/** Environment variable that tells Playwright's configuration which scripts to run, as a JSON array. */
export const SPECS_VARIABLE = 'CROSSTALK_SPECS';

/** Environment variable with the number of the runner, where several are at work at once. */
export const LANE_VARIABLE = 'CROSSTALK_LANE';

/** Absolute paths of the scripts to run; none where the variable is absent. */
export function specsFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(env[SPECS_VARIABLE] ?? '[]'));
}
