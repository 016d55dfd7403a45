import { CrowdLost, TrialAborted, type Crowd, type UserStep } from '../../clients/crowd.ts';
import type { TrialPlan } from '../../clients/plan.ts';
import type { User } from '../../clients/user.ts';
import type { Target } from '../../targets/target.ts';
import {
  describeStep,
  legalScript,
  VERBS,
  type Possibilities,
  type Script,
  type Step,
  type Verb,
} from './script.ts';

/** How each verb of a script is done, by the verbs of a user. */
export const DEEDS: Readonly<
  Record<Verb, (user: User, crowd: Crowd, step: Step) => Promise<void>>
> = {
  arrive: async (user) => {
    await user.signIn();
    await user.openChat();
  },
  ask: (user) => user.ask(),
  'ask for trouble': (user) => {
    user.provokeError();
    return user.ask();
  },
  read: (user) => user.answered(),
  cancel: (user) => user.cancel(),
  drop: (user) => user.drop(),
  reconnect: (user) => user.reconnect(),
  'duplicate the tab': (user) => user.duplicateTab(),
  'refresh the token': (user) => user.refreshToken(),
  "try the neighbour's thread": async (user, crowd, { neighbour = user.index }) => {
    await user.probe('threads', crowd.users[neighbour] ?? user);
    await user.probe('own question', user);
  },
  'sign out': (user) => user.signOut('elsewhere'),
  'use the old session': (user) => user.stale(),
};

/** What the users of a plan can do on a target, as its profile tells. */
export function possibilitiesOf(
  target: Target,
  { usersFile, variants }: Pick<TrialPlan, 'usersFile' | 'variants'>,
): Possibilities {
  const { required, last, pairs } = target.judging.order;
  const needs: Readonly<Partial<Record<Verb, boolean>>> = {
    cancel: target.socket.stop !== undefined,
    'ask for trouble': target.failWord !== undefined,
    'refresh the token': target.refresh !== undefined,
    'sign out': target.signOut !== undefined,
    // Only users that the harness made are probed (DESIGN §6), and a member may read a shared thread.
    "try the neighbour's thread":
      target.probes !== undefined && usersFile === null && !variants.includes('shared-thread'),
  };
  return {
    moments: required.filter((event) => event !== last),
    inTools: required.filter((event) => pairs.some(({ opens }) => opens === event)),
    resumes: target.socket.resume !== undefined,
    verbs: new Set(VERBS.filter((verb) => needs[verb] !== false)),
  };
}

/**
 * Lets a crowd walk a script. Ends early, without an error, when nobody is left or the trial is aborted:
 * what was recorded so far is what the script has to say. Resolves to the part of it that was begun.
 */
export async function walkScript(
  crowd: Crowd,
  script: Script,
  can: Possibilities,
): Promise<Script> {
  let begun = 0;
  try {
    await walk(crowd, script, {
      can,
      begins: () => {
        begun += 1;
      },
    });
  } catch (error) {
    if (!(error instanceof CrowdLost || error instanceof TrialAborted)) throw error;
  }
  return legalScript({ ...script, steps: script.steps.slice(0, begun) }, can).script;
}

async function walk(
  crowd: Crowd,
  script: Script,
  { can, begins }: { readonly can: Possibilities; readonly begins: () => void },
): Promise<void> {
  const isEarly = (user: User): boolean => user.index < script.users - script.late;
  await crowd.each('sign in', (user) => user.signIn(), { only: isEarly });
  await crowd.each('open chat', (user) => user.openChat(), { only: isEarly });
  for (const step of script.steps) {
    begins();
    await perform(crowd, step);
  }
  const waiting = legalScript(script, can).model.able('read');
  if (waiting.length > 0)
    await crowd.each('read the answers', (user) => user.answered(), {
      only: ({ index }) => waiting.includes(index),
    });
}

async function perform(crowd: Crowd, step: Step): Promise<void> {
  const { verb, users, at } = step;
  const only = ({ index }: User): boolean => users.includes(index);
  const deed: UserStep = (user) => DEEDS[verb](user, crowd, step);
  const phase = describeStep(step);
  if (verb === 'ask') return crowd.together(phase, deed, { only });
  return crowd.each(
    phase,
    async (user) => {
      if (at !== undefined) await crowd.users[at.user]?.until(at.event);
      await deed(user);
    },
    { only },
  );
}
