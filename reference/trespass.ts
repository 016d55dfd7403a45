import type { Trespass } from './hooks.ts';
import type { World } from './world.ts';

/** True if a fault lets somebody have what is not theirs; the ground truth then says so. */
export function isLetIn(world: World, trespass: Trespass): boolean {
  const deviation = world.hooks.trespass(trespass);
  if (deviation === null) return false;
  world.truth.write({
    fault: deviation.fault,
    observer: trespass.session.signedIn.email,
    owner: deviation.owner,
    run: trespass.run?.id ?? null,
    event: deviation.event ?? null,
    how: deviation.how,
  });
  return true;
}
