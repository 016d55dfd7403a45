import { AUTHORITY_FAULTS } from './authority.ts';
import { CONTAMINATION_FAULTS } from './contamination.ts';
import { DELIVERY_FAULTS } from './delivery.ts';
import type { FaultTable } from './fault.ts';
import { IDENTITY_FAULTS } from './identity.ts';
import { INTERFERENCE_FAULTS } from './interference.ts';
import { MISDELIVERY_FAULTS } from './misdelivery.ts';
import { ORDER_FAULTS } from './order.ts';
import { PAGE_FAULTS } from './page.ts';
import { RECONNECT_FAULTS } from './reconnect.ts';
import { RETURN_FAULTS } from './return.ts';

/** Every fault by the name that `--fault` takes; a test holds it against the catalogue. */
export const FAULT_SWITCHES: FaultTable = {
  ...MISDELIVERY_FAULTS,
  ...CONTAMINATION_FAULTS,
  ...IDENTITY_FAULTS,
  ...ORDER_FAULTS,
  ...DELIVERY_FAULTS,
  ...PAGE_FAULTS,
  ...AUTHORITY_FAULTS,
  ...INTERFERENCE_FAULTS,
  ...RECONNECT_FAULTS,
  ...RETURN_FAULTS,
};
