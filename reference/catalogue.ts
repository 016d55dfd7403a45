/** What it takes for a fault to show. */
type FaultNeeds =
  | 'gp'
  | 'gp, barrier'
  | 'r2'
  | 'eq, r2'
  | 'ask at once'
  | 'cancel'
  | 'equal titles'
  | 'error'
  | 'late'
  | 'prefix names'
  | 'probe'
  | 'probe, expiry'
  | 'reconnect'
  | 'reconnect, probe'
  | 'sign-out'
  | 'switch'
  | 'tabs';

/** Where a fault can be seen: `any` is both the raw socket and the page. */
type FaultSeenBy = 'any' | 'socket' | 'page';

/** One fault that the reference target can be started with. */
export interface FaultEntry {
  /** What `--fault` takes. */
  readonly name: string;
  /** What the target does wrong, in one sentence. */
  readonly does: string;
  /** The public bug or incident it is modelled on. */
  readonly after: string;
  /**
   * The least a scenario must do: `gp` the golden path, `r2` a second round, `eq` equal questions,
   * `barrier` users released at one moment; anything else is what some user has to do.
   */
  readonly needs: FaultNeeds;
  readonly seenBy: FaultSeenBy;
  /** Full names of the rules that may catch it; one of them is enough. */
  readonly rules: readonly string[];
  /** The mechanism that the finding should name, where the catalogue demands one. */
  readonly mechanism?: string;
}

/** One legal way to behave differently, which nobody may flag. */
export interface VariantEntry {
  /** What `--variant` takes. */
  readonly name: string;
  readonly does: string;
  /** The target profile that understands it. */
  readonly target: 'reference' | 'netra';
  /** Who has to know: the target, the crowd that asks, or both. */
  readonly affects: 'target' | 'crowd' | 'both';
}

const NO_PUBLIC_CASE = '–';

