import type { RuleName } from './rules.ts';

/** Something like it happened to somebody. */
export interface KnownCase {
  /** What happened and why, in one sentence. */
  readonly text: string;
  /** Where it can be read; null for what was seen in a customer's system, which is not public. */
  readonly source: string | null;
}

/** An issue or pull request; the one address leads to either. */
function github(repository: string, number: number, text: string): KnownCase {
  return { text, source: `https://github.com/${repository}/issues/${number}` };
}

function published(source: string, text: string): KnownCase {
  return { text, source };
}

function seen(text: string): KnownCase {
  return { text, source: null };
}

/** Leaks between users that were made public. */
const LEAKS = {
  A1: published(
    'https://openai.com/index/march-20-chatgpt-outage/',
    'A command cancelled between request and reply left its connection one reply behind, so that the next users were shown the chat titles and billing data of others (redis-py #2624).',
  ),
  A2: github(
    'run-llama/create-llama',
    479,
    "An event handler attached globally put the text of one user's question into the progress events of another's stream.",
  ),
  A3: github(
    'FlowiseAI/Flowise',
    1497,
    "A memory object shared by a cached flow mixed the histories of two people who wrote at once: the answer used the other's name.",
  ),
  A4: github(
    'FlowiseAI/Flowise',
    885,
    'Two users of one flow got each other’s replies, for the flow had no notion of a session.',
  ),
  A5: github(
    'langflow-ai/langflow',
    13059,
    'History was filtered by the name of a session alone, and "New Session 0" is the default name of everybody’s first one.',
  ),
  A6: github(
    'langflow-ai/langflow',
    12934,
    'A public endpoint took the session id that its caller chose, and answered from the history stored under it.',
  ),
  A7: published(
    'https://github.com/advisories/GHSA-qrpv-q767-xqq2',
    'A flow was looked up by its UUID without its owner, so that any user could run that of another.',
  ),
  A8: github(
    'FlowiseAI/Flowise',
    3474,
    'Two streaming requests of one session shared one reply, and both answers came on one connection.',
  ),
  A9: github(
    'FlowiseAI/Flowise',
    4346,
    'A chat widget kept its session in localStorage across sign-out: the next person saw the transcript.',
  ),
  A10: github(
    'Chainlit/chainlit',
    733,
    'An agent object shared by all users answered the question of one to another.',
  ),
  A12: github(
    'Chainlit/chainlit',
    1407,
    'Users behind one proxy reported that they shared the values of one session.',
  ),
  A13: github(
    'open-webui/open-webui',
    15317,
    'With two users online at once, one saw the chat list of the other.',
  ),
  A14: published(
    'https://github.com/modelcontextprotocol/typescript-sdk/security/advisories/GHSA-345p-7cg4-v4c7',
    'One transport shared by all clients routed replies by request ids that all of them count from 0; in one nightly batch 36 of 37 digests held data of others, while every call made alone was right.',
  ),
  A16: github(
    'vllm-project/semantic-router',
    1448,
    'A semantic cache keyed by the meaning of a question, but not by who asks, answered "my balance" with the balance of somebody else.',
  ),
  A18: github(
    'waybarrios/vllm-mlx',
    384,
    'Batching many prompts at once bled fragments of one into the answer to another.',
  ),
  A19: github(
    'microsoft/teams-sdk',
    2320,
    'The state of a streamed reply was declared on the class, so that a second user’s stream overwrote the first one’s.',
  ),
  A20: github(
    'letta-ai/letta',
    1825,
    'The current user was kept in shared middleware: agents were made under whoever had come first, and others could read their chats.',
  ),
  A21: github(
    'openclaw/openclaw',
    32964,
    'Chat events were broadcast to every socket; that pages hid those of other sessions did not keep them off the wire.',
  ),
  A22: github(
    'openclaw/openclaw',
    124732,
    'A new event type was missing from the list of scoped ones, so that everybody got the tool arguments and results of every session.',
  ),
  A23: github(
    'openclaw/openclaw',
    24693,
    'The summary of a finished task was posted to the default session, with the content of another mailbox.',
  ),
  A25: github(
    'vercel/ai',
    386,
    'Switching chats while an answer streamed copied the stream into the other chat.',
  ),
  A26: github(
    'chadbyte/clay',
    208,
    'One global id of the active session put events and errors into sessions they did not belong to.',
  ),
  A27: github(
    'chthonn/PiperChat01',
    146,
    'The page drew the messages of any channel into the one that was open, and the server never checked membership.',
  ),
  A28: github(
    'syifan/thebotcompany',
    164,
    'Stream state that was not kept by chat showed the text, thoughts and tools of one chat in another.',
  ),
  A29: github(
    'nextlevelbuilder/goclaw',
    675,
    'Socket methods to read, inject and abort lacked the owner check that their siblings had.',
  ),
  A30: github(
    'BerriAI/litellm',
    39559,
    'The socket let callers go on with anybody’s conversation by its id; over HTTP the same was refused.',
  ),
  A31: github(
    'NVIDIA/NeMo-Agent-Toolkit',
    2189,
    'A reconnect restored a conversation by its id without asking whose it is, and replayed the workflow of another user.',
  ),
  A33: github(
    'Senthil455/Atlas-Workforce-System',
    196,
    'Whoever connected was sent the last fifty events of a channel that was known by its name alone.',
  ),
  A34: github(
    'supabase/realtime',
    1071,
    'The name of a private topic could equal that of a public one, because a prefix told them apart.',
  ),
  A36: github(
    'mattermost/mattermost',
    13848,
    'Notices about teams went to every user, members or not.',
  ),
  A37: github(
    'invoke-ai/InvokeAI',
    9087,
    "A user's own events carried the whole queue status, with the item, session and batch ids of other users.",
  ),
  A38: github(
    'n8n-io/n8n',
    30508,
    'A duplicated tab cloned sessionStorage and with it the connection key: two sockets evicted each other, and events were lost.',
  ),
  A39: github(
    'lllyasviel/Fooocus',
    713,
    'After one client had left the queue, everybody got the output of the one before until a restart.',
  ),
  A40: github(
    'twitchdev/twitch-cli',
    331,
    'The session that an event was meant for was validated, but not applied: all clients got it.',
  ),
  A41: github(
    'durdana3105/peer-learning',
    593,
    'A subscription without a filter brought everything to every browser, where the page filtered it.',
  ),
  A42: github(
    'MystenLabs/MemWal',
    587,
    'One memory account served all users, and what one had told was recalled for another.',
  ),
  A44: github(
    'mlflow/mlflow',
    26009,
    'A transcript was kept under one key of localStorage for everybody who used the machine.',
  ),
  A45: github(
    'lastmile-ai/mcp-agent',
    548,
    'The identity stood in a context object that lives long and is shared: tokens were refreshed and used for the wrong person.',
  ),
  A46: github(
    'JoshuaC215/agent-service-toolkit',
    355,
    'An ownership check read a field that is never set, so that it never refused anybody.',
  ),
  A47: github(
    'Idun-Group/idun-agent-platform',
    670,
    'The id of a thread alone was its key, and the list of sessions was everybody’s.',
  ),
  A48: github(
    'HKUDS/OpenHarness',
    159,
    'Sessions were keyed by chat instead of sender: whoever wrote next took over the state, and cancelled the run, of another.',
  ),
  A49: github(
    'hypothesis/h',
    1286,
    'A socket was authenticated once, and sign-out did not close it: it went on delivering.',
  ),
  A51: github(
    'cloudflare/agents-starter',
    96,
    'A default instance for everybody put all visitors into one conversation.',
  ),
  A52: published(
    'https://simonwillison.net/2021/Mar/18/how-we-found-and-fixed-a-rare-race-condition-in-our-session-hand/',
    'A request object shared with a background thread signed a few users of GitHub in as somebody else.',
  ),
  A53: published(
    'https://safeguard.sh/resources/blog/asana-mcp-cross-tenant-data-leak-2025',
    'A tool path resolved objects without looking at the tenant again, and showed tasks of about a thousand customers to others.',
  ),
  A54: github(
    'netra-systems/zen',
    566,
    'A cache of model replies without the user in its key, and state shared by reference, gave users the answers of others.',
  ),
} as const satisfies Readonly<Record<string, KnownCase>>;

