import { z } from 'zod';

/** What travels between the benchmark and its processes. */

/** How a client process treats what it receives. */
export const VARIANTS = ['bare', 'parse', 'pipeline', 'pipeline+judge'] as const;
export type Variant = (typeof VARIANTS)[number];

/**
 * - `closed`: every user asks, waits for the answer's last event, asks again.
 * - `ask`: every user asks again and again, and nobody answers.
 * - `flood`: the server sends all it has, 160 frames a write.
 * - `idle`: connections are opened and nothing is said.
 */
export const SHAPES = ['closed', 'ask', 'flood', 'idle'] as const;
export type Shape = (typeof SHAPES)[number];

export const clientJobSchema = z.strictObject({
  shape: z.enum(SHAPES),
  variant: z.enum(VARIANTS),
  /** Base URL of the load server, `ws://127.0.0.1:<port>`. */
  url: z.string(),
  /** File with the {@link Cast}. */
  castPath: z.string(),
  /** Journal of the variants that write one. */
  journalPath: z.string(),
  connections: z.number().int().positive(),
  /** `closed`, `ask`: questions per user; `flood`: passes over the user's frames. */
  warmUp: z.number().int().nonnegative(),
  measured: z.number().int().nonnegative(),
});
export type ClientJob = z.infer<typeof clientJobSchema>;

export const clientResultSchema = z.strictObject({
  /** Events received; of `ask`, questions asked. */
  events: z.number(),
  /** User and system time of the process over the measured part. */
  cpuSeconds: z.number(),
  wallSeconds: z.number(),
  /** `idle`: growth of the resident set per connection, after garbage collection. */
  bytesPerConnection: z.number().nullable(),
  /** `idle`: growth of the JavaScript heap per connection. */
  heapBytesPerConnection: z.number().nullable(),
});
export type ClientResult = z.infer<typeof clientResultSchema>;

export const serverJobSchema = z.strictObject({ castPath: z.string() });
export const serverReadySchema = z.strictObject({ url: z.string() });

/** Who listens to a page: Playwright's own event, or the product. */
export type PageVariant = 'bare' | 'recorder';

export const pageJobSchema = z.strictObject({
  variant: z.enum(['bare', 'recorder']),
  url: z.string(),
  /** Whether the page shows every frame it gets. */
  draws: z.boolean(),
  frames: z.number().int().positive(),
  perSecond: z.number().int().positive(),
  /** Frames before those that are measured. */
  warmUp: z.number().int().positive(),
  /** File with the cast of one. */
  castPath: z.string(),
  journalPath: z.string(),
  executable: z.string(),
});
export type PageJob = z.infer<typeof pageJobSchema>;

export const pageResultSchema = z.strictObject({
  /** Frames the listener was told of, the page got, and the history holds. */
  counted: z.number(),
  shown: z.number(),
  written: z.number().nullable(),
  cpuSeconds: z.number(),
  /** Of all processes of the browser. */
  browserCpuSeconds: z.number(),
});
export type PageResult = z.infer<typeof pageResultSchema>;

/** Who drives a crowd in browsers: a bare Playwright script, or the product. */
export type CrowdVariant = CrowdJob['variant'];

export const crowdJobSchema = z.strictObject({
  variant: z.enum(['bare', 'trial']),
  /** Base URL of the target. */
  url: z.string(),
  users: z.number().int().positive(),
  /** Directory of the trial. */
  dir: z.string(),
});
export type CrowdJob = z.infer<typeof crowdJobSchema>;

export const crowdResultSchema = z.strictObject({
  /** Of the Node process. */
  cpuSeconds: z.number(),
  wallSeconds: z.number(),
  /** Lines of the history; 0 where none is written. */
  observations: z.number(),
});
export type CrowdResult = z.infer<typeof crowdResultSchema>;

export const judgeJobSchema = z.strictObject({
  path: z.string(),
  source: z.enum(['memory', 'disk']),
  /** The history is judged again until a sample has seen at least so many observations. */
  observationsPerSample: z.number().int().positive(),
  /** Further judgings to take the best of; 0: the first alone counts. */
  samples: z.number().int().nonnegative(),
});
export type JudgeJob = z.infer<typeof judgeJobSchema>;

export const judgeResultSchema = z.strictObject({
  observations: z.number(),
  /** Best sample: CPU nanoseconds per observation, all in, and of these in `conclude`. */
  nanoseconds: z.number(),
  concludeNanoseconds: z.number(),
  /** Largest resident set of the process after the first judging. */
  peakMegabytes: z.number(),
});
export type JudgeResult = z.infer<typeof judgeResultSchema>;

/** What a command used from the start of its process to its end. */
export const commandUsageSchema = z.strictObject({
  wallSeconds: z.number(),
  cpuSeconds: z.number(),
  /** Largest resident set. */
  peakMegabytes: z.number(),
});
export type CommandUsage = z.infer<typeof commandUsageSchema>;

export const scanJobSchema = z.strictObject({
  /** Size of the smaller of each two texts. */
  bytes: z.number().int().positive(),
  samples: z.number().int().positive(),
  /** Random texts to search in which there is no marker. */
  markerlessTexts: z.number().int().positive(),
});
export type ScanJob = z.infer<typeof scanJobSchema>;

export const scanResultSchema = z.strictObject({
  texts: z.array(
    z.strictObject({
      name: z.string(),
      megabytesPerSecond: z.number(),
      /** Cost of a text of twice the size, over that of the text. */
      ratio: z.number(),
    }),
  ),
  searched: z.number(),
  falseAlarms: z.number(),
});
export type ScanResult = z.infer<typeof scanResultSchema>;