/** Every fault that this target implements, in the order of the catalogue. */
export const FAULTS: readonly FaultEntry[] = [
  {
    name: 'broadcast',
    does: 'Every agent event goes to every socket.',
    after: 'A21 N18',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/misdelivered-event'],
    mechanism: 'broadcast',
  },
  {
    name: 'broadcast-one-type',
    does: 'Only tool_completed is broadcast.',
    after: 'A22',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/misdelivered-event'],
  },
  {
    name: 'unscoped-new-type',
    does: "An extra event type, unknown to the profile, with its owner's text, goes to everybody.",
    after: 'A22',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'embedded-foreign-id',
    does: "Own event carries a queue block naming another user's run.",
    after: 'A37',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-run'],
  },
  {
    name: 'anonymous-foreign',
    does: "Another user's event, all ids stripped, only the text.",
    after: 'N guard',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'anonymous-empty',
    does: "Another user's event, ids and text stripped.",
    after: 'N guard',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/unattributable-event'],
  },
  {
    name: 'outsider',
    does: 'Events of a user who is not in the crowd (no marker, unknown id).',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/misdelivered-event', 'isolation/foreign-identity'],
  },
  {
    name: 'swap',
    does: "Two users get each other's final answer, ids rewritten to the receiver.",
    after: 'A4 A10',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/wrong-answer'],
    mechanism: 'swap',
  },
  {
    name: 'shared-state',
    does: 'Profile name and user id of the last asker show up in events of runs still going.',
    after: 'A19 A45',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-identity', 'isolation/foreign-marker'],
  },
  {
    name: 'run-field-overwrite',
    does: 'The user_id inside late events of my run is that of another user.',
    after: 'N20',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-identity'],
  },
  {
    name: 'prompt-cache',
    does: 'Answers cached by question text without the user.',
    after: 'A16',
    needs: 'eq, r2',
    seenBy: 'any',
    rules: ['isolation/wrong-answer', 'isolation/foreign-marker'],
  },
  {
    name: 'near-prompt-cache',
    does: 'Answers cached for nearly equal questions (numbers and markers ignored in the key), without the user.',
    after: 'A16',
    needs: 'r2',
    seenBy: 'any',
    rules: ['isolation/wrong-answer', 'isolation/foreign-marker'],
  },
  {
    name: 'storage-residue',
    does: "Sign-out leaves the transcript in localStorage; the next user's page restores from it.",
    after: 'A9 N58',
    needs: 'switch',
    seenBy: 'page',
    rules: ['isolation/residue'],
  },
  {
    name: 'tab-clone',
    does: 'The connection key lives in sessionStorage; a duplicated tab evicts the first.',
    after: 'A38',
    needs: 'tabs',
    seenBy: 'page',
    rules: ['delivery/unexpected-close', 'order/missing-event'],
  },
  {
    name: 'cache-residue',
    does: 'An API reply with private data is cacheable and served to the next user of the browser.',
    after: 'A9',
    needs: 'switch',
    seenBy: 'page',
    rules: ['isolation/residue'],
  },
  {
    name: 'memory-bleed',
    does: "Facts told by one user are recalled in another's answer, one round later.",
    after: 'A3 A42',
    needs: 'r2',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'fragment-bleed',
    does: "Half of another user's answer (with one whole marker) stands inside an own answer.",
    after: 'A18',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'thread-list-titles',
    does: "The thread list holds other users' titles (openChat and answered both list threads).",
    after: 'A13',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'presence',
    does: 'Typing or presence notices name other users (not declared public).',
    after: 'A36',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-identity'],
  },
  {
    name: 'render-only',
    does: "The wire carries it encoded (each character shifted), the page decodes and draws another user's text.",
    after: 'A25 A28',
    needs: 'gp',
    seenBy: 'page',
    rules: ['isolation/foreign-marker', 'isolation/wire-page-mismatch'],
  },
  {
    name: 'filter-only',
    does: 'The wire leaks; the page hides it.',
    after: 'A21 A41',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker', 'isolation/misdelivered-event'],
  },
  {
    name: 'flash',
    does: 'As render-only, shown for 50 ms, then removed.',
    after: 'A27',
    needs: 'gp',
    seenBy: 'page',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'shared-principal',
    does: 'Two users get the same user id at sign-in.',
    after: 'A51 N6',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/shared-identifier'],
  },
  {
    name: 'shared-thread-id',
    does: 'Two users get the same new thread id.',
    after: 'A51 N30',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/shared-identifier'],
  },
  {
    name: 'address-keyed',
    does: 'Identity is kept by client address and user agent (all users send the same one).',
    after: 'A12',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-identity', 'isolation/shared-identifier'],
  },
  {
    name: 'token-in-event',
    does: "Another user's access token inside an event.",
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-credential'],
  },
  {
    name: 'header-leak',
    does: "Another user's id in an HTTP response header.",
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-identity'],
  },
  {
    name: 'split-chunks',
    does: 'A foreign marker spread over several streamed pieces.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'encoded',
    does: 'Foreign text as base64, URL-encoded, or escaped.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'late-leak',
    does: "A foreign event 1.5 s after the crowd's last agent_completed.",
    after: 'ANCHORS §0.2',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker', 'isolation/misdelivered-event'],
  },
  {
    name: 'replace-mine',
    does: "My tool_completed replaced by another user's, ids rewritten to mine.",
    after: 'ANCHORS §0.2',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-marker'],
  },
  {
    name: 'rare-leak',
    does: 'Each event goes to one wrong user with p = 1/200 (seeded).',
    after: 'A14',
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/misdelivered-event'],
  },
  {
    name: 'overlap-only',
    does: 'Two runs that start within 5 ms swap their tool results.',
    after: 'A14',
    needs: 'gp, barrier',
    seenBy: 'socket',
    rules: ['isolation/wrong-answer', 'isolation/foreign-marker'],
  },
  {
    name: 'drop-agent_started',
    does: 'agent_started never comes, for every third user from the second.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/missing-event'],
  },
  {
    name: 'drop-agent_thinking',
    does: 'agent_thinking never comes, for every third user from the second.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/missing-event'],
  },
  {
    name: 'drop-tool_executing',
    does: 'tool_executing never comes, for every third user from the second.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/missing-event'],
  },
  {
    name: 'drop-tool_completed',
    does: 'tool_completed never comes, for every third user from the second.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/missing-event'],
  },
  {
    name: 'drop-agent_completed',
    does: 'agent_completed never comes, for every third user from the second.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/missing-event'],
  },
  {
    name: 'reorder',
    does: 'tool_completed before its tool_executing, sequence numbers as sent.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/out-of-order'],
  },
  {
    name: 'thinking-last',
    does: 'The only agent_thinking comes after agent_completed.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/after-completion', 'order/out-of-order'],
  },
  {
    name: 'duplicate',
    does: 'tool_completed twice with one event id on one connection.',
    after: 'O-9',
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/duplicate-event'],
  },
  {
    name: 'double-start',
    does: 'agent_started of the same agent twice in one run.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/duplicate-event'],
  },
  {
    name: 'after-completion',
    does: 'A thinking event 1 s after agent_completed.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/after-completion'],
  },
  {
    name: 'double-completion',
    does: 'agent_error and then agent_completed for one run.',
    after: 'O-5 N79',
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/double-completion'],
  },
  {
    name: 'orphan-tool',
    does: 'tool_completed of a tool that never started.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/orphan-event'],
  },
  {
    name: 'unclosed-tool',
    does: 'agent_completed while a tool is open.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/unclosed-tool'],
  },
  {
    name: 'stall',
    does: 'Silence after agent_thinking.',
    after: 'O-4',
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/stalled-run', 'order/missing-event'],
  },
  {
    name: 'wrong-run',
    does: "In the second round agent_thinking carries the id of the user's first run.",
    after: 'O-8',
    needs: 'r2',
    seenBy: 'any',
    rules: ['order/wrong-run'],
  },
  {
    name: 'sequence-regression',
    does: 'Sequence numbers go back.',
    after: 'O-3',
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/sequence-regression'],
  },
  {
    name: 'renamed',
    does: 'tool_started and tool_result instead of the agreed names.',
    after: 'O-8',
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/drift'],
  },
  {
    name: 'other-envelope',
    does: 'An envelope {event,data} instead of {type,payload}.',
    after: 'O-8',
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/drift'],
  },
  {
    name: 'undecodable',
    does: 'A frame that is not JSON, to one user.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['order/malformed-event'],
  },
  {
    name: 'oversized',
    does: 'A frame of 64 MiB, to one user.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'socket',
    rules: ['order/malformed-event'],
  },
  {
    name: 'not-shown',
    does: 'All on the wire, the page does not draw the answer.',
    after: 'O-6 N73',
    needs: 'gp',
    seenBy: 'page',
    rules: ['delivery/not-shown'],
  },
  {
    name: 'shows-success-on-error',
    does: 'An error on the wire, success on the page.',
    after: 'O-6',
    needs: 'gp',
    seenBy: 'page',
    rules: ['isolation/wire-page-mismatch'],
  },
  {
    name: 'slow-start',
    does: 'agent_started 1.5 s after the question.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['gate/first-event'],
  },
  {
    name: 'slow-connect',
    does: 'The handshake takes 900 ms.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['gate/connect'],
  },
  {
    name: 'flaky-socket',
    does: 'Every tenth connection, from the first, is closed with 1011 in mid-run.',
    after: 'N95',
    needs: 'gp',
    seenBy: 'any',
    rules: ['delivery/unexpected-close'],
  },
  {
    name: 'unhealthy',
    does: '/health answers 503, all else works.',
    after: NO_PUBLIC_CASE,
    needs: 'gp',
    seenBy: 'any',
    rules: ['gate/health'],
  },
];

