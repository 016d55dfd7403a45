import { asFrame, frameAt, textOf } from './frames.ts';
import { sessionInStorage } from './netra-page.ts';
import type { PageForm, Session } from './target.ts';
import type { PageInput } from './target-input.ts';

const SIGN_IN_FORM = {
  path: '/login',
  email: '[data-testid=email-input]',
  password: '[data-testid=password-input]',
  refusal: '[role=alert]',
} as const;

const REGISTER_FORM: PageForm = {
  ...SIGN_IN_FORM,
  name: '[data-testid=name-input]',
  submit: '[data-testid=register-submit]',
};

const PASSWORD_FORM: PageForm = { ...SIGN_IN_FORM, submit: '[data-testid=login-submit]' };

const MESSAGES = '[data-testid=main-content] [role=article]';

/** The page of the embedded target (NETRA-WIRE §12). */
export const referencePage: PageInput = {
  signIn: {
    forms: { password: PASSWORD_FORM, register: REGISTER_FORM },
    entries: ({ token, refreshToken }: Session) => ({
      jwt_token: token,
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    }),
    session: sessionInStorage,
  },
  chatPath: '/chat',
  ready: '[data-testid=main-chat][data-state=ready]',
  signedInUser: '[data-testid=user-email]',
  newChat: '[data-testid=new-chat-button]',
  composer: '[data-testid=message-textarea]',
  send: '[data-testid=send-button]',
  answer: `${MESSAGES}[data-role=assistant]`,
  error: `${MESSAGES}[data-role=error]`,
  events: Object.fromEntries(
    ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed', 'agent_completed'].map(
      (event) => [event, `[data-event=${event}]`],
    ),
  ),
  busy: '[data-testid=agent-processing]',
  stop: '[data-testid=stop-button]',
  signOut: {
    press: '[data-testid=logout-button]',
    done: '[data-testid=login-submit]',
  },
  asked: (frame) => {
    if (textOf(asFrame(frame), 'type') !== 'user_message') return undefined;
    const payload = frameAt(frame, ['payload']);
    return { run: textOf(payload, 'run_id'), thread: textOf(payload, 'thread_id') };
  },
};
