import { BEHAVIOUR_VARIANTS } from './behaviour.ts';
import { PROTOCOL_VARIANTS } from './protocol.ts';
import type { VariantTable } from './variant.ts';

/** Every variant by the name that `--variant` takes; a test holds it against the catalogue. */
export const VARIANT_SWITCHES: VariantTable = { ...BEHAVIOUR_VARIANTS, ...PROTOCOL_VARIANTS };
