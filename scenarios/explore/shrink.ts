import type { Candidate } from './random-scripts.ts';
import {
  legalScript,
  USERS_MIN,
  type Possibilities,
  type Script,
  type Step,
  type Verb,
} from './script.ts';

/** How shrinking asks whether a script still shows what was found. */
export interface ShrinkQuestions {
  /** The part of the drawn script that is known to show it. */
  readonly known: Script;
  /** Resolves to whether the script shows it; the signal says that nobody waits for the answer any more. */
  readonly shows: (script: Script, signal: AbortSignal) => Promise<boolean>;
  /** Scripts asked about at once. */
  readonly atOnce: number;
  /** When true, the simplest script so far has to do. */
  readonly isOver: () => boolean;
  readonly can: Possibilities;
}

/** The simplest script that was found, and its place among what the seed draws. */
export interface Shrunk {
  readonly script: Script;
  readonly path: string;
  /** Scripts that were tried on the way. */
  readonly tried: number;
}

/** Steps count most, then the crowd, then what a step says. */
const STEP_WEIGHT = 1_000;
const USER_WEIGHT = 50;

/**
 * Makes a script that shows something as short as it goes: first by leaps, as fast-check shrinks what it
 * drew, then by taking out one thing after the other, until nothing can be spared.
 */
export async function shrink(start: Candidate, questions: ShrinkQuestions): Promise<Shrunk> {
  const search = new Search(questions);
  let drawn = start;
  let script = questions.known;
  for (;;) {
    const next = await search.firstThatShows(drawn.simpler(), script);
    if (next === undefined) break;
    drawn = next;
    ({ script } = next);
  }
  for (;;) {
    const next = await search.firstThatShows(withOneThingLess(script, questions.can), script);
    if (next === undefined) break;
    script = next.script;
  }
  return { script, path: drawn.path, tried: search.tried };
}

class Search {
  readonly #questions: ShrinkQuestions;
  /** What is known of a script, by its text. */
  readonly #known = new Map<string, boolean>();

  constructor(questions: ShrinkQuestions) {
    this.#questions = questions;
  }

  get tried(): number {
    return this.#known.size;
  }

  /** The first of these that is simpler than `than` and shows it; several are tried at once. */
  async firstThatShows<T extends { readonly script: Script }>(
    candidates: Iterable<T>,
    than: Script,
  ): Promise<T | undefined> {
    let batch = new Map<string, T>();
    for (const candidate of candidates) {
      if (this.#questions.isOver()) return undefined;
      const { script } = candidate;
      const text = JSON.stringify(script);
      if (script.steps.length === 0 || weightOf(script) >= weightOf(than) || batch.has(text))
        continue;
      const known = this.#known.get(text);
      if (known === false) continue;
      batch.set(text, candidate);
      if (known !== true && batch.size < this.#questions.atOnce) continue;
      const found = await this.#firstOf(batch);
      if (found !== undefined) return found;
      batch = new Map();
    }
    return this.#firstOf(batch);
  }

  /** As soon as one shows and none before it does, the others are of no interest. */
  async #firstOf<T extends { readonly script: Script }>(
    batch: ReadonlyMap<string, T>,
  ): Promise<T | undefined> {
    const settled = new AbortController();
    const answers = [...batch].map(async ([text, { script }]) => {
      const known = this.#known.get(text);
      if (known !== undefined) return known;
      const shows = await this.#questions.shows(script, settled.signal);
      // What was given up half-way has not answered.
      if (shows || !settled.signal.aborted) this.#known.set(text, shows);
      return shows;
    });
    try {
      for (const [index, candidate] of [...batch.values()].entries())
        if (await answers[index]) return candidate;
      return undefined;
    } finally {
      settled.abort();
      await Promise.allSettled(answers);
    }
  }
}

function weightOf({ users, late, steps }: Script): number {
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

/** Every script that lacks one thing of this one: a step, a user, a user of a step, a moment. */
function* withOneThingLess(
  script: Script,
  can: Possibilities,
): Generator<{ readonly script: Script }> {
  const { users, late, steps } = script;
  const legal = (changes: Partial<Script>): { readonly script: Script } => ({
    script: legalScript({ ...script, ...changes }, can).script,
  });
  const dispensable = users > USERS_MIN ? [...Array.from({ length: users }).keys()] : [];
  for (const user of dispensable.toReversed())
    yield legal({ users: users - 1, steps: steps.flatMap((step) => without(step, user)) });
  if (late > 0) yield legal({ late: late - 1 });
  for (const [at, step] of steps.entries()) {
    yield legal({ steps: steps.toSpliced(at, 1) });
    for (const less of lesser(step)) yield legal({ steps: steps.toSpliced(at, 1, less) });
  }
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

/** Verbs that ask, and do something else besides. */
const MORE_THAN_ASKING = new Set<Verb>(['ask for trouble', "try the neighbour's thread"]);

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
