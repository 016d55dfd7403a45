import type { Transport } from '../clients/plan.ts';
import { FAULTS, VARIANTS, type FaultEntry, type VariantEntry } from '../reference/catalogue.ts';

/** Transports on which a fault can be seen at all. */
export type CaseTransport = 'websocket' | 'browser';

/** One trial of the self-test: one fault or legal variant on one transport. */
export interface SelftestCase {
  readonly kind: 'fault' | 'variant';
  readonly name: string;
  readonly transport: CaseTransport;
  /** Scenario that provokes it. */
  readonly story: string;
  readonly rounds: number;
  readonly users: number;
  /** Pace of the embedded target. */
  readonly pace: number;
  readonly variants: readonly string[];
  /** Profile of the crowd; always on the embedded target. */
  readonly target: 'reference' | 'netra';
  /** Rules that must catch the fault, one of them is enough; empty for what nobody may flag. */
  readonly anyOf: readonly string[];
  /** Whether it mostly waits for something that never comes, until a limit. */
  readonly waits: boolean;
}

/** How a trial must be for a need of the catalogue to be met. */
interface Provocation {
  readonly story?: string;
  /** Slower, where something must happen while a run is under way. */
  readonly pace?: number;
  readonly paceInBrowsers?: number;
  readonly rounds?: number;
  readonly variants?: readonly string[];
}

/** One round of ten users is 50 events: `docs/statistics.md` derives the number. */
const ROUNDS_FOR_RARE_LEAKS = 19;
const PACE = 0.2;
const USERS = 10;
/** Enough for every third user to have neighbours on both sides; browsers are dear. */
const USERS_IN_BROWSERS = 3;
/** Enough for every other user, who does something special, to have one of its kind. */
const USERS_IN_BROWSERS_OF_STORIES = 4;
const GOLDEN_PATH = 'golden-path';
const PACE_OF_DISTURBANCES = 0.5;
/** A page takes its time to be loaded again, and must be there before its run is over. */
const PACE_FOR_RELOADS = 3;
/** What comes late must come later than a target may take to close a socket. */
const PACE_OF_STALE_RUNS = 2;
/** Faults that keep back what a user waits for, or come with the heartbeat. */
export const AWAITED_IN_VAIN: ReadonlySet<string> = new Set([
  'drop-agent_completed',
  'handshake-race',
  'heartbeat-roster',
  'lost-on-reconnect',
  'other-envelope',
  'stall',
]);
const PROBES: Provocation = { story: 'hostile-access', pace: 1 };

const PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  gp: {},
  barrier: {},
  r2: { rounds: 2 },
  eq: { variants: ['equal-questions'] },
  'many rounds': { rounds: ROUNDS_FOR_RARE_LEAKS },
  late: { story: 'staggered' },
  cancel: { story: 'cancel', pace: PACE_OF_DISTURBANCES },
  reconnect: {
    story: 'reconnect',
    pace: PACE_OF_DISTURBANCES,
    paceInBrowsers: PACE_FOR_RELOADS,
  },
  'sign-out': { story: 'sign-out', pace: PACE_OF_STALE_RUNS },
  error: { story: 'error', pace: PACE_OF_DISTURBANCES },
  tabs: { story: 'tabs' },
  switch: { story: 'switch-account' },
  // A page calls a thread after its first question.
  'equal titles': { story: 'equal-names', variants: ['equal-questions'] },
  'prefix names': { story: 'equal-names' },
  'ask at once': { story: 'ask-at-once' },
  revocation: { story: 'revoked', pace: PACE_OF_STALE_RUNS },
  refresh: { story: 'token-refresh', pace: PACE_OF_DISTURBANCES },
  again: { story: 'history' },
  restart: { story: 'cold-start' },
  idle: { story: 'idle' },
  stall: { story: 'slow-reader', pace: PACE_OF_DISTURBANCES },
  probe: PROBES,
  expiry: {},
};

/** Variants that show only where somebody does more than the golden path. */
const STORIES_OF_VARIANTS: Readonly<Record<string, Provocation>> = {
  'replay-own': {
    story: 'reconnect',
    pace: PACE_OF_DISTURBANCES,
    paceInBrowsers: PACE_FOR_RELOADS,
  },
  'same-user-tabs': { story: 'tabs' },
  'token-refresh': { story: 'token-refresh', pace: PACE_OF_DISTURBANCES, rounds: 2 },
  'slow-but-within': { pace: 1, rounds: 2 },
};

/** Every fault on every transport that can see it, then every legal variant. */
export function selftestCases(): SelftestCase[] {
  return [...FAULTS.flatMap(faultCases), ...VARIANTS.flatMap(variantCases)];
}

