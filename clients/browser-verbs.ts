import type { PageWire, Target } from '../targets/target.ts';
import type { OptionalVerb } from './user.ts';

const IMPOSSIBLE_ON_PAGES: Readonly<Partial<Record<OptionalVerb, string>>> = {
  stall: 'a page reads what its socket receives, whatever its user does',
  askMeanwhile: 'a page shows one conversation, and takes no question while it is at work',
};

/** What the profile must say of a page so that a verb can be done on it. */
const NEEDED_OF_PAGES: Readonly<
  Partial<
    Record<OptionalVerb, { readonly what: string; readonly isThere: (page: PageWire) => boolean }>
  >
> = {
  cancel: { what: 'way to stop a run', isThere: ({ stop }) => stop !== undefined },
  newThread: { what: 'way to begin a conversation', isThere: (page) => page.newChat !== undefined },
  refreshToken: {
    what: 'place where it keeps its tokens',
    isThere: ({ signIn }) => signIn.entries !== undefined,
  },
};

/** Why a verb cannot be done on a target's page; undefined where nothing of the page stands against it. */
export function impossibleOnPage(verb: OptionalVerb, { name, page }: Target): string | undefined {
  const never = IMPOSSIBLE_ON_PAGES[verb];
  if (never !== undefined) return never;
  const needed = NEEDED_OF_PAGES[verb];
  if (needed === undefined || (page !== undefined && needed.isThere(page))) return undefined;
  return `the page of "${name}" names no ${needed.what}`;
}
