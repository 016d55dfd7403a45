import type { ProfileData } from './profile-data.ts';

/** Where something can be seen (DESIGN §4.4). */
export const SURFACES = [
  'socket',
  'http',
  'sse',
  'html',
  'dom',
  'storage',
  'cookie',
  'console',
  'screen',
  'harness',
] as const;
export type Surface = (typeof SURFACES)[number];

/** `in`: the user received it; `out`: the user sent it; `act`: the harness did or noticed it. */
export type Direction = 'in' | 'out' | 'act';

/**
 * What kind of thing was observed.
 * - `frame`: one WebSocket message. `request`/`response`: one HTTP exchange. `text`: page text.
 * - `open`: a connection is being opened (`intended`, and `t` of the first attempt); `close`: it closed.
 * - `ping`: a clock sample from a ping and its pong (`rtt`, `offset`), or what the target's own ping or pong carried.
 * - `phase`: a phase of the script begins or ends (`phase`, `mark`).
 * - `act`: something a user did on purpose (`act`: `ask`, `plant`, `sign-in`, `drop`, …).
 * - `identity`: ids or credentials that are a user's own, from an authoritative place.
 * - `failure`: a step of a user did not succeed (`step`, `reason`).
 * - `stall`: the harness's own event loop stood still for `delay` ms.
 * - `delay`: the distribution of the harness's event-loop delay so far (`p50`…`max`, ms).
 * - `lost`: `count` observations could not be recorded.
 * - `screenshot`: a picture of the user's page was taken; `url` is its path beside the history.
 */
export type ObservationKind =
  | 'frame'
  | 'request'
  | 'response'
  | 'text'
  | 'open'
  | 'close'
  | 'ping'
  | 'phase'
  | 'act'
  | 'identity'
  | 'failure'
  | 'stall'
  | 'delay'
  | 'lost'
  | 'screenshot'
  | 'end';

/** Canonical fields a profile's `decode` found in a frame; each absent when the frame does not say. */
export interface DecodedFields {
  /** Canonical event name (`agent_started` …), or the target's own name where it maps to none. */
  readonly event?: string | undefined;
  /** The user id the frame claims to belong to; a trailing `...` marks a shown prefix. */
  readonly owner?: string | undefined;
  readonly thread?: string | undefined;
  readonly run?: string | undefined;
  /** Tool call id, or the tool's name where the target gives calls no id. */
  readonly tool?: string | undefined;
  /** Name of the agent that speaks; tells nested sub-agents from the outermost agent. */
  readonly agent?: string | undefined;
  /** The event's own id: unique where the profile claims it, else perhaps that of its message. */
  readonly id?: string | undefined;
  /** Position within its run, as the target counts. */
  readonly sequence?: number | undefined;
  /** The event's own timestamp, Unix milliseconds. */
  readonly sentAt?: number | undefined;
}

/** Ids a user owns. Lists grow over a trial. */
export interface OwnedIds {
  readonly user?: string | undefined;
  readonly thread?: string | undefined;
  readonly run?: string | undefined;
  readonly connection?: string | undefined;
  /** The address that the target knows the user by, where the first line of the history has none. */
  readonly email?: string | undefined;
}

/** The fields of a history line beside its content. See `docs/history.md`. */
export interface ObservationFields extends DecodedFields {
  /** Crowd name of the observer (`u03`); null for what concerns the whole crowd. */
  readonly user: string | null;
  /** `u03#1`: the user's first connection; null outside connections. */
  readonly conn: string | null;
  readonly surface: Surface;
  readonly dir: Direction;
  readonly kind: ObservationKind;

  /** `open`, `act: ask`: when the moment was due, ms on the trial's clock (latency counts from here). */
  readonly intended?: number | undefined;
  /** `close`: RFC 6455 close code; `by`: who closed. */
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  readonly by?: 'us' | 'them' | undefined;

  /** `request`/`response`. The URL is redacted. */
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly status?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What the request was for: only `api` counts for apiMs, only `health` for gate/health. */
  readonly purpose?: 'sign-in' | 'whoami' | 'api' | 'health' | 'refusal-probe' | undefined;
  /** `response`: request to end of reply, ms. */
  readonly took?: number | undefined;

