import { asFrame, frameAt, idOf, textOf } from './frames.ts';
import type { Session } from './target.ts';
import type { PageInput } from './target-input.ts';
import { claimsOf } from './token-claims.ts';

/** Client frames that ask: the page of the snapshot sends the first for every question (§11). */
const QUESTIONS = new Set(['start_agent', 'user_message', 'chat']);

/**
 * Cards that tell of an event and hold no answer: they have the agent's name as well (§6). An answer
 * that begins with one of these signs would be passed over, and reported as not shown.
 */
const EVENT_CARDS = ['🚀 Starting', '🤔 ', '✅ '];

/**
 * The page of Netra Apex (NETRA-WIRE §2.1, §6, §11). Its own sign-in is Google's, so the harness signs
 * in over the API and leaves the tokens where the page looks for them. The page opens its socket with a
 * ticket and without a sub-protocol; that is between the two, the harness only listens.
 *
 * With exactly the five events the page draws no answer and stays locked: `final_report` is what ends a
 * run there. `delivery/not-shown` then tells of a fault of the product.
 */
export const netraPage: PageInput = {
  signIn: {
    entries: ({ token, refreshToken }: Session) => ({
      jwt_token: token,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
      // A development build signs itself in as dev@example.com unless somebody has signed out before.
      dev_logout_flag: 'true',
    }),
    session: sessionInStorage,
  },
  chatPath: '/chat',
  // A start-up screen of 3 s hides the composer, which exists before it may be used.
  ready: '[data-testid=message-textarea]:enabled',
  readyMsMax: 30_000,
  signedInUser: '[data-testid=user-email]',
  composer: '[data-testid=message-textarea]',
  send: '[data-testid=send-button]',
  answer: `[data-testid=main-content] [role=article]:has-text("Netra Agent")${EVENT_CARDS.map(
    (sign) => `:not(:has-text("${sign}"))`,
  ).join('')}`,
  busy: '[data-testid=agent-processing]',
  signOut: {
    press: '[data-testid=logout-button]',
    // Staging offers Google, a development build its own form.
    done: 'button:has-text("Access Beta"), button:has-text("Login with"), [data-testid=login-button]',
  },
  asked: (frame) => {
    if (!QUESTIONS.has(textOf(asFrame(frame), 'type') ?? '')) return undefined;
    const payload = frameAt(frame, ['payload']);
    return { run: idOf(payload, 'run_id'), thread: idOf(payload, 'thread_id') };
  },
  endedBy: ['final_report'],
};

/** The session that a page keeps as `jwt_token` and `refresh_token`; undefined while it keeps none. */
export function sessionInStorage(entries: Readonly<Record<string, string>>): Session | undefined {
  const { jwt_token: token, refresh_token: refreshToken } = entries;
  const claims = token === undefined ? undefined : claimsOf(token);
  const userId = idOf(claims, 'sub');
  if (token === undefined || userId === undefined) return undefined;
  return {
    userId,
    email: textOf(claims, 'email'),
    token,
    refreshToken,
    secrets: refreshToken === undefined ? [token] : [token, refreshToken],
  };
}
