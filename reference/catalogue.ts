import type { FaultEntry } from './catalogue/entry.ts';
import { AUTHORITY } from './catalogue/authority.ts';
import { DELIVERY } from './catalogue/delivery.ts';
import { ELUSIVE } from './catalogue/elusive.ts';
import { EXPOSURE } from './catalogue/exposure.ts';
import { IDENTITY } from './catalogue/identity.ts';
import { MISDELIVERY } from './catalogue/misdelivery.ts';
import { ORDER } from './catalogue/order.ts';

export type { FaultEntry, VariantEntry } from './catalogue/entry.ts';
export { VARIANTS } from './catalogue/variants.ts';

/** Every fault that this target implements, in the order in which they are listed. */
export const FAULTS: readonly FaultEntry[] = [
  ...MISDELIVERY,
  ...AUTHORITY,
  ...EXPOSURE,
  ...IDENTITY,
  ...ELUSIVE,
  ...ORDER,
  ...DELIVERY,
];
