import { z } from 'zod';

/** Environment variable that tells Playwright's configuration which scripts to run, as a JSON array. */
export const SPECS_VARIABLE = 'CROSSTALK_SPECS';

/** Absolute paths of the scripts to run; none where the variable is absent. */
export function specsFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(env[SPECS_VARIABLE] ?? '[]'));
}