/** Events that were lost, doubled or out of order in public. */
const DISORDER = {
  'O-1': github(
    'n8n-io/n8n',
    11798,
    'Socket events came before the reply that carries their run’s id; kept for later in the wrong shape, they were lost.',
  ),
  'O-2': github(
    'lobehub/lobehub',
    13689,
    'Live events overtook the replay after a reconnect: text appeared, and then came again from its start.',
  ),
  'O-3': github(
    'G-Research/bobbit',
    358,
    'Snapshot and stream were merged after a reconnect without sequence numbers: messages came twice and out of order.',
  ),
  'O-4': github(
    'open-octo/octo-agent',
    1107,
    'Nothing was fetched again after a reconnect: the tool result was missing, and the spinner turned for ever.',
  ),
  'O-5': github(
    'CopilotKit/CopilotKit',
    5812,
    'The end of a text was sent after the error that had ended the run already.',
  ),
  'O-6': github(
    'assistant-ui/assistant-ui',
    5900,
    'An error event was dropped, and the client made a success of it: a failed run was shown as complete.',
  ),
  'O-8': published(
    'https://github.com/netra-systems/zen',
    'Run ids used where user ids were meant, and events renamed on one side only, left users with none of the five events.',
  ),
  'O-9': github(
    'RocketChat/Rocket.Chat',
    7973,
    'Entering a room again subscribed a second time, and every message came twice.',
  ),
} as const satisfies Readonly<Record<string, KnownCase>>;

