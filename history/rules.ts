import type { Cause, Severity } from './verdict.ts';

/**
 * The registry of rules (DESIGN §4.7): names, texts, severity and cause. `list`, `explain`, the judge and
 * the documentation are made from it. What a rule does lives in `assertions/`.
 */
export interface RuleText<Name extends string = string> {
  readonly name: Name;
  /** Violated when … (DESIGN §4.7). */
  readonly text: string;
  readonly severity: Severity;
  readonly cause: Cause;
  /** Why a reader should care. */
  readonly why: string;
  /** What a finding looks like. */
  readonly example: string;
  /** Likely causes and how to fix them. */
  readonly fix: string;
  /** False while no rule of that name examines histories: it is listed `not-applicable`. */
  readonly implemented: boolean;
}

type Short<Name extends string> = readonly [
  name: Name,
  text: string,
  why: string,
  example: string,
  fix: string,
];

function rules<Family extends string, Name extends string>(
  family: Family,
  common: Pick<RuleText, 'severity' | 'cause'> & { readonly implemented?: boolean },
  entries: readonly Short<Name>[],
): RuleText<`${Family}/${Name}`>[] {
  return entries.map(([name, text, why, example, fix]) => ({
    name: `${family}/${name}`,
    text,
    why,
    example,
    fix,
    severity: common.severity,
    cause: common.cause,
    implemented: common.implemented ?? true,
  }));
}

const LEAK = { severity: 'violation', cause: 'leak' } as const;
const MISBEHAVIOUR = { severity: 'violation', cause: 'misbehaviour' } as const;
const BLIND = { severity: 'inconclusive', cause: 'blind' } as const;

const ISOLATION = rules('isolation', LEAK, [
  [
    'misdelivered-event',
    "an agent event's owner is outside the audience of its receiver",
    'The event stream is where an agent speaks about private data; a stray event is a leak even if the page hides it.',
    'u03 received tool_completed of u07 (broadcast)',
    'Look for a broadcast, a connection registry keyed too coarsely, or an emitter shared between runs. Route by run and check the owner at the socket.',
  ],
  [
    'unsolicited-run',
    'events of a run arrive that the receiver did not ask for and that nobody in the crowd owns',
    'A run nobody asked for belongs to somebody outside the crowd, or to nobody: either way routing is not under control.',
    'u02 received agent_started of run 4f1c…, which nobody in the crowd asked for',
    'Look for replayed events of earlier sessions, for ids assigned twice, and for events of real users.',
  ],
  [
    'unattributable-event',
    'an event of a type that claims ids carries none',
    'Guards usually compare ids only when they are present, so an event without ids passes every guard.',
    'u04 received agent_thinking without any of owner, thread, run',
    'Make the emitter refuse to send an event without its ids.',
  ],
  [
    'foreign-run',
    "something that is not an agent event of another holds another user's run, thread or connection id",
    'A foreign id inside an own message shows that shared state was serialised, and it is the key to guess with.',
    'u01 received, inside its own agent_thinking, the run id of u05',
    'Build each payload from the state of its own run; never serialise queues or registries as a whole.',
  ],
  [
    'foreign-identity',
    "another user's user id, e-mail or name marker was received; or a sign-in, who-am-I or handshake shows another identity than mine",
    'Being taken for somebody else is the worst leak: every later access check then protects the wrong person.',
    'the handshake of u06 shows the identity of u02',
    'Look for identity kept in shared or per-address state, fallback identities, and caches without the user in their key.',
  ],
  [
    'foreign-marker',
    "any other user's marker was received, anywhere, on any surface, whole, split or encoded",
    'Markers are random and planted by the harness: there is no innocent way for another user to see one.',
    'u03 received the question marker of u07 in tool_completed',
    'Follow the marker: its place (question, note, title, name) says which store or cache it came from.',
  ],
  [
    'foreign-credential',
    "another user's token was received, whole or as its hash",
    "With another's token a user can do everything as that other.",
    'u08 received a credential of u01 in agent_thinking',
    'Never put request contexts into events or logs; revoke the tokens seen.',
  ],
  [
    'shared-identifier',
    'one supposedly unique id was given to two users',
    'Everything keyed by that id (history, routing, caches) is shared from then on.',
    'u00 and u01 were both given the user id 9b1d…',
    'Make ids from a random source, with the user in their scope; look for default or hashed ids.',
  ],
  [
    'wrong-answer',
    "my answer lacks my own current marker and holds another's, or a stale one of mine",
    'The answer was made for somebody else, or for an earlier question: swapped, shifted or cached.',
    'the answer to u02 was made for u03, and the other way round (swap)',
    'Look for shared agents, replies matched by order instead of id, and caches whose key lacks the user.',
  ],
]);

