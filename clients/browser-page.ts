import type { PageWire, Target } from '../targets/target.ts';
import type { Part } from './page-driver.ts';
import { StepFailure } from './step-failure.ts';

/**
 * What the profile says of the target's page.
 * @throws StepFailure where it says nothing.
 */
export function pageOf({ name, page }: Target): PageWire {
  if (page !== undefined) return page;
  throw new StepFailure(
    `"${name}" has no page that the harness knows. Add "page" to its profile.`,
    { reason: 'error' },
  );
}

/** A part of a page, and the field of the profile that names it. */
export function part(selector: string, field: string): Part {
  return { selector, field };
}
