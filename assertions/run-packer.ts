import { restoreUuids, shortenUuids } from './uuid-bytes.ts';
import type { Run, RunOnConnection, Terminal } from './run-ledger.ts';

/** Ids and tool calls of longer runs are not packed: it would cost more than it saves. */
const PACKED_TEXTS_MAX = 64;
const SEPARATOR = '\n';
/** Of a packed run; never written to, as unpacking comes first. */
const NO_CONNECTIONS = new Map<string, RunOnConnection>();
/** Where a packed run ended; unpacking says it. */
const PACKED = newRunOnConnection('');

/** The record of a run on a connection that has shown nothing of it yet. */
export function newRunOnConnection(conn: string): RunOnConnection {
  return {
    conn,
    seen: new Set(),
    started: false,
    early: undefined,
    completedAt: undefined,
    lastSequence: undefined,
    open: undefined,
    openedTools: undefined,
    closedTools: undefined,
    unopened: undefined,
    first: undefined,
  };
}

/**
 * A soak has a hundred thousand runs, nearly all of which ended as they should and are never heard of
 * again; but if they are, everything must be known. So what such a run holds in sets and maps is packed
 * into one text, and what it has in common with others is shared with them.
 */
export class RunPacker {
  readonly #counts = new Map<string, Map<string, number>>();
  /** Most runs show the same events as the run before. */
  #latestCounts = new Map<string, number>();
  /** By the event that ended the run. */
  readonly #terminals = new Map<string, readonly Terminal[]>();

  /** Packs a run that has ended as runs do; any other stays as it is. */
  pack(run: Run): void {
    const [on] = run.connections.values();
    const [terminal] = run.terminals;
    if (on === undefined || terminal === undefined || !isOrdinary(run, on)) return;
    const packed = packedText(on, terminal);
    if (packed === undefined) return;
    run.packed = packed;
    run.connections = NO_CONNECTIONS;
    run.tools = undefined;
    run.counts = this.#sharedCounts(run.counts);
    run.terminals = this.#sharedTerminals(terminal);
  }

  /** Makes a packed run what it was. */
  unpack(run: Run): void {
    if (run.packed === undefined) return;
    const { on, keys, endId } = readPacked(run.packed);
    if (keys.length > 0) {
      on.openedTools = countsOf(keys);
      on.closedTools = countsOf(keys);
      run.tools = { open: new Map(), closed: new Set(keys), orphans: new Map() };
    }
    run.terminals = run.terminals.map((terminal) => ({ ...terminal, on, id: endId }));
    run.counts = new Map(run.counts);
    run.connections = new Map([[on.conn, on]]);
    run.packed = undefined;
  }

  #sharedCounts(counts: Map<string, number>): Map<string, number> {
    if (!isSameCount(counts, this.#latestCounts)) this.#latestCounts = this.#knownCounts(counts);
    return this.#latestCounts;
  }

  #knownCounts(counts: Map<string, number>): Map<string, number> {
    const key = JSON.stringify([...counts]);
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    this.#counts.set(key, counts);
    return counts;
  }

  #sharedTerminals({ event }: Terminal): readonly Terminal[] {
    const known = this.#terminals.get(event);
    if (known !== undefined) return known;
    const fresh = [{ event, on: PACKED, id: undefined }];
    this.#terminals.set(event, fresh);
    return fresh;
  }
}

/** The record of a run on its only connection as one text; undefined when its parts could not be told apart. */
function packedText(on: RunOnConnection, { id: endId }: Terminal): string | undefined {
  const texts = [
    on.conn,
    on.started ? '1' : '',
    textOf(on.completedAt),
    textOf(on.lastSequence),
    // The terminal's id is one of those seen.
    endId === undefined ? '' : textOf(positionOf(endId, on.seen)),
    textOf(totalOf(on.openedTools)),
  ];
  // As often as it was used, which is hardly ever more than once.
  for (const [tool, uses] of on.openedTools ?? [])
    for (let use = 0; use < uses; use += 1) texts.push(tool);
  for (const id of on.seen) texts.push(id);
  for (const text of texts) if (text.includes(SEPARATOR)) return undefined;
  return shortenUuids(texts.join(SEPARATOR));
}

/** What {@link packedText} was given; `keys` are those of the tool calls. */
function readPacked(packed: string): {
  readonly on: RunOnConnection;
  readonly keys: readonly string[];
  readonly endId: string | undefined;
} {
  const [conn = '', started, completedAt, lastSequence, idAt, tools, ...texts] =
    restoreUuids(packed).split(SEPARATOR);
  const keys = texts.slice(0, numberOf(tools) ?? 0);
  const ids = texts.slice(keys.length);
  const on = newRunOnConnection(conn);
  for (const id of ids) on.seen.add(id);
  on.started = started === '1';
  on.completedAt = numberOf(completedAt);
  on.lastSequence = numberOf(lastSequence);
  return { on, keys, endId: ids[numberOf(idAt) ?? -1] };
}

/** What {@link textOf} was given. */
function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

/** One connection, one end, nothing left open, and every tool call closed that was opened. */
function isOrdinary(run: Run, on: RunOnConnection): boolean {
  if (run.connections.size !== 1 || run.terminals.length !== 1) return false;
  // Where it resumed, it goes by another name.
  if (!run.connections.has(on.conn)) return false;
  if (on.early !== undefined || sizeOf(on.open) + sizeOf(on.first) + sizeOf(on.unopened) > 0)
    return false;
  if (on.seen.size + totalOf(on.openedTools) > PACKED_TEXTS_MAX) return false;
  const [terminal] = run.terminals;
  if (terminal?.id !== undefined && !on.seen.has(terminal.id)) return false;
  return areToolsClosed(run, on);
}

function areToolsClosed({ tools }: Run, on: RunOnConnection): boolean {
  if (sizeOf(tools?.open) + sizeOf(tools?.orphans) > 0) return false;
  return isSameUse(on.openedTools, on.closedTools) && isSame(on.openedTools, tools?.closed);
}

function isSameCount(a: Map<string, number>, b: Map<string, number>): boolean {
  if (a.size !== b.size) return false;
  // In another order they are told apart, as by their key.
  const others = b.entries();
  for (const [event, count] of a) {
    const [otherEvent, otherCount] = others.next().value ?? [];
    if (otherEvent !== event || otherCount !== count) return false;
  }
  return true;
}

function positionOf(id: string, among: ReadonlySet<string>): number {
  let at = 0;
  for (const other of among) {
    if (other === id) return at;
    at += 1;
  }
  return -1;
}

function sizeOf(collection: { readonly size: number } | undefined): number {
  return collection?.size ?? 0;
}

/** How often each tool was used. */
function countsOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function totalOf(counts: ReadonlyMap<string, number> | undefined): number {
  let total = 0;
  for (const count of counts?.values() ?? []) total += count;
  return total;
}

function isSameUse(
  a: ReadonlyMap<string, number> | undefined,
  b: ReadonlyMap<string, number> | undefined,
): boolean {
  if (sizeOf(a) !== sizeOf(b)) return false;
  for (const [tool, uses] of a ?? []) if (b?.get(tool) !== uses) return false;
  return true;
}

function isSame(
  uses: ReadonlyMap<string, number> | undefined,
  tools: ReadonlySet<string> | undefined,
): boolean {
  if (sizeOf(uses) !== sizeOf(tools)) return false;
  for (const tool of uses?.keys() ?? []) if (tools?.has(tool) !== true) return false;
  return true;
}