/** Tests that could not have failed. */
const BLINDNESS = {
  U1: published(
    'https://github.com/edmozley/freeitsm/wiki/Multi-Tenancy-Test-Harness',
    'An isolation harness had nine green "cannot read" checks that never reached the code under test.',
  ),
  U2: github(
    'ConductionNL/openregister',
    2382,
    'A pipeline got a sentinel that must fail, because nobody knew whether it could.',
  ),
  U3: github('kitokoh/leopardo-hr', 1833, 'An end-to-end run was green with no test executed.'),
  U8: github(
    'aks129/HealthClawGuardrails',
    154,
    'Nightly runs gave no signal for weeks, and nobody noticed.',
  ),
  U10: github(
    'microsoft/playwright',
    37048,
    'Sockets that a web worker opens cannot be intercepted, so that a test which relies on it sees nothing of them.',
  ),
  U11: github(
    'open-metadata/OpenMetadata',
    32610,
    'A shard that was killed took its results with it, for they are written at the end.',
  ),
  U12: github(
    'Comfy-Org/ComfyUI_frontend',
    16682,
    'A merged report without one of its shards was read as a whole one.',
  ),
  U16: published(
    'https://artillery.io/docs/faq/',
    'A load generator whose processor is busy measures itself; its makers warn of it.',
  ),
  U17: published(
    'https://github.com/artilleryio/artillery/issues/587',
    'A load tester that waits for nothing but the next frame lets an event of a stranger pass, in place of an own one or after the last; its users have asked for more since 2018.',
  ),
  W10: published(
    'https://owasp.org/www-project-web-security-testing-guide/latest/4-Web_Application_Security_Testing/11-Client-side_Testing/10-Testing_WebSockets',
    'Browsers send cookies with an upgrade from any page; a server that does not check the Origin is hijacked from a foreign one.',
  ),
} as const satisfies Readonly<Record<string, KnownCase>>;

/** Seen in systems that are not public; no names, no details. */
const CUSTOMERS = {
  N0: seen(
    'A guard dropped events whose user id was another’s, and let through those without any.',
  ),
  N1: seen('Outside production a missing token made everybody the same demo user.'),
  N2: seen('A token that was not valid still opened a chat, under an identity made of its hash.'),
  N6: seen('The user id was made of the local part of the e-mail, so that two domains shared it.'),
  N18: seen('Every connected user got all agent events: a temporary broadcast had stayed.'),
  N20: seen('A later message overwrote user and thread of an agent that was still at work.'),
  N30: seen('Two users who named one thread id shared its context.'),
  N57: seen('One query that failed on empty metadata broke the thread list for everybody.'),
  N58: seen('The next person at a browser saw the thread, messages and draft of the one before.'),
  N66: seen('A helper that was missing threw where nobody looked: agent_thinking never came.'),
  N73: seen('Tool results reached the page and stayed empty there, for a field was not copied.'),
  N79: seen('A completion was sent by hand and again by a tracker.'),
  N80: seen('Three message queues in series lost, doubled and reordered events.'),
  N84: seen('The answer arrived at a page that had no handler for it.'),
  N85: seen('A frame was dropped because a date inside it could not be serialised.'),
  N95: seen(
    'Sockets were accepted and then closed with 1011: reading began before they were ready.',
  ),
  N96: seen('During a deploy a guard waited two seconds for services that needed eight.'),
  N106: seen('A blocking sleep in the event loop stalled the connections of all other users.'),
  N107: seen('Two services held different keys, so that every upgrade was refused.'),
  N110: seen('A swallowed exception left sockets open that answered nothing.'),
} as const satisfies Readonly<Record<string, KnownCase>>;

