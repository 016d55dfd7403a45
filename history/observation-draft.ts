import type { Observation } from './observation.ts';

/** An observation while it is being read or told. */
export type Draft = { -readonly [Field in keyof Observation]: Observation[Field] };

/**
 * An observation of which nothing is known yet. All members are there from the beginning, so that every
 * observation has one shape, live or read back: what looks at millions of them finds each member at one place.
 */
export function newDraft(): Draft {
  return {
    n: -1,
    line: 0,
    t: -1,
    user: null,
    conn: null,
    surface: 'harness',
    dir: 'act',
    kind: 'act',
    event: undefined,
    owner: undefined,
    thread: undefined,
    run: undefined,
    tool: undefined,
    agent: undefined,
    id: undefined,
    sequence: undefined,
    sentAt: undefined,
    contentKind: undefined,
    content: undefined,
    cut: undefined,
    masked: undefined,
    intended: undefined,
    act: undefined,
    place: undefined,
    marker: undefined,
    question: undefined,
    ids: undefined,
    source: undefined,
    credentials: undefined,
    audience: undefined,
    shown: undefined,
    code: undefined,
    reason: undefined,
    by: undefined,
    method: undefined,
    url: undefined,
    status: undefined,
    headers: undefined,
    purpose: undefined,
    took: undefined,
    rtt: undefined,
    offset: undefined,
    phase: undefined,
    mark: undefined,
    step: undefined,
    message: undefined,
    unreachable: undefined,
    delay: undefined,
    p50: undefined,
    p95: undefined,
    p99: undefined,
    max: undefined,
    count: undefined,
  };
}
