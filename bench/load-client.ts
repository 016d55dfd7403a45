import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import pLimit from 'p-limit';
import { readCast } from './cast.ts';
import type { Contender, LoadListener, Team } from './contender.ts';
import { clientJobSchema, type ClientJob, type ClientResult } from './jobs.ts';
import { pipelineTeam } from './pipeline-team.ts';
import { plainTeam } from './plain-team.ts';
import { serveJob } from './processes.ts';
import { EVENTS_PER_RUN, framesPerPass } from './wire.ts';

/**
 * One measured client in a process of its own. Connecting and a warm-up come first and are not measured;
 * what is measured is the CPU time of the process, garbage collection and writing included.
 */

/** Connections being opened at once, as in a trial. */
const CONNECTS_MAX = 200;
/** Connections that are open before memory is first looked at, so that code and pools are there. */
const SETTLERS = 200;
const QUIET_MS = 1_500;

/** Counts events, asks on while there are questions to ask, and says when all is over. */
class Load implements LoadListener {
  events = 0;
  #expected = 0;
  #done: (() => void) | undefined;
  readonly #left = new Map<Contender, number>();

  event(): void {
    this.events += 1;
    if (this.events === this.#expected) this.#done?.();
  }

  answered(contender: Contender): void {
    const left = this.#left.get(contender);
    if (left === undefined || left === 0) return;
    this.#left.set(contender, left - 1);
    contender.ask();
  }

  /** Every contender asks so many questions, one after the other. */
  closed(contenders: readonly Contender[], questions: number): Promise<void> {
    return this.#until(contenders.length * questions * EVENTS_PER_RUN, () => {
      if (questions === 0) return;
      for (const contender of contenders) {
        this.#left.set(contender, questions - 1);
        contender.ask();
      }
    });
  }

  /** Every contender asks so many questions and waits for no answer. */
  async asking(contenders: readonly Contender[], questions: number): Promise<void> {
    for (let question = 0; question < questions; question += 1) {
      for (const contender of contenders) contender.ask();
      await nextTurn();
    }
    this.events = contenders.length * questions;
  }

  flood(contenders: readonly Contender[], passes: number, frames: number): Promise<void> {
    return this.#until(contenders.length * passes * frames, () => {
      for (const contender of contenders) contender.go(passes);
    });
  }

  #until(events: number, start: () => void): Promise<void> {
    this.events = 0;
    this.#expected = events;
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    start();
    return events === 0 ? Promise.resolve() : done;
  }
}

async function work(job: ClientJob): Promise<ClientResult> {
  const load = new Load();
  const team = teamOf(job, load);
  if (job.shape === 'idle') return idle(team);
  await openAll(team.contenders);
  const frames = framesPerPass(readCast(job.castPath).people[0]?.questions.length ?? 0);
  const run = (amount: number): Promise<void> => {
    if (job.shape === 'closed') return load.closed(team.contenders, amount);
    if (job.shape === 'ask') return load.asking(team.contenders, amount);
    return load.flood(team.contenders, amount, frames);
  };
  await run(job.warmUp);
  await team.settle();
  const cpu = process.cpuUsage();
  const from = performance.now();
  await run(job.measured);
  await team.settle();
  const { user, system } = process.cpuUsage(cpu);
  return {
    events: load.events,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - from) / 1000,
    bytesPerConnection: null,
    heapBytesPerConnection: null,
  };
}

function teamOf(job: ClientJob, listener: LoadListener): Team {
  const cast = { people: readCast(job.castPath).people.slice(0, job.connections) };
  const url = `${job.url}/${job.shape}`;
  switch (job.variant) {
    case 'bare':
    case 'parse':
      return plainTeam(cast, { url, listener, parses: job.variant === 'parse' });
    case 'pipeline':
    case 'pipeline+judge': {
      const { journalPath } = job;
      const judges = job.variant === 'pipeline+judge';
      return pipelineTeam(cast, { url, listener, journalPath, judges });
    }
  }
}

async function openAll(contenders: readonly Contender[]): Promise<void> {
  const limit = pLimit(CONNECTS_MAX);
  await Promise.all(contenders.map((contender) => limit(() => contender.open())));
}

/** Opens all connections and compares memory with what it was when the first few were open. */
async function idle(team: Team): Promise<ClientResult> {
  const { contenders } = team;
  const settlers = Math.min(SETTLERS, contenders.length >> 1);
  await openAll(contenders.slice(0, settlers));
  const before = await memoryAtRest();
  const cpu = process.cpuUsage();
  const from = performance.now();
  await openAll(contenders.slice(settlers));
  const after = await memoryAtRest();
  await team.settle();
  const { user, system } = process.cpuUsage(cpu);
  const opened = contenders.length - settlers;
  return {
    events: 0,
    cpuSeconds: (user + system) / 1e6,
    wallSeconds: (performance.now() - from) / 1000,
    bytesPerConnection: (after.rss - before.rss) / opened,
    heapBytesPerConnection: (after.heapUsed - before.heapUsed) / opened,
  };
}

async function memoryAtRest(): Promise<NodeJS.MemoryUsage> {
  await pause(QUIET_MS);
  if (globalThis.gc === undefined) throw new Error('start this with --expose-gc');
  for (let pass = 0; pass < 3; pass += 1) {
    globalThis.gc();
    await pause(50);
  }
  return process.memoryUsage();
}

serveJob((job) => work(clientJobSchema.parse(job)));
