import { parseTarget, TargetDefinitionError } from '../../targets/define-target.ts';
import type { SocketInput, TargetInput } from '../../targets/target-input.ts';
import { sessionOf } from './fake-http.ts';

/** A socket that signs in by its address and understands nothing. */
export const SOCKET: SocketInput = {
  open: async (session, addresses) => ({
    url: `${addresses.socket}?token=${session.token}`,
    protocols: [],
    headers: {},
  }),
  ask: ({ content }) => ({ frame: { say: content } }),
  decode: () => ({ role: 'other' }),
};

/** All that the author of another product has to write. */
export const SMALLEST: TargetInput = {
  name: 'acme',
  production: false,
  addresses: { api: { url: 'https://chat.acme.example' } },
  signIn: { token: async ({ account }) => sessionOf(account.userId ?? 'nobody') },
  socket: SOCKET,
};

/** A first question. */
export const QUESTION = { content: 'q', thread: undefined, run: 'r', now: 0, first: true };

/** What is wrong with a profile. */
export function mistakesOf(profile: unknown): readonly string[] {
  try {
    parseTarget(profile);
  } catch (error) {
    if (error instanceof TargetDefinitionError) return error.mistakes;
    throw error;
  }
  return [];
}

/** What is wrong with the smallest profile once this is changed. */
export function mistakesWith(change: Readonly<Record<string, unknown>>): readonly string[] {
  return mistakesOf({ ...SMALLEST, ...change });
}