  /** `ping`: round trip in ms, and target clock minus ours (wall, ms). */
  readonly rtt?: number | undefined;
  readonly offset?: number | undefined;

  /** `phase`. */
  readonly phase?: string | undefined;
  readonly mark?: 'begin' | 'end' | undefined;

  /** `act`: its verb; `place`, `marker`: what was planted where; `question`: ordinal from 1. */
  readonly act?: string | undefined;
  readonly place?: string | undefined;
  readonly marker?: string | undefined;
  readonly question?: number | undefined;

  /** `identity`: what is the user's own, where it was learned, and the hashes of own credentials. */
  readonly ids?: OwnedIds | undefined;
  readonly source?: string | undefined;
  readonly credentials?: readonly string[] | undefined;
  /** `identity` of a thread with several members: crowd names of all who may see it. */
  readonly audience?: readonly string[] | undefined;
  /** `identity`: the user id another place showed although the user's own is different. */
  readonly shown?: string | undefined;

  /** `failure`: the step that failed; `reason` holds the class (`refused`, `timeout`, …). */
  readonly step?: string | undefined;
  readonly message?: string | undefined;
  /** `failure`: true when the target itself could not be reached at all. */
  readonly unreachable?: boolean | undefined;

  /** `stall`, `delay`: event-loop delay, ms. */
  readonly delay?: number | undefined;
  readonly p50?: number | undefined;
  readonly p95?: number | undefined;
  readonly p99?: number | undefined;
  readonly max?: number | undefined;
  /** `lost`: how many observations. */
  readonly count?: number | undefined;

  /** Content was longer than the limit; so many bytes were left out. */
  readonly cut?: number | undefined;
  /** Whether the text of a person outside the crowd was masked in the content. */
  readonly masked?: boolean | undefined;
}

/** `frame`: one line of JSON as it came; `text`: any other text; `base64`: bytes that are no text. */
export type ContentKind = 'frame' | 'text' | 'base64';

/** One thing one user saw or did at one time, as the judge sees it: live or read back from disk. */
export interface Observation extends ObservationFields {
  /** Dense from 0 within the file. */
  readonly n: number;
  /** 1-based line of the file, for witnesses. */
  readonly line: number;
  /** Milliseconds on the writer's monotonic clock. */
  readonly t: number;
  readonly contentKind?: ContentKind | undefined;
  /** The content, redacted: raw JSON text, text, or base64. */
  readonly content?: string | undefined;
}

/** One user in the first line of a history. */
export interface TrialUser {
  readonly user: string;
  /** The e-mail signed in with. */
  readonly identity: string;
  /** Campaign prefix plus this user's index: every marker of the user begins with it. */
  readonly markerPrefix: string;
  /** What the user acts through, where a trial has both; absent: as the trial's transport says. */
  readonly transport?: 'websocket' | 'browser' | undefined;
  readonly ids: OwnedIds;
  /** Hashes (16 hex digits of SHA-256) of credentials known when the trial began. */
  readonly credentials: readonly string[];
}

/** The first line of a history. */
export interface TrialHeader {
  readonly schema: 1;
  readonly kind: 'trial';
  readonly trial: string;
  readonly scenario: string;
  readonly transport: 'websocket' | 'browser' | 'mixed';
  readonly target: string;
  readonly url: string;
  readonly seed: string;
  /** Index of this part of a sharded trial, or null. */
  readonly part: number | null;
  /** ISO wall time of t = 0. */
  readonly startedAt: string;
  /** The command that repeats this trial. */
  readonly reproduce: string;
  readonly users: readonly TrialUser[];
  readonly profile: ProfileData;
}

/** The last line of a complete history. */
export interface TrialEnd {
  readonly kind: 'end';
  readonly n: number;
  readonly t: number;
  /** `done`: the script and the quiet window went to their end; anything else cuts the evidence. */
  readonly reason: 'done' | 'failed' | 'interrupted' | 'fail-fast';
}
