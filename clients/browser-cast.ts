import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { openBrowserPool, type PoolSurroundings } from './browser-pool.ts';
import { BrowserUser } from './browser-user.ts';
import { CdpPageRecorder } from './page-recorder.ts';
import type { TrialPlan } from './plan.ts';
import type { BrowserSeat, Cast, TrialContext } from './trial-context.ts';

/**
 * Pages that are being opened compute: more of them at once than there are cores open no sooner, and make
 * each other's calls look slow. Two at the least, for what goes wrong where users come at the same time.
 */
const OPENINGS = Math.max(2, availableParallelism());

/** What browser users need beside the plan and the trial's context. */
export interface CastSurroundings extends PoolSurroundings {
  /** Directory of the trial, for pictures and traces. */
  readonly dir: string;
  /** Bytes of one reply that are recorded at most. */
  readonly bodyBytesMax: number;
}

/**
 * Makes users who act through browsers; the one place that knows all of what drives and records pages,
 * and loaded only where somebody acts through one.
 * @throws BrowserMissing
 */
export async function castInBrowsers(
  plan: TrialPlan,
  surroundings: CastSurroundings,
): Promise<Cast> {
  const { dir, bodyBytesMax } = surroundings;
  const pool = await openBrowserPool(plan, surroundings);
  const openings = pLimit(OPENINGS);
  const seatIn = (context: TrialContext): BrowserSeat => ({
    pool,
    openings,
    createRecorder: () => recorderIn(context, bodyBytesMax),
    dir,
    trace: plan.trace,
    bodyBytesMax,
  });
  return {
    createUser: (context, persona, name) =>
      new BrowserUser(context, seatIn(context), { persona, name }),
    close: () => pool.close(),
  };
}

/** A recorder of one browser profile, that reads sockets as the sockets of raw users are read. */
function recorderIn({ target, addresses, socket }: TrialContext, bodyBytesMax: number) {
  const { recorder, wire, quiet, silentEvents, bytesMax } = socket;
  return new CdpPageRecorder({
    recorder,
    addresses,
    wire,
    asked: target.page?.asked,
    streams: target.stream !== undefined,
    quiet,
    silentEvents,
    bytesMax,
    bodyBytesMax,
  });
}
