import { FAULT_SWITCHES } from './faults/table.ts';
import { VARIANT_SWITCHES } from './variants/table.ts';
import type { World } from './world.ts';

/** Puts the hooks of the wanted variants and faults in place: variants first, then what breaks them. */
export function switchOn(world: World): void {
  for (const name of world.options.variants) {
    const variant = VARIANT_SWITCHES[name];
    if (variant !== undefined) world.hooks.add(variant(world));
  }
  for (const name of world.options.faults) {
    const fault = FAULT_SWITCHES[name];
    if (fault !== undefined) world.hooks.add(fault(world, name));
  }
}
