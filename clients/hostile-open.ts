import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ObservationFields } from '../history/observation.ts';
import { framed, textsIn } from '../targets/framing.ts';
import type {
  DecodedFrame,
  Handshake,
  HandshakeStep,
  Session,
  SocketRequest,
} from '../targets/target.ts';
import { CAMPAIGN_HEADER, upgradeHeaders, USER_AGENT } from './http.ts';
import { withoutSecrets } from './frame-line.ts';
import { contentOf, toMicroseconds, type Observer } from './recorder.ts';
import { outcomeOfStatus, type ProbeOutcome } from './refusals.ts';
import type { SocketSettings } from './socket-settings.ts';
import { after } from './waiting.ts';

/** After the upgrade a target may still refuse; one that says no more for so long has said what it had to say. */
const GREETING_MS_MAX = 2_000;

/** How to open a socket, and with whose session the target's handshake is gone through. */
export interface HostileAttempt {
  readonly request: SocketRequest;
  readonly session: Session;
}

/**
 * Tries to open a socket as it must not be possible, and records what came of it with the purpose
 * `refusal-probe`, so that nobody takes the refusal for a failed connection of the user's own. `accepted`
 * means that the target went through its handshake or, where it is told nothing in that, that it said
 * anything but an error: an upgrade that is closed again at once let nobody in.
 */
export function tryToOpen(
  settings: SocketSettings,
  observer: Observer,
  { request, session }: HostileAttempt,
): Promise<ProbeOutcome> {
  const record = new OpenRecord(settings, observer, request);
  const { wire } = settings;
  return new Promise((resolve) => {
    const socket = new WebSocket(request.url, [...request.protocols], {
      perMessageDeflate: false,
      maxPayload: settings.bytesMax,
      handshakeTimeout: settings.handshakeMsMax,
      headers: {
        ...settings.headers,
        'user-agent': USER_AGENT,
        [CAMPAIGN_HEADER]: settings.recorder.campaignPrefix,
        ...request.headers,
      },
      ...(settings.agent === undefined ? {} : { agent: settings.agent }),
    });
    const finish = (answer: ProbeOutcome): void => {
      cancel();
      socket.terminate();
      resolve(answer);
    };
    let cancel = after(settings.handshakeMsMax, () => finish('unclear'));
    const greeting = new Greeting(wire.handshake(session));
    const goOn = (step: HandshakeStep | undefined): void => {
      if (socket.readyState !== WebSocket.OPEN) return;
      for (const frame of step?.send ?? []) {
        record.sent(frame);
        socket.send(framed(frame, wire.framing));
      }
      cancel();
      cancel = after(GREETING_MS_MAX, () => finish(greeting.inTheEnd));
    };
    socket.on('upgrade', (response) => record.response(response));
    socket.on('unexpected-response', (_request, response) => {
      record.response(response);
      // Whatever else came instead of an upgrade let nobody in either, but says nothing.
      const isRefusal = outcomeOfStatus(response.statusCode ?? 0) === 'refused';
      finish(isRefusal ? 'refused' : 'unclear');
    });
    socket.on('open', () => goOn(greeting.opened()));
    socket.on('close', () => finish('refused'));
    socket.on('error', () => finish('unclear'));
    socket.on('message', (data: Buffer) => {
      const heard = textsIn(data.toString('utf8'), wire.framing).map((text) =>
        record.received(text),
      );
      for (const { frame, decoded } of heard) {
        if (decoded.role === 'error') return finish('refused');
        const step = greeting.received(frame, decoded);
        if (step?.state === 'ready') return finish('accepted');
        goOn(step);
      }
    });
  });
}

/** The target's own handshake, as somebody goes through it who must not get to its end. */
class Greeting {
  readonly #handshake: Handshake;
  #hasHeard = false;
  #hasSpoken = false;

  constructor(handshake: Handshake) {
    this.#handshake = handshake;
  }

  opened(): HandshakeStep | undefined {
    return this.#take(() => this.#handshake.opened?.());
  }

  received(frame: unknown, decoded: DecodedFrame): HandshakeStep | undefined {
    this.#hasHeard = true;
    return this.#take(() => this.#handshake.receive(frame, decoded));
  }

  /**
   * What it comes to when the target says no more. What was said to somebody who had said something before
   * may be a refusal; whoever is told something unasked has been let in.
   */
  get inTheEnd(): ProbeOutcome {
    return this.#hasHeard && !this.#hasSpoken ? 'accepted' : 'unclear';
  }

  #take(step: () => HandshakeStep | undefined): HandshakeStep | undefined {
    try {
      const taken = step();
      this.#hasSpoken ||= (taken?.send?.length ?? 0) > 0;
      return taken;
    } catch {
      return undefined; // A profile's mistake, which the user's own connection tells of.
    }
  }
}

/** The history lines of one attempt. */
class OpenRecord {
  readonly #settings: SocketSettings;
  readonly #observer: Observer;
  readonly #common: Pick<ObservationFields, 'method' | 'url' | 'purpose'>;
  readonly #started: number;

  constructor(settings: SocketSettings, observer: Observer, request: SocketRequest) {
    const { journal, vault, clock } = settings.recorder;
    for (const secret of request.secrets ?? []) vault.add(secret);
    this.#settings = settings;
    this.#observer = observer;
    this.#started = clock.now();
    this.#common = {
      method: 'GET',
      url: vault.redact(request.url, 'out'),
      purpose: 'refusal-probe',
    };
    const headers = vault.redactHeaders(
      {
        ...request.headers,
        'sec-websocket-protocol': request.protocols.join(', '),
      },
      'out',
    );
    const line = { ...observer, ...this.#common, headers };
    journal.append({ ...line, surface: 'http', dir: 'out', kind: 'request' });
  }

  response(response: IncomingMessage): void {
    const { journal, vault, clock } = this.#settings.recorder;
    journal.append({
      ...this.#observer,
      ...this.#common,
      surface: 'http',
      dir: 'in',
      kind: 'response',
      status: response.statusCode,
      headers: vault.redactHeaders(upgradeHeaders(response)),
      took: toMicroseconds(clock.now() - this.#started),
    });
  }

  /** Records a frame that came, as what the profile takes it for. */
  received(text: string): { readonly frame: unknown; readonly decoded: DecodedFrame } {
    const { recorder, wire } = this.#settings;
    const frame = parsed(text);
    const decoded = wire.decode(frame);
    const { role: _role, echoedAt: _echoedAt, ...fields } = withoutSecrets(decoded, recorder.vault);
    recorder.journal.append(
      { ...this.#observer, surface: 'socket', dir: 'in', kind: 'frame', ...fields },
      contentOf(recorder.vault.redact(text), frame !== undefined),
    );
    return { frame, decoded };
  }

  /** Records a frame of the handshake that is about to be sent. */
  sent(frame: unknown): void {
    const { journal, vault } = this.#settings.recorder;
    const { purpose } = this.#common;
    journal.append(
      { ...this.#observer, surface: 'socket', dir: 'out', kind: 'frame', purpose },
      contentOf(vault.redact(JSON.stringify(frame), 'out'), true),
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Recorded as text; a greeting it is all the same.
  }
}