const SHARED_TOKEN = rules('isolation', { severity: 'note', cause: 'leak' }, [
  [
    'shared-token',
    'a long random token was seen by several but not all users, and is neither id nor credential',
    'It may be harmless (an instance id), or a hidden identifier that ties users together.',
    'u00, u03 and u04 all saw the token 7f3a…',
    'Find out what it identifies; declare it in the profile if it is infrastructure.',
  ],
]);

/** Leaks that show only where users act on each other, or through a page. */
const ISOLATION_IN_USE = rules('isolation', LEAK, [
  [
    'residue',
    "a former user's data is found in the same browser profile",
    'Shared computers are common; what sign-out leaves behind is shown to the next person.',
    'u01 found the note marker of u00, who used the browser before, in storage',
    'Clear or key all client-side storage by user on sign-out.',
  ],
  [
    'unauthorized-access',
    'a probe that must be refused is accepted and takes effect',
    'An id is no secret: whoever learns one must still be refused.',
    "u01 read u00's thread by its id",
    'Check the owner on every verb of every transport.',
  ],
  [
    'stale-authority',
    'authority outlives sign-out, expiry or revocation',
    'A socket that stays open after sign-out keeps delivering to whoever sits there.',
    'u00 received events after its sign-out',
    'Close sockets on sign-out and revocation; check expiry while the socket is open.',
  ],
  [
    'interference',
    "another's disturbance changes my outcome, against the paired control",
    'Isolation covers behaviour too: nobody may stop, slow or fail my run.',
    "u01's run ended when u00 cancelled its own",
    'Scope cancellation, errors and limits to the run they belong to.',
  ],
  [
    'wire-page-mismatch',
    'page and wire disagree about whose or what content was received',
    'A clean page can hide a leaking wire, and a clean wire a page that mixes users.',
    'the page of u02 shows text that its wire never carried',
    'Filter on the server, and key page state by thread and user.',
  ],
]);

