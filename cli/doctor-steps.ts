import { request } from 'undici';
import { judgeHistory } from '../assertions/judge.ts';
import { RateLimits } from '../assertions/rate-limits.ts';
import { UnrecognisedFrames } from '../assertions/unrecognised-frames.ts';
import { BrowserMissing } from '../clients/browser-finder.ts';
import { CrowdLost, TrialAborted, type Crowd } from '../clients/crowd.ts';
import { openDispatcher } from '../clients/http.ts';
import { environmentFor } from '../clients/proxy-gate.ts';
import type { TrialPlan } from '../clients/plan.ts';
import { codeOf } from '../clients/step-failure.ts';
import { openTrial } from '../clients/trial.ts';
import { messageOf } from '../history/message-of.ts';
import type { Observation } from '../history/observation.ts';
import { ruleText } from '../history/rules.ts';
import { examineBrowser } from './doctor-browser.ts';
import { resolveHeaders } from '../targets/addresses.ts';
import { leadingTo } from '../targets/redirect.ts';
import type { Addresses, Target } from '../targets/target.ts';

/** The steps in the order in which they are taken. */
export const DOCTOR_STEPS = [
  'reachable',
  'healthy',
  'sign-in',
  'who am I',
  'socket',
  'one question',
  'browser',
] as const;

/** What came of one step, and what to fix if it failed. */
export interface DoctorStep {
  readonly step: (typeof DOCTOR_STEPS)[number];
  readonly ok: boolean;
  readonly message: string;
}

/** Whom to examine. */
export interface Examination {
  readonly plan: TrialPlan;
  readonly target: Target;
  readonly addresses: Addresses;
  /** For the history of the one user; the caller removes it. */
  readonly directory: string;
  readonly interrupted: AbortSignal;
  readonly onStep: (step: DoctorStep) => void;
  /** Told what takes time within a step. */
  readonly tell: (text: string) => void;
}

const ADVICE: Readonly<Record<DoctorStep['step'], string>> = {
  reachable: 'Check that the target runs, --url and --address, and the network between.',
  healthy: 'Read what the endpoint says; a target that is not ready yet needs a moment.',
  'sign-in': 'Check --sign-in, the users file, and signIn in the profile.',
  'who am I': 'Check whoAmI in the profile, and how the target finds the identity of a token.',
  socket: 'Check the socket address, and open and handshake in the profile.',
  'one question': 'Check ask and decode in the profile against the frames of the target.',
  browser:
    'Check the page address, and page in the profile; CROSSTALK_BROWSER names another browser.',
};

/** The same of a target whose page reads its events in streams. */
const ADVICE_ON_STREAMS: Readonly<Record<DoctorStep['step'], string>> = {
  ...ADVICE,
  socket: 'Check chatPath and ready of page in the profile.',
  'one question':
    'Check page.asked and stream.decode in the profile against what the page requests and receives.',
};

/** Steps of a user within opening a chat that come after its socket is open. */
const AFTER_SOCKET = new Set(['list-threads', 'create-thread', 'store-note']);

/**
 * Walks one user through a target. Every step is in the result: one that could not be tried because an
 * earlier one failed counts as failed and says so.
 */
export async function examineTarget(examination: Examination): Promise<DoctorStep[]> {
  const steps: DoctorStep[] = [];
  const advice = examination.target.stream === undefined ? ADVICE : ADVICE_ON_STREAMS;
  const record = (step: DoctorStep['step'], problem: string | null, fact: string): boolean => {
    const failed = problem === null ? undefined : `${sentence(problem)} ${advice[step]}`;
    const made = { step, ok: failed === undefined, message: failed ?? fact };
    steps.push(made);
    examination.onStep(made);
    return made.ok;
  };
  const browserProblem = await takeSteps(examination, record);
  const known = browserProblem === undefined ? 'an interrupt' : 'browser';
  const broken = steps.find(({ ok }) => !ok)?.step ?? known;
  for (const step of DOCTOR_STEPS.slice(steps.length)) {
    if (step === 'browser' && browserProblem !== undefined) {
      record(step, browserProblem, '');
      continue;
    }
    const made = { step, ok: false, message: `not tried: ${broken} came first.` };
    steps.push(made);
    examination.onStep(made);
  }
  return steps;
}

type RecordStep = (step: DoctorStep['step'], problem: string | null, fact: string) => boolean;

/**
 * Takes one step after the other and ends at the first that keeps the next from being taken. Where that is
 * the last, without which no other can be taken, its problem is the result.
 */
async function takeSteps(
  examination: Examination,
  record: RecordStep,
): Promise<string | undefined> {
  const reach = await reachTarget(examination);
  if (!record('reachable', reach.problem, reach.fact)) return undefined;
  try {
    if (!(await takeUserThrough(examination, record))) return undefined;
  } catch (error) {
    if (error instanceof BrowserMissing) return error.message;
    throw error;
  }
  const { problem, fact } = await examineBrowser(examination);
  record('browser', problem, fact);
  return undefined;
}