/** The words of `crosstalk run` that show a fault; a page's fault needs a browser. */
export function wordsToProvoke(fault: FaultEntry): string {
  const [one] = faultCases(fault);
  if (one === undefined) throw new Error(`no transport shows "${fault.name}"`);
  const { story, rounds, pace, variants, transport } = one;
  return [
    ...(story === GOLDEN_PATH ? [] : [story]),
    `--fault ${fault.name}`,
    ...variants.map((variant) => `--variant ${variant}`),
    ...(rounds === 1 ? [] : [`--rounds ${rounds}`]),
    ...(pace <= PACE_OF_DISTURBANCES ? [] : [`--pace ${pace}`]),
    ...(fault.seenBy === 'any' ? [] : [`--transport ${transport}`]),
  ].join(' ');
}

/** What a run is, as far as it matters to whether a fault shows in it. */
export interface ProvokingRun {
  readonly faults: readonly string[];
  readonly variants: readonly string[];
  readonly rounds: number;
  readonly transports: readonly Transport[];
  /** Names of built-in scenarios. */
  readonly scenarios: readonly string[];
}

/**
 * Sentences about faults that are switched on where they cannot show: whoever tries one out would take the
 * pass for a leak that was missed.
 */
export function unshownFaults(run: ProvokingRun): string[] {
  return FAULTS.filter(
    (fault) =>
      run.faults.includes(fault.name) && !faultCases(fault).some((one) => isShown(one, run)),
  ).map(
    (fault) =>
      `the fault "${fault.name}" may not show in this run. Try: npx crosstalk run ${wordsToProvoke(fault)}`,
  );
}

function isShown({ story, rounds, variants, transport }: SelftestCase, run: ProvokingRun): boolean {
  return (
    run.transports.some((name) => name === transport || name === 'mixed') &&
    // Everybody walks the golden path, whatever else some do.
    (story === GOLDEN_PATH || run.scenarios.includes(story)) &&
    run.rounds >= rounds &&
    variants.every((variant) => run.variants.includes(variant))
  );
}

function faultCases(fault: FaultEntry): SelftestCase[] {
  const needs = fault.needs.split(', ').map((need) => PROVOCATIONS[need] ?? {});
  const rounds = Math.max(1, ...needs.map((need) => need.rounds ?? 1));
  // What needs a probe besides is probed: that scenario has both.
  const story = needs.findLast((need) => need.story !== undefined)?.story ?? GOLDEN_PATH;
  return transportsOf(fault).map((transport) => ({
    kind: 'fault',
    name: fault.name,
    transport,
    story,
    rounds,
    users: usersOn(transport, rounds, story),
    pace: Math.max(PACE, ...needs.map((need) => paceOn(transport, need))),
    variants: needs.flatMap(({ variants }) => variants ?? []),
    target: 'reference',
    anyOf: fault.rules,
    waits: AWAITED_IN_VAIN.has(fault.name),
  }));
}

function paceOn(
  transport: CaseTransport,
  { pace = 0, paceInBrowsers = pace }: Provocation,
): number {
  return transport === 'browser' ? paceInBrowsers : pace;
}

/** What happens rarely needs all the events it can get, whatever they cost. */
function usersOn(transport: CaseTransport, rounds: number, story: string): number {
  if (transport !== 'browser' || rounds >= ROUNDS_FOR_RARE_LEAKS) return USERS;
  return story === GOLDEN_PATH ? USERS_IN_BROWSERS : USERS_IN_BROWSERS_OF_STORIES;
}

function transportsOf({ seenBy }: FaultEntry): readonly CaseTransport[] {
  if (seenBy === 'any') return ['websocket', 'browser'];
  return [seenBy === 'page' ? 'browser' : 'websocket'];
}

function variantCases(variant: VariantEntry): SelftestCase[] {
  // The embedded target's page is its own, whatever its socket speaks.
  const transports: readonly CaseTransport[] =
    variant.target === 'netra' ? ['websocket'] : ['websocket', 'browser'];
  const provocation = STORIES_OF_VARIANTS[variant.name] ?? { rounds: 2 };
  const { story = GOLDEN_PATH, rounds = 1 } = provocation;
  return transports.map((transport) => ({
    kind: 'variant',
    name: variant.name,
    transport,
    story,
    rounds,
    users: usersOn(transport, rounds, story),
    pace: Math.max(PACE, paceOn(transport, provocation)),
    variants: [variant.name],
    target: variant.target,
    anyOf: [],
    waits: false,
  }));
}
