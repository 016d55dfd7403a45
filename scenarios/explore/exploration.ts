import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TrialPlan } from '../../clients/plan.ts';
import { startClock } from '../../history/clock.ts';
import type { Progress } from '../../history/progress.ts';
import type { Finding } from '../../history/verdict.ts';
import { writeArtifact, writeJsonArtifact } from '../../reports/write-artifact.ts';
import type { Target } from '../../targets/target.ts';
import { Evidence, type EvidenceTotals } from './evidence.ts';
import { FreshTargets } from './fresh-targets.ts';
import { randomScripts, type Candidate } from './random-scripts.ts';
import { scenarioFile, SCENARIO_FILE } from './scenario-file.ts';
import { describeStep, questionsIn, type Script } from './script.ts';
import { shrink } from './shrink.ts';
import { tryScript, violates, violationIn, type TryGround, type TryRecord } from './try.ts';
import { possibilitiesOf } from './walk.ts';

/** What an exploration is given. */
export interface ExploreOptions {
  readonly plan: TrialPlan;
  readonly target: Target;
  /** How long new scripts are tried, milliseconds; one is tried in any case. */
  readonly durationMs: number;
  /** The trial's directory: `history.ndjson` and the rest go there. */
  readonly dir: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What an exploration came to. Also written as `explore.json`. */
export interface ExplorationSummary extends EvidenceTotals {
  readonly schema: 1;
  readonly seed: string;
  readonly durationMs: number;
  /** The shortest script that shows what was found; null when nothing was. */
  readonly found: {
    readonly rule: string;
    readonly message: string;
    /** Which of the scripts that the seed draws it was shrunk from: the number of the draw. */
    readonly path: string;
    readonly script: Script;
    readonly steps: readonly string[];
    /** Scripts tried to shrink it. */
    readonly shrinkTries: number;
    /** Whether the shortest script showed it once more when it was recorded to its end. */
    readonly shownAgain: boolean;
  } | null;
}

/** Tries side by side where each has a target to itself; they mostly wait. */
const TRIES_AT_ONCE = 6;
/** Candidates side by side while shrinking: they are smaller, and most end early. */
const SHRINKS_AT_ONCE = 8;
/** Shrinking may go on for so long after the finding, whatever the search took. */
const SHRINK_MS_MAX = 180_000;
const CONFIRMATIONS_MAX = 3;
const PHASE = 'explore';

/**
 * Tries random scripts of the seed on fresh users until the time is over or something is found, which is
 * then shrunk to the shortest script that still shows it. The trial's history is the worst of all tries:
 * the shortest violation, else what was inconclusive first, else, once all is over, the richest pass.
 * @throws PlanInvalid, EmbeddedTargetFailed; never because of what the target did.
 */
export async function explore(options: ExploreOptions): Promise<ExplorationSummary> {
  const { plan, target, dir } = options;
  mkdirSync(dir, { recursive: true });
  const directory = join(dir, 'tries');
  const places = new FreshTargets(plan, target, directory);
  const ground = {
    plan,
    target,
    places,
    directory,
    can: possibilitiesOf(target, plan),
  };
  const exploration = new Exploration(ground, options);
  try {
    return await exploration.run();
  } finally {
    places.close();
  }
}

interface Found {
  readonly candidate: Candidate;
  readonly record: TryRecord;
  readonly finding: Finding;
}

class Exploration {
  readonly #ground: TryGround;
  readonly #options: ExploreOptions;
  readonly #clock = startClock();
  readonly #evidence: Evidence;
  readonly #atOnce: number;
  readonly #foundOne = new AbortController();
  #begun = 0;
  #found: Found | undefined;
  #isHopeless = false;
  #triesMs = 0;
  #questions = 0;

  constructor(ground: TryGround, options: ExploreOptions) {
    this.#ground = ground;
    this.#options = options;
    this.#evidence = new Evidence(options.dir);
    this.#atOnce = ground.places.areSeparate ? TRIES_AT_ONCE : 1;
  }