/** Whether every step up to the question could be tried, and nobody interrupted. */
async function takeUserThrough(examination: Examination, record: RecordStep): Promise<boolean> {
  const seen: Observation[] = [];
  let tried = false;
  let identity = 'a user';
  const { plan, target, addresses, directory } = examination;
  const crowd = await openTrial({
    plan,
    scenario: 'doctor',
    transport: target.stream === undefined ? 'websocket' : 'browser',
    target,
    addresses,
    dir: directory,
    watch: (header) => {
      identity = header.users[0]?.identity ?? identity;
      return (observation) => seen.push(observation);
    },
  });
  const abort = (): void => crowd.abort('interrupted');
  examination.interrupted.addEventListener('abort', abort);
  try {
    record('healthy', healthProblem(seen), healthFact(target));
    tried = await walkUser({ crowd, target, identity: () => identity, seen, record });
  } catch (error) {
    if (!(error instanceof CrowdLost || error instanceof TrialAborted)) throw error;
  } finally {
    examination.interrupted.removeEventListener('abort', abort);
    await crowd.close('done');
  }
  return tried && !examination.interrupted.aborted;
}

interface Walk {
  readonly crowd: Crowd;
  readonly target: Target;
  readonly identity: () => string;
  readonly seen: readonly Observation[];
  readonly record: RecordStep;
}

/** Whether all steps were tried; the last of them may have failed. */
async function walkUser(walk: Walk): Promise<boolean> {
  if (!(await signInWorks(walk)) || !(await chatOpens(walk))) return false;
  await answerComes(walk);
  return true;
}

async function signInWorks({ crowd, target, identity, seen, record }: Walk): Promise<boolean> {
  await attempt(() => crowd.each('sign in', (user) => user.signIn()));
  const failure = failureIn(seen);
  const signIn = failure?.step === 'who-am-i' ? null : told(failure, seen);
  const who = identity() === '' ? `the user ${userIdIn(seen)}` : identity();
  if (!record('sign-in', signIn ?? strangerFrom(seen, 'sign-in'), `as ${who}`)) return false;
  const whoAmI = told(failure, seen) ?? strangerFrom(seen, 'whoami');
  const fact = target.whoAmI === undefined ? 'the profile has no who-am-I' : 'the same user';
  return record('who am I', whoAmI, fact);
}

/** A users file of tokens names nobody. */
function userIdIn(seen: readonly Observation[]): string {
  return (
    seen.find(({ source, ids }) => source === 'sign-in' && ids?.user !== undefined)?.ids?.user ?? ''
  );
}

async function chatOpens({ crowd, target, seen, record }: Walk): Promise<boolean> {
  await attempt(() => crowd.each('open chat', (user) => user.openChat()));
  const failure = failureIn(seen);
  const cameLater = AFTER_SOCKET.has(failure?.step ?? '');
  const fact =
    target.stream === undefined
      ? 'open, and ready for a question'
      : 'none, events come in streams; the page is ready for a question';
  if (!record('socket', cameLater ? null : told(failure, seen), fact)) return false;
  return cameLater ? record('one question', told(failure, seen), '') : true;
}

async function answerComes({ crowd, target, seen, record }: Walk): Promise<void> {
  const before = seen.length;
  await attempt(() => crowd.together('ask', (user) => user.ask()));
  await attempt(() => crowd.each('read the answer', (user) => user.answered()));
  const problem = told(failureIn(seen));
  if (problem === null) await crowd.settle();
  await crowd.close('done');
  const answer = judgeAnswer(crowd.historyPath);
  const came = problem === null ? '' : cameInstead(target, seen.slice(before));
  record(
    'one question',
    problem === null ? answer.problem : problem + came,
    answer.fact + unreadThreads(target, seen),
  );
}

/** What came after the question in place of an answer: nothing, what decode does not know, or events. */
function cameInstead({ judging, stream }: Target, since: readonly Observation[]): string {
  const { order } = judging;
  const frames = since.filter(({ dir, kind }) => dir === 'in' && kind === 'frame');
  if (frames.length === 0)
    return stream === undefined ? '; no frame came after the question' : '; no event came after it';
  const events = new Set([...order.required, ...order.chunk, ...order.failure, ...order.stopped]);
  const isKnown = ({ event = '' }: Observation): boolean => events.has(event);
  if (frames.some(({ event }) => event === order.last))
    return `; ${order.last} came, and did not end the run: decode must give it the role "agent", and the ids of the question`;
  const unrecognised = new UnrecognisedFrames();
  for (const frame of frames) if (!isKnown(frame)) unrecognised.note(frame);
  const known = [...new Set(frames.filter(isKnown).map(({ event }) => event))];
  const parts = [
    known.length === 0 ? [] : [`of the run's events came ${known.join(', ')}`],
    unrecognised.describe() ?? [],
  ].flat();
  return `; ${parts.join('; ')}`;
}