const CASES = { ...LEAKS, ...DISORDER, ...BLINDNESS, ...CUSTOMERS };
type CaseCode = keyof typeof CASES;

/** What each rule would have caught, or would have been needed for; the most telling case first. */
const CASES_OF_RULES: Readonly<Record<RuleName, readonly CaseCode[]>> = {
  'isolation/misdelivered-event': ['A21', 'A22', 'A40'],
  'isolation/unsolicited-run': ['A23', 'A33'],
  'isolation/unattributable-event': ['N0'],
  'isolation/foreign-run': ['A37'],
  'isolation/foreign-identity': ['A52', 'A20', 'A36'],
  'isolation/foreign-marker': ['A1', 'A2', 'A13', 'A53'],
  'isolation/foreign-credential': ['A45'],
  'isolation/shared-identifier': ['A51', 'A5', 'N30'],
  'isolation/wrong-answer': ['A16', 'A10', 'A39', 'A54'],
  'isolation/shared-token': ['A12'],
  'isolation/residue': ['A9', 'A44'],
  'isolation/unauthorized-access': ['A29', 'A30', 'A7', 'A46'],
  'isolation/stale-authority': ['A49'],
  'isolation/interference': ['A48'],
  'isolation/wire-page-mismatch': ['A41', 'A28', 'O-6'],

  'order/missing-event': ['O-1', 'O-4'],
  'order/unclosed-tool': ['O-4'],
  'order/stalled-run': ['O-4'],
  'order/double-completion': ['O-5', 'N79'],
  'order/out-of-order': ['O-2'],
  'order/duplicate-event': ['O-9', 'O-3'],
  'order/after-completion': ['O-5'],
  'order/orphan-event': ['O-1'],
  'order/sequence-regression': ['O-3'],
  'order/malformed-event': ['N85'],
  'order/wrong-run': ['A26', 'A8'],
  'order/drift': ['O-8'],

  'delivery/error-event': ['N57'],
  'delivery/connect-failed': ['N107'],
  'delivery/timeout': ['N110'],
  'delivery/unexpected-close': ['A38', 'N95'],
  'delivery/not-shown': ['O-6', 'N84'],

  'evidence/nothing-observed': ['U3', 'U8'],
  'evidence/no-overlap': ['A14'],
  'evidence/marker-not-echoed': ['U1'],
  'evidence/blind-surface': ['U10'],
  'evidence/detector-missed': ['U2', 'U17'],
  'evidence/incomplete-history': ['U11'],
  'evidence/harness-overloaded': ['U16'],
  'evidence/missing-part': ['U12'],

  'gate/connect': ['N106'],
  'gate/first-event': ['N106'],
  'gate/delivery': ['N80'],
  'gate/api': ['N106'],
  'gate/routing': ['A21'],
  'gate/delivery-rate': ['N66', 'O-1'],
  'gate/error-rate': ['N95'],
  'gate/health': ['N96'],
};

/** Cases of a rule, the most telling first. */
export function casesOfRule(rule: RuleName): readonly KnownCase[] {
  return CASES_OF_RULES[rule].map((code) => CASES[code]);
}

const BY_CODE = new Map<string, KnownCase>(Object.entries(CASES));

/** The case that a code stands for. @throws RangeError if there is none: a defect of the harness. */
export function caseOf(code: string): KnownCase {
  const found = BY_CODE.get(code);
  if (found === undefined) throw new RangeError(`no case has the code "${code}"`);
  return found;
}
