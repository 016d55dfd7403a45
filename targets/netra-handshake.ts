import { wallUnixMs } from '../history/clock.ts';
import type { Frame } from './frames.ts';
import { asFrame, firstOf, frameAt, idOf, textOf } from './frames.ts';
import { isWholeId, showsUser } from './netra-frames.ts';
import { askOldGeneration, askNewGeneration } from './netra-questions.ts';
import type { Handshake, HandshakeStep, Session } from './target.ts';

/** After the greeting, the new generation's `handshake_response` may still come; the old has none. */
export const RESPONSE_GRACE_MS = 1_000;
/** The server completes within 2 s of our acknowledgement, if it does; then 500 ms to settle. */
export const COMPLETION_GRACE_MS = 2_500;
/** Messages sent earlier than this after completion are lost. */
export const SETTLE_MS = 500;
/** Shorter ones are placeholders, the same for everybody. */
const TOKEN_LENGTH_MIN = 16;

/**
 * Both generations of Netra's handshake (NETRA-WIRE §3.4, §9), told apart as the frames come:
 * `connection_established` alone, or with `handshake_response` before or after it, which we acknowledge
 * with the same thread before `handshake_complete` ends it. Repetitions are ignored.
 */
export function netraHandshake(session: Session): Handshake {
  let greeted = false;
  let completed = false;
  let acknowledged: string | undefined;

  const standing = (): HandshakeStep => {
    if (completed) return { state: 'ready', settleMs: SETTLE_MS };
    if (acknowledged !== undefined) return { state: 'ready', settleMs: COMPLETION_GRACE_MS };
    return greeted ? { state: 'ready', settleMs: RESPONSE_GRACE_MS } : { state: 'waiting' };
  };

  return {
    receive: (frame, { event }) => {
      const places = [asFrame(frame), frameAt(frame, ['data']), frameAt(frame, ['payload'])];
      if (event === 'connection_established' && !greeted) {
        greeted = true;
        return { ...standing(), ...identityIn(places, session) };
      }
      if (event === 'handshake_complete') completed = true;
      const thread = firstOf(idOf, places, ['thread_id']);
      if (event !== 'handshake_response' || thread === undefined || thread === acknowledged) {
        return standing();
      }
      acknowledged = thread;
      completed = false;
      return {
        ...standing(),
        ...identityIn(places, session),
        ...secretsIn(places),
        send: [
          {
            type: 'handshake_acknowledged',
            thread_id: thread,
            timestamp: new Date(wallUnixMs()).toISOString(),
          },
        ],
      };
    },
    ask: (question) =>
      acknowledged === undefined ? askOldGeneration(question) : askNewGeneration(question),
  };
}

/** The token that the new generation gives each connection (§9); a word that is none stands for nothing. */
function secretsIn(places: readonly (Frame | undefined)[]): Pick<HandshakeStep, 'secrets'> {
  const token = firstOf(textOf, places, ['session_token']);
  return token === undefined || token.length < TOKEN_LENGTH_MIN ? {} : { secrets: [token] };
}

/** Own ids in a handshake frame, or the identity it shows when that is not ours. */
function identityIn(
  places: readonly (Frame | undefined)[],
  session: Session,
): Pick<HandshakeStep, 'ids' | 'shown'> {
  const connection = firstOf(idOf, places, ['connection_id']);
  const user = firstOf(idOf, places, ['user_id']);
  // A frame for somebody else says nothing about what is ours, but its connection is this one.
  if (user !== undefined && !showsUser(user, session.userId)) {
    return { ids: { connection }, shown: user };
  }
  return {
    ids: {
      user: user !== undefined && isWholeId(user) ? user : undefined,
      connection,
      thread: firstOf(idOf, places, ['thread_id']),
      run: firstOf(idOf, places, ['run_id']),
    },
  };
}
