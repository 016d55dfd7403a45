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
  /** The message of a finding, as a verdict has it. */
  readonly example: string;
  /** What is usually behind it. */
  readonly causes: string;
  /** What to do about it. */
  readonly fix: string;
}

type Short<Name extends string> = readonly [
  name: Name,
  text: string,
  why: string,
  example: string,
  causes: string,
  fix: string,
];

function rules<Family extends string, Name extends string>(
  family: Family,
  common: Pick<RuleText, 'severity' | 'cause'>,
  entries: readonly Short<Name>[],
): RuleText<`${Family}/${Name}`>[] {
  return entries.map(([name, text, why, example, causes, fix]) => ({
    name: `${family}/${name}`,
    text,
    why,
    example,
    causes,
    fix,
    severity: common.severity,
    cause: common.cause,
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
    'u03 received tool_completed of u07 on its socket (broadcast)',
    'A broadcast; a registry of connections keyed too coarsely; an emitter that several runs share.',
    'Route by run, and compare owner and receiver once more where the frame is written to the socket.',
  ],
  [
    'unsolicited-run',
    'events of a run arrive that the receiver did not ask for and that nobody in the crowd owns',
    'A run nobody asked for belongs to somebody outside the crowd, or to nobody: either way routing is not under control.',
    'u02 received agent_started of a run that nobody in the crowd asked for',
    'Events of earlier sessions that are replayed; run ids given out twice; events of real users.',
    'Send the events of a run only to connections that asked for it or resumed it as its owner.',
  ],
  [
    'unattributable-event',
    'an event of a type that claims ids carries none',
    'Guards usually compare ids only when they are present, so an event without ids passes every guard.',
    'u04 received agent_thinking without any id (the target claims owner, thread, run)',
    'A second code path that builds events by hand; ids dropped where an envelope is converted.',
    'Make the emitter refuse to send an event without its ids, and the guard refuse to pass one.',
  ],
  [
    'foreign-run',
    "something that is not an agent event of another holds another user's run, thread or connection id",
    'A foreign id inside an own message shows that shared state was serialised, and it is the key to guess with.',
    'u01 received the run id of u05 in agent_thinking at payload.queue[0].run_id',
    'Shared state (a queue, a registry, a job list) that is serialised as a whole.',
    'Build each payload field by field from the state of its own run.',
  ],
  [
    'foreign-identity',
    "another user's user id, e-mail or name marker was received; or a sign-in, who-am-I or handshake shows another identity than mine",
    'Being taken for somebody else is the worst leak: every later access check then protects the wrong person.',
    'the handshake of u06 shows the identity of u02',
    'Identity kept in shared state or by address; a fallback identity; a cache without the user in its key.',
    'Take the identity from the verified token of this very request, and pass it on explicitly.',
  ],
  [
    'foreign-marker',
    "any other user's marker was received, anywhere, on any surface, whole, split or encoded",
    'Markers are random and planted by the harness: there is no innocent way for another user to see one.',
    'u03 received the question marker of u07 in tool_completed at payload.result',
    'A store, cache or stream whose key lacks the user; the place in the finding says which text it was.',
    'Follow the marker from where it was planted (question, note, title, name) to the key that mixed it up.',
  ],
  [
    'foreign-credential',
    "another user's token was received, whole or as its hash",
    "With another's token a user can do everything as that other.",
    'u08 received a credential of u01 in agent_thinking at payload.context.token',
    'A request context put into events, errors or logs as a whole.',
    'Keep credentials out of every object that is serialised, and revoke those that were seen.',
  ],
  [
    'shared-identifier',
    'one supposedly unique id was given to two users',
    'Everything keyed by that id (history, routing, caches) is shared from then on.',
    'u00 and u01 were both given the same user id',
    'A default or constant id; an id made of the time or of a hash that is cut off; the local part of an e-mail.',
    'Make ids from a random source of at least 122 bits, unique under the constraint of the store.',
  ],
  [
    'wrong-answer',
    "my answer lacks my own current marker and holds another's, or a stale one of mine",
    'The answer was made for somebody else, or for an earlier question: swapped, shifted or cached.',
    'the answer to u02 was made for u03 (swap)',
    'A shared agent object; replies matched by their order instead of their id; a cache whose key lacks the user.',
    'Hold one agent for each run, match replies by id, and put the user into the key of every cache.',
  ],
]);

const SHARED_TOKEN = rules('isolation', { severity: 'note', cause: 'leak' }, [
  [
    'shared-token',
    'a long random token was seen by several but not all users, and is neither id nor credential',
    'It may be harmless (an instance id), or a hidden identifier that ties users together.',
    'u00, u03 and u04 saw the same long token, which is neither id nor credential',
    'An instance or build id, or a hidden identifier that ties users together.',
    'Find out what it identifies; declare it in the profile if it is infrastructure.',
  ],
]);

/** Leaks that show only where users act on each other, or through a page. */
const ISOLATION_IN_USE = rules('isolation', LEAK, [
  [
    'residue',
    "a former user's data is found in the same browser profile",
    'Shared computers are common; what sign-out leaves behind is shown to the next person.',
    'u01 found the note marker of u00, who used the browser before, in storage at transcript',
    'Client-side storage that is not keyed by user; sign-out that forgets it; replies that may be cached.',
    'Clear all client-side storage on sign-out, key it by user, and send Cache-Control: no-store.',
  ],
  [
    'unauthorized-access',
    'a probe that must be refused is accepted and takes effect',
    'An id is no secret: whoever learns one must still be refused.',
    'http GET /api/threads/{id} with foreign id of u00 was accepted from u01',
    'A lookup by id without its owner; a check on one transport and not on the other; a check that is never reached.',
    'Ask for owner and id in one query, on every verb of every transport.',
  ],
  [
    'stale-authority',
    'authority outlives sign-out, expiry or revocation',
    'A socket that stays open after sign-out keeps delivering to whoever sits there.',
    'after the sign-out of u00 its connection u00#1 stayed open for 5.0 s or longer',
    'A socket that was authenticated once and is never looked at again; a revocation that one instance knows.',
    'Close the sockets of a session when it ends, and compare the expiry while a socket is open.',
  ],
  [
    'interference',
    "another's disturbance changes my outcome, against the paired control",
    'Isolation covers behaviour too: nobody may stop, slow or fail my run.',
    'run 1 of u01, which it never cancelled, was stopped while u00 cancelled',
    'Cancellation, errors or limits kept for a session, an address or the whole process.',
    'Scope each to the run it belongs to, and check who asks for it.',
  ],
  [
    'wire-page-mismatch',
    'page and wire disagree about whose or what content was received',
    'A clean page can hide a leaking wire, and a clean wire a page that mixes users.',
    'the page of u02 shows a marker of u05 that its wire never carried in readable form',
    'A page that filters what it should never have received; page state without thread and user in its key.',
    'Filter on the server, and key page state by thread and user.',
  ],
]);

const ORDER = rules('order', MISBEHAVIOUR, [
  [
    'missing-event',
    'a required event of a run never came, on any connection of its asker',
    'A user who does not see that a tool is running, or that the agent is done, cannot trust the product.',
    'run 1 of u04: tool_completed never came',
    'An exception swallowed in an emitter; a connection replaced while the run was going on.',
    'Let emitters fail loudly, and keep the events of a run until its asker has them.',
  ],
  [
    'unclosed-tool',
    'the run completed while a tool was still open',
    'The page keeps showing a running tool for ever.',
    'run 1 of u02: it completed while a tool call was open',
    'A tool that failed or was cancelled without its closing event.',
    'Send the closing event in a finally block.',
  ],
  [
    'stalled-run',
    'a run fell silent before its end',
    'To the user the agent hangs.',
    'run 1 of u07: it fell silent after agent_thinking',
    'An awaited call without a time limit; a lost wake-up; events sent while nobody was connected.',
    'Give every awaited call a limit, and end each run with a completion or an error.',
  ],
  [
    'double-completion',
    'a run ended twice',
    'Whatever follows the first end (billing, unlocking the page) happens twice.',
    'run 1 of u03: it ended with agent_error and then with agent_completed',
    'Two places that end a run, such as an error handler and the caller that goes on after it.',
    'Let one place decide the end of a run, once.',
  ],
  [
    'out-of-order',
    'an event came before one that must precede it',
    'Pages and clients rely on the order; a result before its start is dropped or shown wrongly.',
    'run 1 of u01: tool_completed came before tool_executing',
    'Sends that are not awaited; several queues for one run; a replay beside live events.',
    'Send from one queue for each run, and await each send.',
  ],
  [
    'duplicate-event',
    'the same event came twice on one connection (also an event of one tool call under another event id), or one agent started twice without completing',
    'Duplicates are shown twice, and counted twice.',
    'run 1 of u05: tool_completed came twice on u05#1 with the same id',
    'A second subscription after a reconnect; a retry that does not look at ids.',
    'Subscribe once for each connection, and drop ids that were sent on it already.',
  ],
  [
    'after-completion',
    'an event of a run came after the run had completed',
    'The page has moved on; late events land in the next answer or nowhere.',
    'run 1 of u00: agent_thinking came 1.0 s after the run had completed',
    'Emitters that nobody awaits; timers that outlive their run.',
    'Await all emitters of a run before it completes, and stop its timers.',
  ],
  [
    'orphan-event',
    'a tool completed that never started',
    'It belongs to another run, or its start was lost.',
    'run 1 of u02: tool_completed came for a tool call that never started',
    'A tool call id of another run; a start that was sent before anybody listened.',
    'Make the call id once and carry it through both events.',
  ],
  [
    'sequence-regression',
    'sequence numbers of a run went back',
    'Clients that reorder or resume by sequence lose or repeat events.',
    'run 1 of u06: sequence 3 came after 5',
    'Numbers given where events are made instead of where they are sent; two writers.',
    'Number events where they are sent, under one lock.',
  ],
  [
    'malformed-event',
    'a frame is not JSON, or larger than the limit, or not readable as text',
    'A client that cannot read a frame loses whatever it said.',
    'u01 received a frame that is not JSON',
    'An object that cannot be serialised; a tool result without a bound; text written past the serialiser.',
    'Serialise in one place and bound the size of what agents return.',
  ],
  [
    'wrong-run',
    'an event holds the question marker of another run of mine than the one whose id it carries, or carries the thread that another run of mine was asked in',
    'Two of my own runs are mixed up: what holds within a user today holds between users tomorrow.',
    "run 1 of u00: agent_thinking carries this run's id and the question of run 2",
    'A “current run” kept for a session or a connection.',
    'Bind the run id once, at the start of the run, and hand it on explicitly.',
  ],
  [
    'drift',
    'a required event is absent and its content came under another name or shape',
    'Nothing is lost, but nobody who follows the agreed protocol sees it.',
    'run 1 of u03: tool_executing never came, but tool_started did',
    'A renamed event or another envelope on one side only.',
    'Agree on one envelope and test it on both sides; declare other names as aliases in the profile.',
  ],
]);

const DELIVERY = rules('delivery', MISBEHAVIOUR, [
  [
    'error-event',
    'a run failed with an error event, or the target reported an error',
    'The user got no answer.',
    'u02 received agent_error',
    'A failing tool, model or dependency.',
    'Read the error; if all users got it, look at dependencies first.',
  ],
  [
    'connect-failed',
    'a user could not sign in or connect (for all users: inconclusive, the target is unavailable)',
    'Whoever cannot connect sees nothing, and a user who sees nothing proves nothing.',
    'u03: connect failed: HTTP 401',
    'A token that is not valid here; a limit for each user or address; a service that is not ready.',
    'Compare with the users who could connect: account, limits, timing.',
  ],
  [
    'timeout',
    'a step of a user took longer than the limit (for all users: inconclusive)',
    'The user waited in vain.',
    'u05: answered timed out: no answer within 60 s',
    'A run that stalled; a queue in front of it; a question that was lost.',
    'See which event came last; raise --timeout only if the target is merely slow.',
  ],
  [
    'unexpected-close',
    'the target closed a connection that was in use (for all users: inconclusive)',
    'Events sent after that are lost to this user.',
    'u00: the target closed its connection with 1011',
    'A crash while sending; a connection evicted by another of the same key; a proxy with a short limit.',
    'Read close code and reason, and the log of the target at that moment.',
  ],
  [
    'not-shown',
    'the answer came over the wire but the page does not show it',
    'For the user it does not exist.',
    'run 1 of u01 was answered, but the page shows neither answer nor error',
    'An event without a handler; a list that is capped; a page that is drawn for another thread.',
    'Handle every event type that the server sends, the unknown ones too.',
  ],
]);

const EVIDENCE = rules('evidence', BLIND, [
  [
    'nothing-observed',
    'a user received nothing at all, or no stop of a run took effect',
    'Silence is not isolation.',
    "u04 received no agent event, but 1 frame came that is no agent event to the profile's decode: connection_established (1)",
    'A sign-in, connection, question or stop that silently did nothing; a wrong address; a decode that knows the events by other names.',
    'Run "crosstalk doctor", and look at the last line of that user in the history; map the events that came in the decode of the profile.',
  ],
  [
    'no-overlap',
    'too few pairs of users were active at the same time',
    'Most leaks need two runs at once; users in turn prove little.',
    '12 of 45 pairs of users overlapped, at least 41 are needed',
    'A limit of concurrent runs below the number of users; runs that are shorter than their starts are apart.',
    'Raise the duration of a run, or the limits that keep users waiting; use more users.',
  ],
  [
    'marker-not-echoed',
    "a user's own marker did not come back where the profile says it must",
    'If own content cannot be recognised, neither can foreign content.',
    'the question marker of u01 did not come back in agent_thinking of its run 1',
    'A target that rewrites or cuts texts; a canned answer; a profile that claims too much.',
    'Check what the target does to the text, and the claims of the profile.',
  ],
  [
    'blind-surface',
    'a surface could not be watched',
    'A leak on that surface would have gone unseen.',
    'the storage of u02 was not seen: its watcher did not see what was planted',
    'A page policy that forbids the watcher; a page that crashed; a surface that is not used.',
    'See the reason in the finding, and the console of the page.',
  ],
  [
    'detector-missed',
    'a leak or break planted in the recorded history was not found again',
    'A detector that misses what it planted proves nothing.',
    'planted 12, caught 11; missed: marker-spliced (isolation/foreign-marker, u03)',
    'A profile that declares too much as public; a defect of the harness.',
    'Check publicEvents and claims of the profile; if they are right, report it as a defect.',
  ],
  [
    'incomplete-history',
    'the history is cut off, has gaps or unreadable lines',
    'What is not in the record cannot be judged.',
    'the history has no last line: the trial was interrupted',
    'A trial that was killed; a full disk; a file that was copied while it was written.',
    'Run the trial again.',
  ],
  [
    'harness-overloaded',
    'the harness stood still longer than the quiet window, or lost observations',
    'A harness that cannot keep up sees less than its users.',
    "the harness's event loop stood still for 2.4 s, longer than the quiet window",
    'Too many users or browsers for the machine; other work on it.',
    'Use a larger machine, fewer users, or fewer browsers.',
  ],
  [
    'missing-part',
    'a part of a sharded trial is missing',
    'Its users were not judged.',
    'this is part 2 of a trial, and its other parts are not here',
    'One part of a sharded trial judged by itself; a job that lost its artifacts.',
    'Judge the users of all parts together: a leak between two parts shows in no single one.',
  ],
]);

const GATES = rules('gate', MISBEHAVIOUR, [
  [
    'connect',
    'opening a connection to its first frame takes longer than the SLO',
    'The first thing a user waits for.',
    'connect p95 was 912 ms, the limit is 500 ms',
    'A handshake that waits for slow services; sign-in work on the connection path.',
    'Accept first, and load what is needed after the greeting.',
  ],
  [
    'first-event',
    'the first event of a run comes later than the SLO',
    'Until then the user sees nothing happen.',
    'first-event p95 was 1620 ms, the limit is 1000 ms',
    'Slow work (history, model, tools) before the first event.',
    'Send agent_started before any slow work.',
  ],
  [
    'delivery',
    'events take longer from being made to being received than the SLO',
    'Late progress is no progress.',
    'delivery p95 was 240 ms, the limit is 100 ms',
    'Queues in series, batching, a blocked event loop.',
    'Measure each hop with the timestamp of the event, and take out what waits.',
  ],
  [
    'api',
    'API calls take longer than the SLO',
    'Lists and histories feel slow.',
    'api p95 was 230 ms, the limit is 100 ms',
    'Missing indexes, many queries for one list, a blocked event loop.',
    'Profile the slowest calls; the history has each with its duration.',
  ],
  [
    'routing',
    'not every agent event reached only its receiver',
    'Routing accuracy is the measure of isolation in operation.',
    'routing was 90.91 %, the limit is 100.00 %',
    'Whatever the isolation findings beside it say.',
    'See the isolation findings.',
  ],
  [
    'delivery-rate',
    'too few of the required events arrived',
    'Lost events are lost answers.',
    'delivery-rate was 97.80 %, the limit is 99.90 %',
    'Events sent while nobody listened; emitters that fail silently.',
    'See the missing events.',
  ],
  [
    'error-rate',
    'too many runs ended in an error, a close or a time-out',
    'Each is a user without an answer.',
    'error-rate was 10.00 %, the limit is 0.10 %',
    'Failing dependencies, limits, or connections that break.',
    'See the failed runs, and what they have in common.',
  ],
  [
    'health',
    'a health endpoint did not answer 200',
    'Balancers will take the instance out of service.',
    'health was 75.00 %, the limit is 100.00 %',
    'A dependency that is down; a service that is not ready yet.',
    'Read the body of the answer that was not 200.',
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
