/**
 * A line that a measurement must not cross. `limit` fails the benchmark, `aim` is what a good build
 * reaches. Ratios are between variants of one run on one machine, so they travel; seconds and
 * megabytes are for a two-core machine.
 */
export interface Limit {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  readonly aim?: number;
}

export const LIMITS = {
  /**
   * The whole pipeline may cost little beside reading the socket, which dominates when every event
   * comes alone.
   */
  closedLoop: { name: 'closed loop: pipeline / bare ws', unit: 'x', limit: 1.4, aim: 1.2 },
  /** Judging while recording must not make the harness the bottleneck. */
  liveJudging: { name: 'closed loop: pipeline + live judge / bare ws', unit: 'x', limit: 2 },
  /** Packed events take the socket out of the picture: parsing is what nobody gets around. */
  packedFlood: {
    name: 'packed flood: pipeline / (ws + JSON.parse)',
    unit: 'x',
    limit: 2.5,
    aim: 1.6,
  },
  /** Cost per observation must not depend on the size of the crowd. */
  judgeScaling: {
    name: 'judge, in memory: 10,000 users / 100 users',
    unit: 'x',
    limit: 2,
    aim: 1.3,
  },
  judgeScalingDisk: {
    name: 'judge, from disk: 10,000 users / 100 users',
    unit: 'x',
    limit: 2,
    aim: 1.3,
  },
  millionSeconds: {
    name: 'judge: one million observations from disk',
    unit: 's',
    limit: 10,
    aim: 5,
  },
  millionMegabytes: { name: 'judge: peak memory meanwhile', unit: 'MB', limit: 300 },
  /** What a page receives and the history lacks is evidence that is gone. */
  pageFramesLost: { name: 'page: frames lost', unit: 'frames', limit: 0 },
  /** Watching pages must not change what is watched: the clicks and the browser are most of the work. */
  browserTrial: { name: 'browser: trial / bare script', unit: 'x', limit: 1.3, aim: 1.1 },
  /** A search must not take a target's word for how long it takes: its cost is linear in what came (a quadratic one gives 4). */
  scanGrowth: { name: 'search: cost of twice the text', unit: 'x', limit: 3.5, aim: 2.2 },
  /** A megabyte that is made to be slow must not hold up the sockets for the length of a quiet window. */
  scanSlowest: { name: 'search: slowest megabyte', unit: 'ms', limit: 1_500, aim: 500 },
  falseAlarms: { name: 'search: sightings where there is nothing', unit: '', limit: 0 },
  /** Idle connections decide how many users fit into one process. */
  idleKilobytes: { name: 'memory per idle connection', unit: 'KB', limit: 12 },
} as const satisfies Readonly<Record<string, Limit>>;
