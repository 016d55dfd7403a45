import fc from 'fast-check';
import { createHash } from 'node:crypto';
import {
  CrowdModel,
  legalScript,
  USERS_MIN,
  type Possibilities,
  type Script,
  type Step,
  type Verb,
} from './script.ts';

/** Most leaks need two users and some a bystander; more only cost time. */
export const EXPLORERS_MAX = 5;
const LATE_MAX = 2;
/** Steps drawn for a script, before what is impossible is left out. */
const STEPS_MAX = 20;
/** Scripts drawn at a time. */
const BLOCK = 64;

/** What is drawn for one script. */
interface Drawn {
  readonly users: number;
  readonly late: number;
  readonly steps: Iterable<fc.Command<CrowdModel, Step[]>>;
}

/** A script with what it takes to draw it again. */
export interface Candidate {
  readonly script: Script;
  /** Where it stands in what the seed draws: the number of the draw. */
  readonly path: string;
}

/**
 * A step as it is drawn: whom it is for is chosen among those who can do it at its place, so that few draws
 * come to nothing.
 */
interface DrawnStep {
  readonly verb: Verb;
  /** Chooses one user, or with bits several, among those who can. */
  readonly who: number;
  readonly several: boolean;
  /** Chooses whose run is waited for, among those who have one, and until which event; absent: nobody's. */
  readonly at?: { readonly whose: number; readonly event: string } | undefined;
}

class StepCommand implements fc.Command<CrowdModel, Step[]> {
  readonly #drawn: DrawnStep;

  constructor(drawn: DrawnStep) {
    this.#drawn = drawn;
  }

  check(model: Readonly<CrowdModel>): boolean {
    return stepFor(this.#drawn, model) !== undefined;
  }

  run(model: CrowdModel, done: Step[]): void {
    const step = stepFor(this.#drawn, model);
    if (step === undefined) return;
    model.done(step);
    done.push(step);
  }

  toString(): string {
    return JSON.stringify(this.#drawn);
  }
}

function stepFor(
  { verb, who, several, at }: DrawnStep,
  model: Readonly<CrowdModel>,
): Step | undefined {
  const able = model.able(verb);
  const chosen = several
    ? able.filter((_, place) => (who & (1 << place)) !== 0)
    : able.filter((_, place) => place === who % able.length);
  const waiting = model.able('read');
  const whose = at === undefined ? undefined : waiting[at.whose % waiting.length];
  return model.legalPart({
    verb,
    users: chosen,
    ...(at !== undefined && whose !== undefined && { at: { user: whose, event: at.event } }),
    ...(verb === "try the neighbour's thread" && { neighbour: chosen[0] === 0 ? 1 : 0 }),
  });
}

/**
 * All scripts that a seed draws, without an end: the same for the same seed, crowd and target. Each ends
 * with everybody coming, coming back and asking once more, for what one user did may show only in what the
 * next ones are given.
 */
export function* randomScripts(
  seed: string,
  usersMax: number,
  can: Possibilities,
): Generator<Candidate> {
  const arbitrary = drawing(Math.max(USERS_MIN, Math.min(EXPLORERS_MAX, usersMax)), can);
  const first = createHash('sha256').update(seed).digest().readInt32LE(0);
  for (let block = 0; ; block += 1) {
    const drawn = fc.sample(arbitrary, { seed: (first + block) | 0, numRuns: BLOCK });
    for (const [index, one] of drawn.entries())
      yield { script: scriptOf(one, can), path: String(block * BLOCK + index) };
  }
}

function scriptOf({ users, late, steps: commands }: Drawn, can: Possibilities): Script {
  const steps: Step[] = [];
  const model = new CrowdModel({ users, late: Math.min(late, users - USERS_MIN) }, can);
  fc.modelRun(() => ({ model, real: steps }), commands);
  return legalScript({ users, late, steps: [...steps, ...closing(users)] }, can).script;
}

function closing(users: number): readonly Step[] {
  const everybody = [...Array.from({ length: users }).keys()];
  return (['arrive', 'reconnect', 'read', 'ask'] as const).map((verb) => ({
    verb,
    users: everybody,
  }));
}

function drawing(usersMax: number, can: Possibilities): fc.Arbitrary<Drawn> {
  return fc.record({
    users: fc.integer({ min: USERS_MIN, max: usersMax }),
    late: fc.integer({ min: 0, max: LATE_MAX }),
    steps: fc.commands(
      stepsOf(can).map((step) => step.map((drawn) => new StepCommand(drawn))),
      { maxCommands: STEPS_MAX, size: 'max', disableReplayLog: true },
    ),
  });
}

/** What needs a run under way, or another step before it, is drawn more often than what always can be done. */
function stepsOf({ moments, inTools }: Possibilities): fc.Arbitrary<DrawnStep>[] {
  const who = fc.nat({ max: 2 ** EXPLORERS_MAX - 1 });
  const at = fc.record({
    whose: fc.nat({ max: EXPLORERS_MAX }),
    event: fc.constantFrom(...moments, ...inTools),
  });
  const together = (verb: Verb): fc.Arbitrary<DrawnStep> =>
    who.map((some) => ({ verb, who: some, several: true }));
  const alone = (verb: Verb): fc.Arbitrary<DrawnStep> =>
    who.map((one) => ({ verb, who: one, several: false }));
  const atMoment = (verb: Verb): fc.Arbitrary<DrawnStep> =>
    fc.record({ verb: fc.constant(verb), who, several: fc.constant(false), at });
  const weighed: readonly (readonly [weight: number, step: fc.Arbitrary<DrawnStep>])[] = [
    [4, together('ask')],
    [2, atMoment('cancel')],
    [3, atMoment('drop')],
    [4, atMoment('reconnect')],
    [1, together('read')],
    [1, together('arrive')],
    [1, alone('ask for trouble')],
    [1, alone('duplicate the tab')],
    [1, alone('refresh the token')],
    [1, alone("try the neighbour's thread")],
    [1, atMoment('sign out')],
    [1, together('use the old session')],
  ];
  return weighed.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));
}
