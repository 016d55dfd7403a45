import type { Possibilities, Script } from './script.ts';
import { pinnedScripts, simplerScripts, weightOf } from './simpler-scripts.ts';

/** How shrinking asks whether a script still shows what was found. */
export interface ShrinkQuestions {
  /** A script that is known to show it. */
  readonly known: Script;
  /** Resolves to whether the script shows it; the signal says that nobody waits for the answer any more. */
  readonly shows: (script: Script, signal: AbortSignal) => Promise<boolean>;
  /** Scripts asked about at once. */
  readonly atOnce: number;
  /** When true, the simplest script so far has to do. */
  readonly isOver: () => boolean;
  readonly can: Possibilities;
}

/** The simplest script that was found. */
export interface Shrunk {
  readonly script: Script;
  /** Times that scripts were tried on the way. */
  readonly tried: number;
}

/** What takes two users within a few milliseconds does not show every time. */
const PASSES = 3;
/** Times that a script is tried at once to learn whether it always shows it. */
const STEADY_TRIES = 4;

/**
 * Makes a script that shows something as short as it goes. All that is simpler is tried once before anything
 * is tried again, so that chance costs time only where nothing else helps; in the end the script is given
 * moments to wait for, if that makes it show what it shows more often.
 */
export async function shrink(questions: ShrinkQuestions): Promise<Shrunk> {
  const search = new Search(questions);
  let script = questions.known;
  for (let pass = 1; pass <= PASSES;) {
    const next = await search.simplerThan(script, pass);
    if (next === undefined) pass += 1;
    else script = next;
  }
  const steadiest = await search.steadiest([script, ...pinnedScripts(script, questions.can)]);
  return { script: steadiest, tried: search.tried };
}

class Search {
  readonly #questions: ShrinkQuestions;
  /** How often a script was tried and showed nothing, by its text. */
  readonly #failures = new Map<string, number>();
  tried = 0;

  constructor(questions: ShrinkQuestions) {
    this.#questions = questions;
  }

  /** A script that is simpler and shows it, found among those that failed less than `pass` times so far. */
  async simplerThan(script: Script, pass: number): Promise<Script | undefined> {
    const { atOnce, can, isOver } = this.#questions;
    let batch = new Map<string, Script>();
    for (const simpler of simplerScripts(script, can)) {
      if (isOver()) return undefined;
      const text = JSON.stringify(simpler);
      if (simpler.steps.length === 0 || weightOf(simpler) >= weightOf(script)) continue;
      if (batch.has(text) || (this.#failures.get(text) ?? 0) >= pass) continue;
      batch.set(text, simpler);
      if (batch.size < atOnce) continue;
      const found = await this.#firstOf(batch);
      if (found !== undefined) return found;
      batch = new Map();
    }
    return this.#firstOf(batch);
  }

  /** The script that shows it most often of a few times; the earlier one where that is the same. */
  async steadiest(scripts: readonly [Script, ...Script[]]): Promise<Script> {
    const [first] = scripts;
    let best = { script: first, shown: 0 };
    for (const script of scripts) {
      if (best.shown === STEADY_TRIES || this.#questions.isOver()) break;
      const { signal } = new AbortController();
      const answers = await Promise.all(
        Array.from({ length: STEADY_TRIES }, () => this.#shows(script, signal)),
      );
      const shown = answers.filter(Boolean).length;
      if (shown > best.shown) best = { script, shown };
    }
    return best.script;
  }

  /** The first to show it is taken at once, and the others are of no interest any more. */
  async #firstOf(batch: ReadonlyMap<string, Script>): Promise<Script | undefined> {
    const settled = new AbortController();
    const { signal } = settled;
    const answers = [...batch].map(async ([text, script]) => {
      if (await this.#shows(script, signal)) return script;
      // What was given up half-way has not answered.
      if (!signal.aborted) this.#failures.set(text, (this.#failures.get(text) ?? 0) + 1);
      throw new NothingShown();
    });
    try {
      return await Promise.any(answers);
    } catch (error) {
      rethrowDefects(error);
      return undefined;
    } finally {
      settled.abort();
      await Promise.allSettled(answers);
    }
  }

  #shows(script: Script, signal: AbortSignal): Promise<boolean> {
    this.tried += 1;
    return this.#questions.shows(script, signal);
  }
}

/** A script was tried, and was clean. */
class NothingShown extends Error {
  override readonly name = 'NothingShown';
}

/** Of all that failed to show anything, whatever failed for another reason. */
function rethrowDefects(error: unknown): void {
  if (!(error instanceof AggregateError)) throw error;
  for (const one of error.errors) if (!(one instanceof NothingShown)) throw one;
}
