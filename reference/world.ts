import { createChance } from './chance.ts';
import type { ChanceFor } from './chance.ts';
import { createClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { Connections } from './connections.ts';
import { HookChain } from './hooks.ts';
import type { TargetOptions } from './options.ts';
import { Runs } from './runs.ts';
import { Sessions } from './sessions.ts';
import { Threads } from './threads.ts';
import { Tickets } from './tickets.ts';
import { Tokens } from './tokens.ts';
import { openTruth } from './truth.ts';
import type { Truth } from './truth.ts';
import { Users } from './users.ts';

/** Everything one running target consists of. Faults and variants are built from it. */
export interface World {
  readonly options: TargetOptions;
  readonly clock: Clock;
  readonly chance: ChanceFor;
  readonly truth: Truth;
  readonly hooks: HookChain;
  readonly users: Users;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly tickets: Tickets;
  readonly threads: Threads;
  readonly connections: Connections;
  readonly runs: Runs;
}

/** Builds the parts of a clean target; nothing listens yet and no hook is in place. */
export async function createWorld(options: TargetOptions): Promise<World> {
  const clock = createClock();
  const chance = createChance(options.seed);
  const truth = openTruth(options.truth, clock);
  const hooks = new HookChain();
  const users = new Users(hooks);
  const threads = new Threads(hooks, clock);
  const connections = new Connections({ hooks, truth, clock });
  const tokens = await Tokens.create(clock);
  const lifeSeconds = options.tokenTtlSeconds;
  return {
    options,
    clock,
    chance,
    truth,
    hooks,
    users,
    threads,
    connections,
    tokens,
    tickets: new Tickets(clock),
    sessions: new Sessions({ users, tokens, hooks, connections, truth, lifeSeconds }),
    runs: new Runs({
      hooks,
      clock,
      connections,
      threads,
      truth,
      agent: { pace: options.pace, failWord: options.failWord, jitter: chance('jitter') },
    }),
  };
}
