/** Faults by which what one user does changes what another user gets. */
import { AGENT_NAME, step } from '../agent.ts';
import type { AgentEvent, Run, Step } from '../model.ts';
import type { World } from '../world.ts';
import type { Fault, FaultTable } from './fault.ts';
import { answerOf, areStrangers, breakOf, dataOf, explained, extended } from './fault.ts';

/** The faults of this file by name. */
export const INTERFERENCE_FAULTS: FaultTable = {
  'cancel-kills-neighbour': killing(
    step('agent_stopped', { message: 'Stopped as you asked.' }),
    'stopped with this run of theirs',
  ),

  'error-kills-neighbour': killing(
    step('agent_error', { agent_name: AGENT_NAME, error: 'The tool note_reader failed.' }),
    'failed with this run of theirs',
  ),

  shift: (_world, name) => {
    // The run whose answer nobody took; from then on everybody gets the answer before theirs.
    let waiting: Run | null = null;
    return {
      onEvent: (event, run) => {
        const before = waiting;
        if (event.type === 'agent_completed' && before !== null) {
          waiting = run;
          return [extended(event, { response: answerOf(before) }, shiftOf(before, run, name))];
        }
        if (event.type === 'agent_stopped' && before === null) waiting = run;
        return [event];
      },
    };
  },
};

function shiftOf(before: Run, run: Run, name: string): AgentEvent['deviations'][number] {
  return before.asker.signedIn === run.asker.signedIn
    ? breakOf(name, 'the answer is that to an earlier question of their own')
    : dataOf(before, name, 'the answer is theirs, one behind');
}

/** A fault that ends the newest run of a stranger in the way in which somebody's run just ended. */
function killing(last: Step, how: string): Fault {
  return (world, name) => ({
    onSent: (event, run) => {
      // The end of the one that was killed must not kill the next.
      const caused = event.deviations.some(({ fault }) => fault === name);
      if (event.type !== last.type || caused) return;
      const victim = newestStranger(world, run);
      if (victim !== null) world.runs.cutShort(victim, explained(last, dataOf(run, name, how)));
    },
  });
}

function newestStranger(world: World, run: Run): Run | null {
  return [...world.runs.active()].findLast((other) => areStrangers(run, other)) ?? null;
}