/** What is never read is never searched, and nobody would miss it. */
function unreadThreads({ threads }: Target, seen: readonly Observation[]): string {
  const isNamed = seen.some(({ ids }) => ids?.thread !== undefined);
  return threads.read === undefined || isNamed
    ? ''
    : '; threads.read was not called, for no thread was named: where a user has one conversation, name it in "ids" of socket.handshake, or read it in threads.list';
}

/** A crowd of one that fails is lost; what happened to it is read from the observations. */
async function attempt(phase: () => Promise<void>): Promise<void> {
  try {
    await phase();
  } catch (error) {
    if (!(error instanceof CrowdLost)) throw error;
  }
}

async function reachTarget({
  plan,
  target,
  addresses,
}: Examination): Promise<{ problem: string | null; fact: string }> {
  const headers = resolveHeaders(target, plan.headers, process.env);
  const dispatcher = openDispatcher(environmentFor(target, plan, process.env));
  const facts: string[] = [];
  try {
    for (const url of new Set([addresses.api, addresses.auth])) {
      const { statusCode, body } = await request(url, {
        dispatcher,
        headers: headers.ok ? headers.headers : {},
        signal: AbortSignal.timeout(plan.timeoutMs),
      });
      await body.dump();
      facts.push(`${url} answers (${statusCode})`);
    }
    return { problem: null, fact: facts.join(', ') };
  } catch (error) {
    const urls = [...new Set([addresses.api, addresses.auth])];
    return { problem: `${urls.join(' or ')} does not answer: ${reasonOf(error, urls)}`, fact: '' };
  } finally {
    await dispatcher.destroy();
  }
}

/** Most servers that expect TLS end a connection without a word on which none is spoken. */
function reasonOf(error: unknown, urls: readonly string[]): string {
  const isEnded = codeOf(error) === 'UND_ERR_SOCKET';
  return isEnded && urls.some((url) => url.startsWith('http:'))
    ? `${messageOf(error)}; if it expects TLS, try https://`
    : messageOf(error);
}

function healthProblem(seen: readonly Observation[]): string | null {
  const problems = seen.flatMap((observation) => {
    const { kind, purpose, status, headers, url, step, message } = observation;
    if (kind === 'response' && purpose === 'health' && status !== 200)
      return [
        `${url ?? 'a health endpoint'} answered ${status ?? 'nothing'}${leadingTo(status ?? 0, headers?.['location'])}`,
      ];
    return kind === 'failure' && step === 'health' ? [message ?? 'no answer'] : [];
  });
  return problems.length === 0 ? null : problems.join('; ');
}

function healthFact({ health }: Target): string {
  return health.length === 0
    ? 'the profile names no health endpoint'
    : `${health.length} health endpoint${health.length === 1 ? '' : 's'} answered 200`;
}

/** The user's own first failure; the health endpoints have a step of their own. */
function failureIn(seen: readonly Observation[]): Observation | undefined {
  return seen.find(({ kind, user }) => kind === 'failure' && user !== null);
}

function told(failure: Observation | undefined, seen: readonly Observation[] = []): string | null {
  if (failure === undefined) return null;
  const limits = new RateLimits<null>();
  for (const observation of seen.slice(0, seen.indexOf(failure)))
    if (observation.kind === 'response') limits.replied(null, observation);
  return `${failure.step ?? 'a step'}: ${failure.message ?? failure.reason ?? 'it failed'}${limits.behind(null)}`;
}

function strangerFrom(seen: readonly Observation[], source: string): string | null {
  const shown = seen.find(
    (observation) => observation.source === source && observation.shown !== undefined,
  );
  return shown === undefined ? null : `the target shows another identity, ${shown.shown ?? ''}`;
}

/** What the judge has against the one answer; gates and crowd rules are no concern here. */
function judgeAnswer(history: string): { problem: string | null; fact: string } {
  const verdict = judgeHistory(history);
  const worth = verdict.findings.filter(
    ({ rule, severity }) =>
      (severity === 'violation' && !rule.startsWith('gate/')) ||
      rule === 'evidence/marker-not-echoed',
  );
  const [user] = verdict.users;
  const events = Object.keys(user?.events ?? {}).join(', ');
  const took = user?.latencyMs.run;
  const fact = `answered${took === null || took === undefined ? '' : ` in ${Math.round(took)} ms`}: ${events}`;
  const [first] = worth;
  if (first === undefined) return { problem: null, fact };
  const more = worth.length > 1 ? ` (and ${worth.length - 1} more)` : '';
  return { problem: `${first.message}${more}. ${ruleText(first.rule).fix}`, fact };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
