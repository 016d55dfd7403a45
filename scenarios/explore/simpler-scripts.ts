import {
  CrowdModel,
  legalScript,
  USERS_MIN,
  type Possibilities,
  type Script,
  type Step,
  type Verb,
} from './script.ts';

/** Steps count most, then the crowd, then what a step says. */
const STEP_WEIGHT = 1_000;
const USER_WEIGHT = 50;
/** Scripts up to this length are tried without any two of their steps, wherever those stand. */
const PAIRS_STEPS_MAX = 9;

/** Verbs that ask, and do something else besides. */
const MORE_THAN_ASKING = new Set<Verb>(['ask for trouble', "try the neighbour's thread"]);
/** Verbs whose moment in a run decides what they show. */
const DISTURBING = new Set<Verb>(['cancel', 'drop', 'reconnect', 'sign out']);
/** Of these the verbs that are about a run of their user's own. */
const ABOUT_OWN_RUN = new Set<Verb>(['cancel', 'sign out']);

/** How much a script says: of two, the simpler one is the lighter. */
export function weightOf({ users, late, steps }: Script): number {
  const said = steps.map(
    ({ verb, users: who, at }) =>
      who.length + (at === undefined ? 0 : 1) + (MORE_THAN_ASKING.has(verb) ? 1 : 0),
  );
  return (
    STEP_WEIGHT * steps.length +
    USER_WEIGHT * users +
    late +
    said.reduce((sum, one) => sum + one, 0)
  );
}

/**
 * Legal scripts that lack something of this one, those that lack most first: half of its steps, a quarter
 * (delta debugging), one, then one user or what a single step says. Where steps go, so does the time they
 * took, and what was in the middle of another's run is no more: each is offered once more {@link pinned}.
 */
export function* simplerScripts(script: Script, can: Possibilities): Generator<Script> {
  for (const simpler of unpinnedScripts(script, can)) {
    yield simpler;
    yield* pinnedScripts(simpler, can);
  }
}

function* unpinnedScripts(script: Script, can: Possibilities): Generator<Script> {
  yield* shorterScripts(script, can);
  yield* withOneThingLess(script, can);
}

/** A script in which each disturbance comes when somebody's run has shown this event. */
export function pinned(script: Script, event: string, can: Possibilities): Script {
  const model = new CrowdModel(script, can);
  const steps = script.steps.map((step) => {
    const user = whoseRun(step, model);
    model.done(step);
    return user === undefined ? step : { ...step, at: { user, event } };
  });
  return legalScript({ ...script, steps }, can).script;
}

/** The script with its disturbances pinned, once for each event from which a tool is at work. */
export function pinnedScripts(script: Script, can: Possibilities): readonly Script[] {
  const disturbs = script.steps.some(({ verb }) => DISTURBING.has(verb));
  return disturbs ? can.inTools.map((event) => pinned(script, event, can)) : [];
}

/** Whose run a disturbance can wait for: its user's own, or the latest of the others'. */
function whoseRun({ verb, users }: Step, model: CrowdModel): number | undefined {
  if (!DISTURBING.has(verb)) return undefined;
  const waiting = model.able('read');
  const isOwn = ABOUT_OWN_RUN.has(verb);
  return waiting.findLast((user) => users.includes(user) === isOwn);
}

function* shorterScripts(script: Script, can: Possibilities): Generator<Script> {
  const { steps } = script;
  const legal = (rest: readonly Step[]): Script =>
    legalScript({ ...script, steps: rest }, can).script;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = halved(size)) {
    for (let from = 0; from < steps.length; from += size) {
      if (size > 1) yield legal(steps.slice(from, from + size));
      yield legal(steps.toSpliced(from, size));
    }
  }
  for (const [at, step] of steps.entries()) {
    const joined = joinedWith(step, steps[at + 1]);
    if (joined !== undefined) yield legal(steps.toSpliced(at, 2, joined));
  }
  if (steps.length > PAIRS_STEPS_MAX) return;
  for (let second = 1; second < steps.length; second += 1)
    for (let first = 0; first < second; first += 1)
      yield legal(steps.toSpliced(second, 1).toSpliced(first, 1));
}

function halved(size: number): number {
  return size === 1 ? 0 : Math.ceil(size / 2);
}

/** One step for two, where some do what others did just before them. */
function joinedWith(step: Step, next: Step | undefined): Step | undefined {
  if (next?.verb !== step.verb || step.neighbour !== undefined) return undefined;
  if (step.at !== undefined || next.at !== undefined) return undefined;
  const users = [...new Set([...step.users, ...next.users])].toSorted((a, b) => a - b);
  return { verb: step.verb, users };
}

/** Every script that lacks one thing of this one but a step: a user, a user of a step, a moment. */
function* withOneThingLess(script: Script, can: Possibilities): Generator<Script> {
  const { users, late, steps } = script;
  const legal = (changes: Partial<Script>): Script =>
    legalScript({ ...script, ...changes }, can).script;
  const dispensable = users > USERS_MIN ? [...Array.from({ length: users }).keys()] : [];
  for (const user of dispensable.toReversed())
    yield legal({ users: users - 1, steps: steps.flatMap((step) => without(step, user)) });
  if (late > 0) yield legal({ late: late - 1 });
  for (const [at, step] of steps.entries())
    for (const less of lesser(step)) yield legal({ steps: steps.toSpliced(at, 1, less) });
}

/** The same step in a crowd without this user: those after it move up. */
function without(step: Step, user: number): readonly Step[] {
  const moved = (other: number): number => (other > user ? other - 1 : other);
  const users = step.users.filter((other) => other !== user).map((other) => moved(other));
  const { at, neighbour, ...rest } = step;
  if (users.length === 0 || neighbour === user) return [];
  return [
    {
      ...rest,
      users,
      ...(at !== undefined && at.user !== user && { at: { ...at, user: moved(at.user) } }),
      ...(neighbour !== undefined && { neighbour: moved(neighbour) }),
    },
  ];
}

function lesser(step: Step): readonly Step[] {
  const { at, ...rest } = step;
  return [
    ...(MORE_THAN_ASKING.has(step.verb) ? [{ verb: 'ask' as const, users: step.users }] : []),
    ...(at === undefined ? [] : [rest]),
    ...(step.users.length < 2
      ? []
      : step.users.map((left) => ({
          ...step,
          users: step.users.filter((user) => user !== left),
        }))),
  ];
}