const ORDER = rules('order', MISBEHAVIOUR, [
  [
    'missing-event',
    'a required event of a run never came, on any connection of its asker',
    'A user who does not see that a tool is running, or that the agent is done, cannot trust the product.',
    'run 1 of u04 never showed tool_completed',
    'Look for swallowed exceptions in emitters and for connections replaced while a run was going on.',
  ],
  [
    'unclosed-tool',
    'the run completed while a tool was still open',
    'The page keeps showing a running tool for ever.',
    'run 1 of u02 completed while its tool call t-2 was open',
    'Send the closing event in a finally block.',
  ],
  [
    'stalled-run',
    'a run fell silent before its end',
    'To the user the agent hangs.',
    'run 1 of u07 fell silent after agent_thinking',
    'Look for awaited calls without a time limit and lost wake-ups.',
  ],
  [
    'double-completion',
    'a run ended twice',
    'Whatever follows the first end (billing, unlocking the page) happens twice.',
    'run 1 of u03 ended with agent_error and then agent_completed',
    'Let one place decide the end of a run.',
  ],
  [
    'out-of-order',
    'an event came before one that must precede it',
    'Pages and clients rely on the order; a result before its start is dropped or shown wrongly.',
    'u01 received tool_completed of t-1 before its tool_executing',
    'Send from one queue per run, and await each send.',
  ],
  [
    'duplicate-event',
    'the same event came twice on one connection, or one agent started twice without completing',
    'Duplicates are shown twice, and counted twice.',
    'u05 received tool_completed m-17 twice on u05#1',
    'Look for double subscription and for retries without an id check.',
  ],
  [
    'after-completion',
    'an event of a run came after the run had completed',
    'The page has moved on; late events land in the next answer or nowhere.',
    'u00 received agent_thinking 1.0 s after agent_completed',
    'Await all emitters before completing a run.',
  ],
  [
    'orphan-event',
    'a tool completed that never started',
    'It belongs to another run, or its start was lost.',
    'u02 received tool_completed of t-9, which never started',
    'Check where tool call ids come from.',
  ],
  [
    'sequence-regression',
    'sequence numbers of a run went back',
    'Clients that reorder or resume by sequence lose or repeat events.',
    'u06 received sequence 3 after 5',
    'Number events where they are sent, under one lock.',
  ],
  [
    'malformed-event',
    'a frame is not JSON, or larger than the limit, or not readable as text',
    'A client that cannot read a frame loses whatever it said.',
    'u01 received a frame that is not JSON',
    'Serialise in one place and bound the size of what agents return.',
  ],
  [
    'wrong-run',
    'an event holds the question marker of another run of mine than the one whose id it carries',
    'Two of my own runs are mixed up: what holds within a user today holds between users tomorrow.',
    'agent_thinking of run 2 of u00 carries the id of run 1',
    'Bind the run id once, at the start of the run.',
  ],
  [
    'drift',
    'a required event is absent and its content came under another name or shape',
    'Nothing is lost, but nobody who follows the agreed protocol sees it.',
    'run 1 of u03 showed tool_started instead of tool_executing',
    'Agree on one envelope and test it on both sides.',
  ],
]);

const DELIVERY = rules('delivery', MISBEHAVIOUR, [
  [
    'error-event',
    'a run failed with an error event, or the target reported an error',
    'The user got no answer.',
    'u02 received agent_error',
    'Read the error; if all users got it, look at dependencies first.',
  ],
  [
    'connect-failed',
    'a user could not sign in or connect (for all users: inconclusive, the target is unavailable)',
    'Whoever cannot connect sees nothing, and a user who sees nothing proves nothing.',
    'u03 could not connect: HTTP 401',
    'Compare with the users who could: account, limits per user or address, timing.',
  ],
  [
    'timeout',
    'a step of a user took longer than the limit (for all users: inconclusive)',
    'The user waited in vain.',
    'u05: no answer within 60 s',
    'See which event came last; raise --timeout only if the target is merely slow.',
  ],
  [
    'unexpected-close',
    'the target closed a connection that was in use (for all users: inconclusive)',
    'Events sent after that are lost to this user.',
    "u00's connection was closed with 1011",
    'Read close code and reason; look for connections evicted by another of the same key.',
  ],
  [
    'not-shown',
    'the answer came over the wire but the page does not show it',
    'For the user it does not exist.',
    'the page of u01 does not show its answer',
    'Look for events without a handler, and for lists that are capped.',
  ],
]);

