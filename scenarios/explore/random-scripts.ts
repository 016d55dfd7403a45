import fc from 'fast-check';
import { createHash } from 'node:crypto';
import {
  CrowdModel,
  legalScript,
  type Possibilities,
  type Script,
  type Step,
  type Verb,
} from './script.ts';

const USERS_MIN = 2;
/** Most leaks need two users and some a bystander; more only cost time. */
export const EXPLORERS_MAX = 5;
const LATE_MAX = 2;
/** Steps drawn for a script, before what is impossible is left out. */
const STEPS_MAX = 10;
/** Scripts drawn at a time. */
const BLOCK = 64;

/** What is drawn for one script. */
interface Drawn {
  readonly users: number;
  readonly late: number;
  readonly steps: Iterable<fc.Command<CrowdModel, Step[]>>;
}

/** A script with what it takes to repeat and to shrink it. */
export interface Candidate {
  readonly script: Script;
  /** Where it stands in what the seed draws: the number of the draw, then the choice of each shrink. */
  readonly path: string;
  /** Simpler ones, the simplest first; lazy, and without an end that matters. */
  simpler(): Iterable<Candidate>;
}

/** One step of a drawn script; the model decides at its place whether and for whom it is possible. */
class StepCommand implements fc.Command<CrowdModel, Step[]> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check(model: Readonly<CrowdModel>): boolean {
    return model.legalPart(this.#step) !== undefined;
  }

  run(model: CrowdModel, done: Step[]): void {
    const part = model.legalPart(this.#step);
    if (part === undefined) return;
    model.done(part);
    done.push(part);
  }

  toString(): string {
    return JSON.stringify(this.#step);
  }
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
    const drawn = new Keeping(arbitrary);
    fc.sample(drawn, { seed: (first + block) | 0, numRuns: BLOCK });
    for (const [index, value] of drawn.kept.entries())
      yield candidateOf(arbitrary, { value, path: String(block * BLOCK + index), can });
  }
}

/** Keeps what an arbitrary draws together with the context that shrinking needs. */
class Keeping<T> extends fc.Arbitrary<T> {
  readonly kept: fc.Value<T>[] = [];
  readonly #inner: fc.Arbitrary<T>;

  constructor(inner: fc.Arbitrary<T>) {
    super();
    this.#inner = inner;
  }

  override generate(random: fc.Random, biasFactor: number | undefined): fc.Value<T> {
    const value = this.#inner.generate(random, biasFactor);
    this.kept.push(value);
    return value;
  }

  override canShrinkWithoutContext(value: unknown): value is T {
    return this.#inner.canShrinkWithoutContext(value);
  }

  override shrink(value: T, context: unknown): fc.Stream<fc.Value<T>> {
    return this.#inner.shrink(value, context);
  }
}

function candidateOf(
  arbitrary: fc.Arbitrary<Drawn>,
  {
    value,
    path,
    can,
  }: { readonly value: fc.Value<Drawn>; readonly path: string; readonly can: Possibilities },
): Candidate {
  const drawn = value.value;
  const { users, late } = drawn;
  const steps: Step[] = [];
  // Shrinking goes by which commands have run, so they run against the model here.
  const model = new CrowdModel({ users, late: Math.min(late, users - USERS_MIN) }, can);
  fc.modelRun(() => ({ model, real: steps }), drawn.steps);
  const whole = { users, late, steps: [...steps, ...closing(users)] };
  return {
    script: legalScript(whole, can).script,
    path,
    *simpler() {
      let choice = 0;
      for (const smaller of arbitrary.shrink(drawn, value.context)) {
        yield candidateOf(arbitrary, { value: smaller, path: `${path}:${choice}`, can });
        choice += 1;
      }
    },
  };
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
      stepsOf(usersMax, can).map((step) => step.map((drawn) => new StepCommand(drawn))),
      { maxCommands: STEPS_MAX, size: 'max', disableReplayLog: true },
    ),
  });
}

/** Asking is drawn more often than the rest: without a run under way little can go wrong. */
function stepsOf(usersMax: number, can: Possibilities): fc.Arbitrary<Step>[] {
  const user = fc.nat({ max: usersMax - 1 });
  const several = fc
    .uniqueArray(user, { minLength: 1, maxLength: usersMax })
    .map((users) => users.toSorted((a, b) => a - b));
  const moment = fc.record({ user, event: fc.constantFrom(...can.moments) });
  const together = (verb: Verb): fc.Arbitrary<Step> => several.map((users) => ({ verb, users }));
  const alone = (verb: Verb): fc.Arbitrary<Step> => user.map((one) => ({ verb, users: [one] }));
  const atMoment = (verb: Verb): fc.Arbitrary<Step> =>
    fc.record({ one: user, at: moment }).map(({ one, at }) => ({ verb, users: [one], at }));
  const asks = together('ask');
  return [
    asks,
    asks,
    asks,
    together('read'),
    atMoment('cancel'),
    atMoment('drop'),
    atMoment('reconnect'),
    atMoment('reconnect'),
    together('arrive'),
    alone('ask for trouble'),
    alone('duplicate the tab'),
    alone('refresh the token'),
    atMoment('sign out'),
    alone('use the old session'),
    fc.record({ one: user, neighbour: user }).map(({ one, neighbour }) => ({
      verb: "try the neighbour's thread",
      users: [one],
      neighbour,
    })),
  ];
}
