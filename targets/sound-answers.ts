/**
 * What the functions of a profile give while users act, looked at where they give it: types are not there when
 * a profile runs, and what is missing would only fail later, or be held against the target.
 */
import { decodedMistake } from './decoded-checks.ts';
import { asFrame, fieldOf } from './frames.ts';
import { shown } from './profile-checks.ts';
import type {
  AskFrame,
  DecodedFrame,
  Handshake,
  HandshakeStep,
  Question,
  Session,
  SocketRequest,
} from './target.ts';

/** An id that is a number is nobody's, and would accuse everybody: what decode gives is looked at every time. */
export function soundFields(fields: DecodedFrame): DecodedFrame {
  const mistake = decodedMistake(fields);
  if (mistake !== undefined) throw new TypeError(`it ${mistake}`);
  return fields;
}

/** A handshake that says no state, or promises one, would count as over. */
export function soundHandshake(handshake: Handshake): Handshake {
  return {
    ...(handshake.opened && { opened: () => soundStep(handshake.opened?.()) }),
    ...(handshake.ask && {
      ask: (question: Question) => soundAsk(handshake.ask?.(question)),
    }),
    receive: (frame, decoded) => soundStep(handshake.receive(frame, decoded)),
  };
}

function soundStep(step: HandshakeStep | undefined): HandshakeStep {
  const state: unknown = step?.state;
  if (step !== undefined && (state === 'waiting' || state === 'ready')) return step;
  throw new TypeError(
    `it must give { state: 'waiting' } or { state: 'ready' } at once, got ${kindOf(step)}`,
  );
}

/** A session without a user or a token could be anybody's. */
export function soundSession(session: Session): Session {
  const { userId, token, secrets } = asFrame(session) ?? {};
  if (typeof userId === 'string' && typeof token === 'string' && areTexts(secrets)) return session;
  throw new TypeError(
    `the profile's signIn must give { userId, token, secrets: [] } in which everything is a text, got ${kindOf(session)} (write numbers with String)`,
  );
}

/** A who-am-I that names nobody would agree with everybody. */
export function soundIdentity(identity: { userId: string; email?: string }): typeof identity {
  if (typeof fieldOf(asFrame(identity), 'userId') === 'string') return identity;
  throw new TypeError(
    `the profile's whoAmI must give { userId } as a text, got ${kindOf(identity)} (write numbers with String)`,
  );
}

/** What something is, without its secrets. */
function kindOf(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  const frame = asFrame(value);
  return frame === undefined ? shown(value) : `{ ${Object.keys(frame).join(', ')} }`;
}

function areTexts(values: unknown): boolean {
  return (
    values instanceof Object && Object.values(values).every((value) => typeof value === 'string')
  );
}

/** Without a frame nothing would be asked, and the answer be missed that nobody owes. */
export function soundAsk(asked: AskFrame | undefined): AskFrame {
  const { frame, run } = asked ?? {};
  if (asked !== undefined && frame !== undefined && (run === undefined || typeof run === 'string'))
    return asked;
  throw new TypeError(
    `the profile's socket.ask must give { frame, run } at once, in which run is a text or left out, got ${kindOf(asked)}`,
  );
}

/** What a profile gives while users act is looked at there: a text that is missing would only fail later. */
export function soundRequest(request: SocketRequest): SocketRequest {
  const { url, protocols, headers, secrets = [] } = request ?? {};
  if (
    typeof url === 'string' &&
    Array.isArray(protocols) &&
    [protocols, headers, secrets].every((values) => areTexts(values))
  )
    return request;
  throw new TypeError(
    "the profile's socket.open must give { url, protocols: [], headers: {}, secrets: [] } in which everything is a text",
  );
}