const EVIDENCE = rules('evidence', BLIND, [
  [
    'nothing-observed',
    'a user received nothing at all',
    'Silence is not isolation.',
    'u04 received no agent event',
    'See why the user saw nothing: sign-in, connection, or the question.',
  ],
  [
    'no-overlap',
    'too few pairs of users were active at the same time',
    'Most leaks need two runs at once; users in turn prove little.',
    '12 of 45 pairs overlapped, at least 41 are needed',
    'Raise the duration of a run, or lower limits that keep users waiting.',
  ],
  [
    'marker-not-echoed',
    "a user's own marker did not come back where the profile says it must",
    'If own content cannot be recognised, neither can foreign content.',
    "u01's answer holds none of its markers",
    'Check what the target does to the text, and the claims of the profile.',
  ],
  [
    'blind-surface',
    'a surface could not be watched',
    'A leak on that surface would have gone unseen.',
    'the storage of u02 was not seen: its watcher did not see what was planted',
    'See the reason in the finding; a page policy or a crashed page are the usual ones.',
  ],
  [
    'detector-missed',
    'a leak or break planted in the recorded history was not found again',
    'A detector that misses what it planted proves nothing.',
    'planted 12, caught 11: a marker moved into u03',
    'Report this: it is a defect of the harness or a profile that claims too little.',
  ],
  [
    'incomplete-history',
    'the history is cut off, has gaps or unreadable lines',
    'What is not in the record cannot be judged.',
    'the history has no last line: the trial was interrupted',
    'Run the trial again.',
  ],
  [
    'harness-overloaded',
    'the harness stood still longer than the quiet window, or lost observations',
    'A harness that cannot keep up sees less than its users.',
    "the harness's event loop stood still for 2.4 s",
    'Use a larger machine or fewer users.',
  ],
]);

const LATER_EVIDENCE = rules('evidence', { ...BLIND, implemented: false }, [
  [
    'missing-part',
    'a part of a sharded trial is missing',
    'Its users were not judged.',
    'part 3 of 4 is missing',
    'Find out why the part did not run.',
  ],
]);

const GATES = rules('gate', MISBEHAVIOUR, [
  [
    'connect',
    'opening a connection to its first frame takes longer than the SLO',
    'The first thing a user waits for.',
    'connect p95 was 912 ms, the limit is 500 ms',
    'Look at the handshake and what it waits for.',
  ],
  [
    'first-event',
    'the first event of a run comes later than the SLO',
    'Until then the user sees nothing happen.',
    'first event p95 was 1,620 ms, the limit is 1,000 ms',
    'Send agent_started before any slow work.',
  ],
  [
    'delivery',
    'events take longer from being made to being received than the SLO',
    'Late progress is no progress.',
    'delivery p95 was 240 ms, the limit is 100 ms',
    'Look for queues, batching and blocked event loops.',
  ],
  [
    'api',
    'API calls take longer than the SLO',
    'Lists and histories feel slow.',
    'API p95 was 230 ms, the limit is 100 ms',
    'Profile the slowest calls.',
  ],
  [
    'routing',
    'not every agent event reached only its receiver',
    'Routing accuracy is the measure of isolation in operation.',
    'routing accuracy was 90.9 %, the limit is 100 %',
    'See the isolation findings.',
  ],
  [
    'delivery-rate',
    'too few of the required events arrived',
    'Lost events are lost answers.',
    'delivery rate was 97.8 %, the limit is 99.9 %',
    'See the missing events.',
  ],
  [
    'error-rate',
    'too many runs ended in an error, a close or a time-out',
    'Each is a user without an answer.',
    'error rate was 10 %, the limit is 0.1 %',
    'See the failed runs.',
  ],
  [
    'health',
    'a health endpoint did not answer 200',
    'Balancers will take the instance out of service.',
    'GET /health answered 503',
    'Read the body of the answer.',
  ],
]);

/** Every rule, in the order of DESIGN §4.7. */
export const RULES = [
  ...ISOLATION,
  ...SHARED_TOKEN,
  ...ISOLATION_IN_USE,
  ...ORDER,
  ...DELIVERY,
  ...EVIDENCE,
  ...LATER_EVIDENCE,
  ...GATES,
] satisfies readonly RuleText[];

/** The full name of a rule, such as `isolation/foreign-marker`. */
export type RuleName = (typeof RULES)[number]['name'];

const BY_NAME = new Map<string, RuleText>(RULES.map((rule) => [rule.name, rule]));

/** The registered rule of that name. @throws RangeError if there is none: a defect of the harness. */
export function ruleText(name: string): RuleText {
  const rule = BY_NAME.get(name);
  if (rule === undefined) throw new RangeError(`no rule is called "${name}"`);
  return rule;
}
