import { messageOf } from '../history/message-of.ts';
import type { HttpReply, HttpRequest, Session, TargetHttp } from '../targets/target.ts';
import type { Observer, Recorder } from './recorder.ts';
import { SocketClient } from './socket-client.ts';
import { StepFailure } from './step-failure.ts';
import { outcomeOfReply, outcomeOfStatus, saysNothing, type ProbeOutcome } from './refusals.ts';
import type { TargetAccount } from './target-account.ts';
import type { TrialContext } from './trial-context.ts';
import { isTargetRefusal } from '../targets/target.ts';
import { within } from './waiting.ts';

/** How long a socket that must be refused may take to greet, milliseconds; a real one is faster. */
const GREETING_MS_MAX = 5_000;
const CLOSE_MS_MAX = 2_000;
const SOURCE = 'own session after sign-out';
const SOCKET_PLACE = 'socket open';

/**
 * Uses a session whose user signed out, in every way in which a target may have forgotten to end it: what it
 * read of the API, one socket where there is one, and the exchange of its tokens for new ones. Each attempt
 * is an `act` line `probe` directly before it and an `act` line `probe-result` after it; what the target
 * said lies between, with purpose `refusal-probe`. Nothing is judged here, and no outcome is an error.
 * @param former the user, with the name of the connection that the socket would be, and its conversation.
 */
export async function probeOldSession(
  context: TrialContext,
  account: TargetAccount,
  former: { readonly at: Observer; readonly thread: string | undefined },
): Promise<void> {
  const { target } = context;
  const { session } = account;
  const { at, thread } = former;
  const over = (means: Means): ProbingHttp =>
    new ProbingHttp(account.http, context.recorder, {
      observer: { user: at.user, conn: null },
      thread,
      means,
    });
  const reads = over(outcomeOfReply);
  await untilRefused(reads, async () => target.threads.list?.({ http: reads, session }));
  // Whoever is not signed in may be told so, or be told of nobody.
  const asks = over((reply) => (names(reply, session) ? outcomeOfReply(reply) : nobodyIn(reply)));
  await untilRefused(asks, async () => target.whoAmI?.({ http: asks, session }));
  const looks = over((reply) =>
    saysNothing(reply.json ?? reply.text) ? nobodyIn(reply) : outcomeOfReply(reply),
  );
  if (thread !== undefined)
    await untilRefused(looks, async () => target.threads.read?.({ http: looks, session, thread }));
  const opens = over(outcomeOfReply);
  if (target.stream === undefined)
    await untilRefused(opens, () => openAsBefore(context, { account, http: opens, at }));
  const renews = over(outcomeOfReply);
  if (session.refreshToken !== undefined)
    await untilRefused(renews, async () => {
      const fresh = await target.refresh?.({ http: renews, session });
      for (const secret of fresh?.secrets ?? []) context.recorder.vault.add(secret);
    });
}

/** What a reply says of whether the session is still good for anything. */
type Means = (reply: HttpReply) => ProbeOutcome;

/** A good status without anybody in it is the answer to everybody. */
function nobodyIn(reply: HttpReply): ProbeOutcome {
  const outcome = outcomeOfReply(reply);
  return outcome === 'accepted' ? 'refused' : outcome;
}

function names({ text }: HttpReply, { userId, email = '' }: Session): boolean {
  const known = [userId, email].filter((one) => one !== '').map((one) => one.toLowerCase());
  return known.some((one) => text.toLowerCase().includes(one));
}

/** A refusal is what a probe is after; once there is a reply, everything that matters has been written down. */
async function untilRefused(http: ProbingHttp, probe: () => Promise<unknown>): Promise<void> {
  try {
    await probe();
  } catch (error) {
    const isRefusal = isTargetRefusal(error) || error instanceof StepFailure;
    if (!isRefusal && !http.hasReply) throw error;
  }
}

async function openAsBefore(
  { target, addresses, recorder, socket }: TrialContext,
  probe: { readonly account: TargetAccount; readonly http: TargetHttp; readonly at: Observer },
): Promise<void> {
  const { account, http, at } = probe;
  const { session } = account;
  const request = await target.socket.open(session, addresses, http);
  const owner = {
    userId: account.userId,
    received: () => undefined,
    introduced: () => undefined,
    closed: () => hasClosed(),
  };
  let hasClosed: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    hasClosed = resolve;
  });
  const client = new SocketClient(
    {
      ...socket,
      handshakeMsMax: Math.min(socket.handshakeMsMax, GREETING_MS_MAX),
      purpose: 'refusal-probe',
    },
    owner,
    at,
  );
  announce(recorder, at, SOCKET_PLACE);
  try {
    await client.connect(request, target.socket.handshake(session), recorder.clock.now());
    tell(recorder, at, { place: SOCKET_PLACE, outcome: 'accepted', message: 'it greeted' });
    client.close();
    await within(closed, CLOSE_MS_MAX, () => client.terminate());
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    client.terminate();
    tell(recorder, at, {
      place: SOCKET_PLACE,
      outcome: outcomeOfFailure(error),
      message: error.message,
    });
  }
}

interface ProbingSeat {
  readonly observer: Observer;
  readonly thread: string | undefined;
  readonly means: Means;
}

/** HTTP whose every request must be refused; the lines around each say that and what came. */
class ProbingHttp implements TargetHttp {
  readonly #http: TargetHttp;
  readonly #recorder: Recorder;
  readonly #observer: Observer;
  readonly #thread: string | undefined;
  readonly #means: Means;
  /** Whether the target said anything. */
  hasReply = false;

  constructor(http: TargetHttp, recorder: Recorder, { observer, thread, means }: ProbingSeat) {
    this.#http = http;
    this.#recorder = recorder;
    this.#observer = observer;
    this.#thread = thread;
    this.#means = means;
  }

  async request(request: HttpRequest): Promise<HttpReply> {
    const place = `http ${request.method} ${this.#verbOf(request)}`;
    announce(this.#recorder, this.#observer, place);
    try {
      const reply = await this.#http.request({ ...request, purpose: 'refusal-probe' });
      this.hasReply = true;
      tell(this.#recorder, this.#observer, {
        place,
        outcome: this.#means(reply),
        message: `status ${reply.status}`,
      });
      return reply;
    } catch (error) {
      tell(this.#recorder, this.#observer, {
        place,
        outcome: 'unclear',
        message: messageOf(error),
      });
      throw error;
    }
  }

  /** The path as verbs are named: without a query, and whatever the conversation is. */
  #verbOf({ path }: HttpRequest): string {
    const [step = ''] = path.split('?', 1);
    return this.#thread === undefined
      ? step
      : step.replace(encodeURIComponent(this.#thread), '{id}');
  }
}

function announce(recorder: Recorder, observer: Observer, place: string): void {
  recorder.act(observer, 'probe', { place, source: SOURCE, message: 'must be refused' });
}

function tell(
  recorder: Recorder,
  observer: Observer,
  result: { readonly place: string; readonly outcome: ProbeOutcome; readonly message: string },
): void {
  const { place, outcome, message } = result;
  recorder.act(observer, 'probe-result', {
    place,
    reason: outcome,
    message: recorder.short(message),
  });
}

/**
 * A socket is refused at its upgrade, by an error in its handshake, or closed before it greeted; all else may be
 * an accident.
 */
function outcomeOfFailure({ reason, unreachable }: StepFailure): ProbeOutcome {
  if (reason === 'unexpected-close' || (reason === 'refused' && !unreachable)) return 'refused';
  const status = /^status (\d+)$/.exec(reason)?.[1];
  return status === undefined ? 'unclear' : outcomeOfStatus(Number(status));
}
