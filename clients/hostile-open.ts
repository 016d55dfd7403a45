import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ObservationFields } from '../history/observation.ts';
import { unprefixed } from '../targets/framing.ts';
import type { SocketRequest } from '../targets/target.ts';
import { CAMPAIGN_HEADER, upgradeHeaders, USER_AGENT } from './http.ts';
import { contentOf, toMicroseconds, type Observer } from './recorder.ts';
import type { SocketSettings } from './socket-client.ts';
import { after } from './waiting.ts';

/** How a target answered an attempt to open a socket that it must refuse. */
export type OpenAnswer = 'refused' | 'accepted' | 'unclear';

/** After the upgrade a target may still refuse; one that says nothing for so long has not greeted. */
const GREETING_MS_MAX = 2_000;
const REFUSED_STATUS_MIN = 400;
const REFUSED_STATUS_MAX = 500;

/**
 * Tries to open a socket as it must not be possible, and records what came of it as an exchange with the
 * purpose `refusal-probe`, so that nobody takes the refusal for a failed connection of the user's own.
 * `accepted` means that the target greeted: an upgrade that is closed again at once let nobody in.
 */
export function tryToOpen(
  settings: SocketSettings,
  observer: Observer,
  request: SocketRequest,
): Promise<OpenAnswer> {
  const record = new OpenRecord(settings, observer, request);
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
    const finish = (answer: OpenAnswer): void => {
      cancel();
      socket.terminate();
      resolve(answer);
    };
    let cancel = after(settings.handshakeMsMax, () => finish('unclear'));
    socket.on('upgrade', (response) => record.response(response));
    socket.on('unexpected-response', (_request, response) => {
      record.response(response);
      const status = response.statusCode ?? 0;
      const refused = status >= REFUSED_STATUS_MIN && status < REFUSED_STATUS_MAX;
      finish(refused ? 'refused' : 'unclear');
    });
    socket.on('open', () => {
      cancel();
      cancel = after(GREETING_MS_MAX, () => finish('unclear'));
    });
    socket.on('close', () => finish('refused'));
    socket.on('error', () => finish('unclear'));
    socket.on('message', (data: Buffer) => finish(record.greeting(data.toString('utf8'))));
  });
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

  /** Records the first frame; whoever gets one that is no error has been let in. */
  greeting(message: string): OpenAnswer {
    const { recorder, wire } = this.#settings;
    const text = wire.framing === 'prefixed' ? unprefixed(message) : message;
    const frame = parsed(text);
    const { role, echoedAt: _echoedAt, ...fields } = wire.decode(frame);
    recorder.journal.append(
      { ...this.#observer, surface: 'socket', dir: 'in', kind: 'frame', ...fields },
      contentOf(recorder.vault.redact(text), frame !== undefined),
    );
    return role === 'error' ? 'refused' : 'accepted';
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Recorded as text; a greeting it is all the same.
  }
}