  async run(): Promise<ExplorationSummary> {
    const { plan } = this.#options;
    const scripts = randomScripts(plan.seed, this.#usersMax(), this.#ground.can);
    const trying = Array.from({ length: this.#atOnce }, () => this.#tryOn(scripts));
    try {
      await Promise.all(trying);
    } finally {
      // Whatever went wrong with one try, the others end before their targets do.
      this.#isHopeless = true;
      await Promise.allSettled(trying);
    }
    this.#tell({ over: true });
    const found = this.#found === undefined ? null : await this.#settle(this.#found);
    const summary = {
      schema: 1,
      seed: plan.seed,
      durationMs: Math.round(this.#clock.now()),
      ...this.#evidence.totals,
      found,
    } as const;
    writeJsonArtifact(join(this.#options.dir, 'explore.json'), summary);
    this.#evidence.finish();
    const { tries, opportunities, runPairsOverlapping } = summary;
    this.#remark(
      `${tries} scripts tried, ${opportunities} opportunities, ${runPairsOverlapping} overlapping pairs of runs`,
    );
    return summary;
  }

  /** No crowd is larger than the target allows at one moment. */
  #usersMax(): number {
    const { plan, target } = this.#options;
    const { usersMax, startsPerSecondMax } = target.limits;
    return Math.floor(Math.min(plan.users, usersMax, startsPerSecondMax ?? usersMax));
  }

  /** Whether the target's budget has room for the questions of one more script; takes them from it. */
  #affords(script: Script): boolean {
    const { questionsMax } = this.#options.target.limits;
    const questions = this.#questions + questionsIn(script);
    if (questionsMax !== null && questions > questionsMax) return false;
    this.#questions = questions;
    return true;
  }

  async #tryOn(scripts: Iterator<Candidate>): Promise<void> {
    while (this.#mayBegin()) {
      const next = scripts.next();
      if (next.done === true || !this.#affords(next.value.script)) return;
      this.#begun += 1;
      const began = this.#clock.now();
      const record = await tryScript(this.#ground, {
        script: next.value.script,
        name: `try-${next.value.path}`,
        untilViolation: true,
        signal: this.#foundOne.signal,
      });
      this.#triesMs += this.#clock.now() - began;
      this.#take(next.value, record);
    }
  }

  /** The first tries are always begun; another only if there is time for one of the usual length. */
  #mayBegin(): boolean {
    if (this.#found !== undefined || this.#isHopeless) return false;
    const usualMs = this.#triesMs / Math.max(1, this.#evidence.totals.tries);
    return this.#begun === 0 || this.#clock.now() + usualMs < this.#options.durationMs;
  }

  #take(candidate: Candidate, record: TryRecord): void {
    const finding = violationIn(record.verdict);
    // A try that was given up for another's finding has nothing to say, unless it found something too.
    if (this.#found !== undefined && finding === undefined) {
      rmSync(record.dir, { recursive: true, force: true });
      return;
    }
    this.#evidence.add(candidate, record);
    this.#tell({ over: false });
    // Nobody is there to be explored.
    if (record.verdict.cause === 'unavailable') this.#isHopeless = true;
    if (finding === undefined || this.#found !== undefined) return;
    this.#found = { candidate, record, finding };
    this.#foundOne.abort();
    const { onProgress } = this.#options;
    onProgress?.({ kind: 'violation', rule: finding.rule, message: finding.message });
  }

  /** Shrinks what was found, records the shortest script to its end and writes it down as a scenario. */
  async #settle({
    candidate,
    record: { walked },
    finding,
  }: Found): Promise<ExplorationSummary['found']> {
    const { rule } = finding;
    const until = this.#clock.now() + SHRINK_MS_MAX;
    this.#remark(`shrinking a script of ${walked.steps.length} steps`);
    let tries = 0;
    const { script, tried } = await shrink({
      known: walked,
      can: this.#ground.can,
      atOnce: this.#ground.places.areSeparate ? SHRINKS_AT_ONCE : 1,
      isOver: () => this.#clock.now() > until,
      shows: (one, signal) => {
        tries += 1;
        return this.#shows(one, { rule, name: `shrink-${tries}`, signal });
      },
    });
    const shownAgain = await this.#confirm(script, rule);
    const { path } = candidate;
    const steps = script.steps.map((step) => describeStep(step));
    this.#writeScenario({ script, path, finding });
    return {
      rule,
      message: finding.message,
      path,
      script,
      steps,
      shrinkTries: tried,
      shownAgain,
    };
  }

  async #shows(
    script: Script,
    how: { readonly rule: string; readonly name: string; readonly signal: AbortSignal },
  ): Promise<boolean> {
    if (!this.#affords(script)) return false;
    const { rule, name, signal } = how;
    const attempt = { script, name, untilViolation: true, signal };
    const record = await tryScript(this.#ground, attempt);
    rmSync(record.dir, { recursive: true, force: true });
    return violates(record.verdict, rule);
  }

  /** The record of the shortest script goes to its end, so that it can be judged in full. */
  async #confirm(script: Script, rule: string): Promise<boolean> {
    for (let time = 1; time <= CONFIRMATIONS_MAX && this.#affords(script); time += 1) {
      const attempt = { script, name: `shortest-${time}`, untilViolation: false };
      const record = await tryScript(this.#ground, attempt);
      if (violates(record.verdict, rule)) {
        this.#evidence.replace(record);
        return true;
      }
      rmSync(record.dir, { recursive: true, force: true });
    }
    this.#remark(
      'the shortest script did not show it again: it depends on chance or on the moment',
    );
    return false;
  }

  #writeScenario(shown: {
    readonly script: Script;
    readonly path: string;
    readonly finding: Finding;
  }): void {
    const { plan, dir } = this.#options;
    const path = join(dir, SCENARIO_FILE);
    const text = scenarioFile({ ...shown, seed: plan.seed, can: this.#ground.can, directory: dir });
    writeArtifact(path, text);
    this.#remark(`the shortest script that shows it, kept as ${path}:`);
    for (const line of text.trimEnd().split('\n')) this.#remark(line);
  }

  #remark(text: string): void {
    this.#options.onProgress?.({ kind: 'remark', text });
  }

  #tell({ over }: { readonly over: boolean }): void {
    const { tries, verdicts } = this.#evidence.totals;
    this.#options.onProgress?.({
      kind: 'phase',
      phase: PHASE,
      done: verdicts.pass,
      failed: tries - verdicts.pass,
      total: tries,
      elapsedMs: Math.round(this.#clock.now()),
      over,
    });
  }
}
