import type { Hooks } from '../hooks.ts';
import type { World } from '../world.ts';

/** Builds the hooks of one variant for one target. */
type Variant = (world: World) => Hooks;

/** Variants by the name that `--variant` takes. */
export type VariantTable = Readonly<Record<string, Variant>>;
