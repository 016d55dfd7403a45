import type { HttpReply, HttpRequest, TargetHttp } from '../targets/target.ts';
import type { Observer, Recorder } from './recorder.ts';
import { SocketClient } from './socket-client.ts';
import { StepFailure } from './step-failure.ts';
import { outcomeOfReply, outcomeOfStatus, type ProbeOutcome } from './refusals.ts';
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
 * Uses a session whose user signed out: one read of the API, and one socket. Each attempt is an `act`
 * line `probe` directly before it and an `act` line `probe-result` after it; what the target said lies
 * between, with purpose `refusal-probe`. Nothing is judged here, and no outcome is an error.
 * @param at the user, and the name of the connection that the socket would be.
 */
export async function probeOldSession(
  context: TrialContext,
  account: TargetAccount,
  at: Observer,
): Promise<void> {
  const { recorder } = context;
  const http = new ProbingHttp(account.http, recorder, { user: at.user, conn: null });
  await untilRefused(() => readAsBefore(context, account, http));
  await untilRefused(() => openAsBefore(context, { account, http, at }));
}

/** A refusal is what a probe is after; everything that matters of it has been written down. */
async function untilRefused(probe: () => Promise<void>): Promise<void> {
  try {
    await probe();
  } catch (error) {
    if (!(isTargetRefusal(error) || error instanceof StepFailure)) throw error;
  }
}

async function readAsBefore(
  { target }: TrialContext,
  { session }: TargetAccount,
  http: TargetHttp,
): Promise<void> {
  if (target.threads.list !== undefined) await target.threads.list({ http, session });
  else await target.whoAmI?.({ http, session });
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

/** HTTP whose every request must be refused; the lines around each say that and what came. */
class ProbingHttp implements TargetHttp {
  readonly #http: TargetHttp;
  readonly #recorder: Recorder;
  readonly #observer: Observer;

  constructor(http: TargetHttp, recorder: Recorder, observer: Observer) {
    this.#http = http;
    this.#recorder = recorder;
    this.#observer = observer;
  }

  async request(request: HttpRequest): Promise<HttpReply> {
    const place = `http ${request.method} ${request.path.replace(/\?.*/, '')}`;
    announce(this.#recorder, this.#observer, place);
    try {
      const reply = await this.#http.request({ ...request, purpose: 'refusal-probe' });
      tell(this.#recorder, this.#observer, {
        place,
        outcome: outcomeOfReply(reply),
        message: `status ${reply.status}`,
      });
      return reply;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      tell(this.#recorder, this.#observer, { place, outcome: 'unclear', message });
      throw error;
    }
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

/** A socket is refused at its upgrade, or closed before it greeted; all else may be an accident. */
function outcomeOfFailure({ reason }: StepFailure): ProbeOutcome {
  if (reason === 'unexpected-close') return 'refused';
  const status = /^status (\d+)$/.exec(reason)?.[1];
  return status === undefined ? 'unclear' : outcomeOfStatus(Number(status));
}
