/** Faults in the order and completeness of a run's own events. They hit the usual victims. */
import { AGENT_NAME, newToolCallId, step, thinkingStep } from '../agent.ts';
import type { AgentEvent, Run, Step } from '../model.ts';
import type { Fault, FaultTable } from './fault.ts';
import { breakOf, explained, hits } from './fault.ts';

const AFTER_COMPLETION_MS = 1_000;

/** The faults of this file by name. */
export const ORDER_FAULTS: FaultTable = {
  'drop-agent_started': drop('agent_started'),
  'drop-agent_thinking': drop('agent_thinking'),
  'drop-tool_executing': drop('tool_executing'),
  'drop-tool_completed': drop('tool_completed'),
  'drop-agent_completed': drop('agent_completed'),

  stall: replan((plan, name) => {
    const thought = plan.findIndex(({ type }) => type === 'agent_thinking');
    const withheld = breakOf(name, 'silence after agent_thinking');
    return plan.map((due, index) => (index > thought ? { ...due, withheld } : due));
  }),

  reorder: replan((plan, name) => {
    const opened = plan.findIndex(({ type }) => type === 'tool_executing');
    const closed = plan.findIndex(({ type }) => type === 'tool_completed');
    const [executing, completed] = [plan[opened], plan[closed]];
    if (executing === undefined || completed === undefined) return plan;
    const deviation = breakOf(name, 'the tool completed before it started');
    return plan
      .with(opened, explained(completed, deviation))
      .with(closed, explained(executing, deviation));
  }),

  'thinking-last': replan((plan, name) => {
    const deviation = breakOf(name, 'the thought came after the end');
    const thoughts = plan.filter(({ type }) => type === 'agent_thinking');
    return [
      ...plan.filter((due) => !thoughts.includes(due)),
      ...thoughts.map((thought) => explained(thought, deviation)),
    ];
  }),

  'double-start': replan((plan, name) =>
    plan.flatMap((due, index) =>
      index === 0 ? [due, explained(due, breakOf(name, 'the agent started twice'))] : [due],
    ),
  ),

  'after-completion': replan((plan, name) => [
    ...plan,
    explained(
      { ...thinkingStep(AGENT_NAME, 'One more thing.'), exactMs: AFTER_COMPLETION_MS },
      breakOf(name, 'a thought 1 s after the end'),
    ),
  ]),

  'double-completion': replan((plan, name) => {
    const deviation = breakOf(name, 'the run ended twice');
    const error = step('agent_error', { agent_name: AGENT_NAME, error: 'The agent gave up.' });
    return beforeClosing(plan, (closing) => [
      explained(error, deviation),
      explained(closing, deviation),
    ]);
  }),

  'orphan-tool': replan((plan, name) => {
    const orphan = step('tool_completed', {
      tool_name: 'calculator',
      tool_call_id: newToolCallId(),
      result: 'The sum is 42.',
    });
    const deviation = breakOf(name, 'the result of a tool that never started');
    return beforeClosing(plan, (closing) => [explained(orphan, deviation), closing]);
  }),

  'unclosed-tool': replan((plan, name) => {
    const open = step('tool_executing', {
      tool_name: 'calculator',
      tool_call_id: newToolCallId(),
      parameters: { sum: '40 + 2' },
    });
    const deviation = breakOf(name, 'the tool was open when the run ended');
    return beforeClosing(plan, (closing) => [
      explained(open, deviation),
      explained(closing, deviation),
    ]);
  }),

  renamed: replan((plan, name) =>
    plan.map((due) => {
      const type = NEW_NAMES[due.type];
      if (type === undefined) return due;
      const deviation = breakOf(name, `${due.type} was sent as ${type}`);
      // Both names are true of it: the one that is missed and the one that was seen.
      const renamed = explained({ ...due, type }, deviation);
      return explained(renamed, { ...deviation, event: due.type });
    }),
  ),

  duplicate: (_world, name) => ({
    onEvent: (event, run) =>
      event.type === 'tool_completed' && hits(run)
        ? [event, broken(event, name, 'the same event came twice')]
        : [event],
  }),

  'sequence-regression': (_world, name) => ({
    onEvent: (event, run) =>
      event.type === 'tool_completed' && hits(run) && event.sequence !== undefined
        ? [{ ...broken(event, name, 'the number went back by 2'), sequence: event.sequence - 2 }]
        : [event],
  }),

  'wrong-run': (_world, name) => {
    const firstRuns = new Map<string, Run>();
    return {
      onQuestion: (run) => {
        if (run.ordinal === 1) firstRuns.set(run.asker.signedIn.email, run);
        return false;
      },
      onEvent: (event, run) => {
        const first = firstRuns.get(run.asker.signedIn.email);
        if (event.type !== 'agent_thinking' || !hits(run)) return [event];
        if (first === undefined || first === run) return [event];
        const wrong = broken(event, name, 'carries the id of the first run');
        const missed = { ...breakOf(name, 'came under the id of the first run'), run: run.id };
        return [{ ...wrong, run_id: first.id, deviations: [...wrong.deviations, missed] }];
      },
    };
  },

  'other-envelope': (_world, name) => ({
    onEvent: (event, run) =>
      hits(run) ? [broken(event, name, 'event and data instead of type and payload')] : [event],
    onFrame: (frame, event) => {
      if (!event.deviations.some(({ fault }) => fault === name)) return frame;
      const { type, payload, ...ids } = frame;
      return { event: type, data: payload, ...ids };
    },
  }),
};

const NEW_NAMES: Readonly<Record<string, string>> = {
  tool_executing: 'tool_started',
  tool_completed: 'tool_result',
};

function drop(type: string): Fault {
  return replan((plan, name) =>
    plan.map((due) =>
      due.type === type ? { ...due, withheld: breakOf(name, 'the event never came') } : due,
    ),
  );
}

/** A fault that changes what the agent does for the usual victims. */
function replan(change: (plan: readonly Step[], name: string) => readonly Step[]): Fault {
  return (_world, name) => ({
    onPlan: (plan, run) => (hits(run) ? change(plan, name) : plan),
  });
}

function beforeClosing(
  plan: readonly Step[],
  insert: (closing: Step) => readonly Step[],
): readonly Step[] {
  return plan.flatMap((due) => (due.closing === true ? insert(due) : [due]));
}

function broken(event: AgentEvent, fault: string, how: string): AgentEvent {
  return { ...event, deviations: [...event.deviations, breakOf(fault, how)] };
}