/** Every legal variant that this target accepts; those of the crowd alone change nothing here. */
export const VARIANTS: readonly VariantEntry[] = [
  {
    name: 'parallel-tools',
    does: 'Two tools run at once and complete in the other order.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'many-thinking',
    does: 'Several agent_thinking events in one run.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'several-tools',
    does: 'Several tools run one after the other.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'nested-agents',
    does: 'A sub-agent with another agent_name has its own start and completion inside the run.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'early-events',
    does: 'The first event of a run comes before its ack.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'streamed-answer',
    does: 'The answer also comes in agent_chunk pieces.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'shared-thread',
    does: 'Two users are members of one thread, and each sees the runs of the other in it.',
    target: 'reference',
    affects: 'crowd',
  },
  {
    name: 'constant-ids',
    does: 'Agent, tool and build ids in the payload are equal for all users.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'slow-but-within',
    does: 'Handshakes and runs are slow, but below every gate.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'unicode-names',
    does: 'Names and questions mix scripts, right-to-left text and emoji.',
    target: 'reference',
    affects: 'crowd',
  },
  {
    name: 'equal-questions',
    does: 'All users ask the same words; markers live in their notes.',
    target: 'reference',
    affects: 'crowd',
  },
  {
    name: 'server-pings',
    does: 'The server sends pings several times a second.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'two-revisions',
    does: 'Replies and events carry one of two long instance ids.',
    target: 'reference',
    affects: 'target',
  },
  {
    name: 'envelope-flat',
    does: 'Envelope V1: everything at the root, thinking named reasoning, no message id.',
    target: 'netra',
    affects: 'target',
  },
  {
    name: 'envelope-data',
    does: 'Envelope V2: content in data, no thread id.',
    target: 'netra',
    affects: 'target',
  },
  {
    name: 'envelope-system',
    does: 'Envelope V12: type system_message with event and payload.',
    target: 'netra',
    affects: 'target',
  },
  {
    name: 'handshake-new',
    does: 'The server pushes handshake_response, and questions before its acknowledgement are lost.',
    target: 'netra',
    affects: 'target',
  },
];
