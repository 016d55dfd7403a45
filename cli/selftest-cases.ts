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
  /** Pace of the embedded target. */
  readonly pace: number;
  readonly variants: readonly string[];
  /** Profile of the crowd; always on the embedded target. */
  readonly target: 'reference' | 'netra';
  /** Rules that must catch the fault, one of them is enough; empty for what nobody may flag. */
  readonly anyOf: readonly string[];
}

/** How a trial must be for a need of the catalogue to be met. */
interface Provocation {
  readonly story?: string;
  readonly rounds?: number;
  readonly variants?: readonly string[];
}

/** One round of ten users is 50 events: `docs/statistics.md` derives the number. */
const ROUNDS_FOR_RARE_LEAKS = 20;
const PACE = 0.2;

const PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  gp: {},
  barrier: {},
  r2: { rounds: 2 },
  eq: { variants: ['equal-questions'] },
  'many rounds': { rounds: ROUNDS_FOR_RARE_LEAKS },
};

/** Every fault on every transport that can see it, then every legal variant. */
export function selftestCases(): SelftestCase[] {
  return [...FAULTS.flatMap(faultCases), ...VARIANTS.flatMap(variantCases)];
}

function faultCases(fault: FaultEntry): SelftestCase[] {
  const needs = fault.needs.split(', ').map((need) => PROVOCATIONS[need] ?? {});
  return transportsOf(fault).map((transport) => ({
    kind: 'fault',
    name: fault.name,
    transport,
    story: needs.find(({ story }) => story !== undefined)?.story ?? 'golden-path',
    rounds: Math.max(1, ...needs.map(({ rounds }) => rounds ?? 1)),
    pace: PACE,
    variants: needs.flatMap(({ variants }) => variants ?? []),
    target: 'reference',
    anyOf: fault.rules,
  }));
}

function transportsOf({ seenBy }: FaultEntry): readonly CaseTransport[] {
  if (seenBy === 'any') return ['websocket', 'browser'];
  return [seenBy === 'page' ? 'browser' : 'websocket'];
}

function variantCases(variant: VariantEntry): SelftestCase[] {
  // The embedded target's page is its own, whatever its socket speaks.
  const transports: readonly CaseTransport[] =
    variant.target === 'netra' ? ['websocket'] : ['websocket', 'browser'];
  return transports.map((transport) => ({
    kind: 'variant',
    name: variant.name,
    transport,
    story: 'golden-path',
    rounds: 2,
    pace: variant.name === 'slow-but-within' ? 1 : PACE,
    variants: [variant.name],
    target: variant.target,
    anyOf: [],
  }));
}
