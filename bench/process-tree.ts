import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time in these; it is 100 a second on every machine that the benchmark knows. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 100;
/** Positions of `utime` and `stime` after the name in `/proc/<pid>/stat`. */
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Compiles the modules of the process it belongs to. */
const COMPILER = 'esbuild';

/**
 * CPU time of everything that a process started and that its children started, ended ones included up to
 * their last sample; what compiles its modules is left out. To be used from outside: looking costs time,
 * too. Linux only.
 */
export class ProcessTree {
  readonly #root: number;
  readonly #ticks = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(root: number) {
    this.#root = root;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** Seconds of CPU of all descendants so far. */
  seconds(): number {
    this.#sample();
    let ticks = 0;
    for (const count of this.#ticks.values()) ticks += count;
    return ticks / TICKS_PER_SECOND;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const pid of descendantsOf(this.#root)) {
      const ticks = ticksOf(pid);
      if (ticks !== undefined) this.#ticks.set(pid, ticks);
    }
  }
}

function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap((child) => descendantsOf(child))];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    );
  } catch {
    return []; // It ended just now.
  }
}

function ticksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // A name may hold spaces and brackets; the last bracket ends it.
    const end = stat.lastIndexOf(')');
    if (stat.slice(stat.indexOf('(') + 1, end) === COMPILER) return undefined;
    const fields = stat.slice(end + 2).split(' ');
    return Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME]);
  } catch {
    return undefined; // It ended just now; its last sample counts.
  }
}
