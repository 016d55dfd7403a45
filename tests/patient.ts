import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrialPlan } from '../clients/plan.ts';

/**
 * Several trials share the machine in tests, and a busy machine is slow: timing gates are lifted unless
 * a test is about one.
 */
export const PATIENT: TrialPlan['slo'] = {
  connect: { limit: 60_000 },
  'first-event': { limit: 60_000 },
  delivery: { limit: 60_000 },
  api: { limit: 60_000 },
};

/** The words by which a command that runs in the directory is as patient. */
export function patientIn(directory: string): string[] {
  writeFileSync(join(directory, 'slo.json'), JSON.stringify(PATIENT));
  return ['--slo', 'slo.json'];
}
