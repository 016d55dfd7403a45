import { isProductionAt } from '../targets/addresses.ts';
import type { Addresses, SignInMethod, Target } from '../targets/target.ts';
import type { Transport, TrialPlan, UsersFileEntry } from './plan.ts';

/**
 * What keeps a plan from being carried out against a target: its limits, its sign-in methods, and
 * whether it is production (DESIGN §6). Asked before the first request; sentences, all at once.
 */
export function planMistakes(plan: TrialPlan, target: Target, addresses: Addresses): string[] {
  return [
    ...productionMistakes(plan, target, addresses),
    ...limitMistakes(plan, target),
    ...mixedMistakes(plan),
    ...usersFileMistakes(plan),
    ...entryMistakes(plan, target),
    ...signInMistakes(plan, target),
  ];
}

/**
 * What keeps a campaign of so many trials from being carried out although each of them may be: the target's
 * budget of questions. Each trial asks users × rounds at least; what a scenario asks beyond that is not known
 * before it is run. How much scenarios that last ask is their own to hold against the budget.
 */
export function budgetMistakes(plan: TrialPlan, target: Target, trials: number): string[] {
  const { questionsMax } = target.limits;
  const each = plan.users * plan.rounds;
  // What a single trial exceeds is one of the plan's own mistakes.
  if (questionsMax === null || each > questionsMax || each * trials <= questionsMax) return [];
  return [
    `target "${target.name}" allows at most ${questionsMax} questions a campaign, got at least ${each * trials} (${trials} trials of ${plan.users} users × ${plan.rounds} rounds). Pass fewer scenarios, transports, users or rounds, or raise limits.questionsMax in its profile.`,
  ];
}

/** Why a target cannot be walked on a transport, and what to do about it; undefined where it can. */
export function transportProblem(
  transport: Transport,
  { name, page, stream }: Target,
): { readonly reason: string; readonly mistake: string } | undefined {
  if (stream !== undefined && transport !== 'browser') {
    const reason = `the events of "${name}" come in streams that its page reads, and on no socket`;
    return {
      reason,
      mistake: `transport "${transport}" needs a socket, but ${reason}. Pass --transport browser.`,
    };
  }
  if (transport === 'websocket' || page !== undefined) return undefined;
  return {
    reason: `the profile of "${name}" describes no page`,
    mistake: `transport "${transport}" needs a page, but the profile of "${name}" describes none. Pass --transport websocket, or add "page" to the profile.`,
  };
}

/** {@link transportProblem} as a list of mistakes. */
export function transportMistakes(transport: Transport, target: Target): string[] {
  const problem = transportProblem(transport, target);
  return problem === undefined ? [] : [problem.mistake];
}

/** How the users of a plan sign in: as asked, else as the users file allows, else the profile's first. */
export function signInMethodOf(plan: TrialPlan, target: Target): SignInMethod | undefined {
  if (plan.signIn !== null) return plan.signIn;
  const entries = plan.usersFile?.slice(0, plan.users);
  if (entries === undefined) return target.signInOrder[0];
  return entries.every((entry) => entry.token !== undefined) ? 'token' : 'password';
}

function productionMistakes(plan: TrialPlan, target: Target, addresses: Addresses): string[] {
  if (plan.allowProduction || !isProductionAt(target, addresses)) return [];
  return [
    `target "${target.name}" at ${addresses.api} is production, and simulated users do not belong there. Pass --allow-production if they do.`,
  ];
}

function limitMistakes(plan: TrialPlan, target: Target): string[] {
  const { usersMax, startsPerSecondMax, questionsMax } = target.limits;
  const mistakes: string[] = [];
  const questions = plan.users * plan.rounds;
  if (plan.users > usersMax)
    mistakes.push(
      `target "${target.name}" allows at most ${usersMax} users, got ${plan.users}. Pass --users ${usersMax}, or raise limits.usersMax in its profile.`,
    );
  if (startsPerSecondMax !== null && plan.users > startsPerSecondMax)
    mistakes.push(
      `target "${target.name}" allows at most ${startsPerSecondMax} starts a second, but all ${plan.users} users ask at one moment. Pass --users ${Math.floor(startsPerSecondMax)}, or raise limits.startsPerSecondMax in its profile.`,
    );
  if (questionsMax !== null && questions > questionsMax)
    mistakes.push(
      `target "${target.name}" allows at most ${questionsMax} questions a campaign, got ${questions} (${plan.users} users × ${plan.rounds} rounds). Pass fewer, or raise limits.questionsMax in its profile.`,
    );
  return mistakes;
}

function mixedMistakes({ transports, users, browserUsers }: TrialPlan): string[] {
  if (!transports.includes('mixed') || browserUsers === null) return [];
  if (browserUsers >= 1 && browserUsers <= users) return [];
  return [
    `a mixed crowd of ${users} must have 1 to ${users} users in browsers, got ${browserUsers}. Pass --browser-users ${Math.ceil(users / 2)}.`,
  ];
}

function usersFileMistakes(plan: TrialPlan): string[] {
  if (plan.usersFile === null) return [];
  const mistakes: string[] = [];
  const entries = plan.usersFile.length;
  if (entries < plan.users)
    mistakes.push(
      `the users file must have an entry for each of ${plan.users} users, got ${entries}. ${entries === 0 ? 'Add' : `Pass --users ${entries}, or add`} entries.`,
    );
  for (const key of ['email', 'token'] as const) {
    const values = plan.usersFile.flatMap((entry: UsersFileEntry) => entry[key] ?? []);
    if (new Set(values).size < values.length)
      mistakes.push(
        `the users file must name each user once, got the same ${key} twice: one person cannot be isolated from themselves. Remove one of the two.`,
      );
  }
  return mistakes;
}

/** What an entry of a users file must hold for a sign-in; what else a method of a profile reads is its own. */
const CREDENTIALS: Readonly<Record<SignInMethod, readonly ('email' | 'password' | 'token')[]>> = {
  register: ['email'],
  password: ['email', 'password'],
  'e2e-key': ['email'],
  token: ['token'],
  page: ['email'],
};

/** The first of the entries that holds nothing its user could sign in with. */
function entryMistakes(plan: TrialPlan, target: Target): string[] {
  const method = signInMethodOf(plan, target);
  if (method === undefined) return [];
  const entries = plan.usersFile?.slice(0, plan.users) ?? [];
  for (const wanted of CREDENTIALS[method]) {
    const lacking = entries.findIndex((entry) => entry[wanted] === undefined);
    if (lacking !== -1)
      return [
        `each entry of the users file must have "${wanted}" for the sign-in method ${method}, but entry ${lacking} has none. Add it, or pass another --sign-in.`,
      ];
  }
  return [];
}

function signInMistakes(plan: TrialPlan, target: Target): string[] {
  const method = signInMethodOf(plan, target);
  if (method !== undefined && target.signIn[method] !== undefined) return [];
  return [
    `target "${target.name}" offers the sign-in methods ${target.signInOrder.join(', ')}, got ${method ?? 'none'}. Pass --sign-in ${target.signInOrder[0] ?? 'METHOD'}.`,
  ];
}
