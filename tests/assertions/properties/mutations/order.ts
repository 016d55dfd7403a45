import { oneOf, type Pick } from '../../../../bench/random-texts.ts';
import type { Observation } from '../../../../history/observation.ts';
import type { Told } from '../../history-language.ts';
import {
  secondRuns,
  numbered,
  insert,
  replace,
  ownEvents,
  onFirstConnection,
  withRoot,
  runOf,
  stopped,
  FIVE,
  OUTERMOST,
  DELIVERY,
  ERRORS,
  type Mutated,
  type Mutation,
} from './mutation.ts';

/** Mutations of one run as its asker saw it. */
function aboutARun(
  mutate: (
    told: Told,
    at: { event: Observation; events: readonly Observation[] },
    pick: Pick,
  ) => Omit<Mutated, 'observer' | 'owner'> | undefined,
): Mutation {
  return (told, pick) => {
    const started = onFirstConnection(told, ownEvents(told, 'agent_started')).filter(
      ({ agent }) => agent === OUTERMOST,
    );
    const event = started.length === 0 ? undefined : oneOf(started, pick);
    if (event === undefined) return undefined;
    const events = ownEvents(told).filter(
      ({ run, conn }) => run === event.run && conn === event.conn,
    );
    const mutated = mutate(told, { event, events }, pick);
    return mutated === undefined
      ? undefined
      : { ...mutated, lines: numbered(mutated.lines), observer: event.user ?? '', owner: null };
  };
}

/** What comes with an event that is absent: its partner is alone, and the run is not whole. */
const ABSENCE: Readonly<Record<string, readonly string[]>> = {
  tool_executing: ['order/orphan-event'],
  tool_completed: ['order/unclosed-tool'],
  agent_completed: [ERRORS],
};

const without = (told: Told, run: string | undefined, event: string): Observation[] =>
  told.lines.filter((line) => !(line.dir === 'in' && line.event === event && line.run === run));

const dropped = (event: string): Mutation =>
  aboutARun((told, at) => {
    // Without any start nobody could tell which of several agents is the outermost.
    const several = ownEvents(told).some(
      ({ run, agent }) => run === at.event.run && agent !== OUTERMOST,
    );
    if (several && event === 'agent_started') return undefined;
    return {
      lines: without(told, at.event.run, event),
      rule: 'order/missing-event',
      also: [DELIVERY, ...(ABSENCE[event] ?? [])],
    };
  });

const renamed = (from: string, to: string): Mutation =>
  aboutARun((told, at) => ({
    lines: told.lines.map((line) =>
      line.dir === 'in' && line.event === from && line.run === at.event.run
        ? { ...withRoot(line, { type: to }), event: to }
        : line,
    ),
    rule: 'order/drift',
    // Its partner is not alone: both speak of one call.
    also: [DELIVERY],
  }));

/** One more event of a run, after one of its own. */
function added(after: Observation, more: Partial<Observation>, serial: string): Observation {
  const { tool: _tool, ...rest } = after;
  const { sequence = 0 } = after;
  return { ...rest, id: `${after.run}-${serial}`, sequence: sequence + 0.5, ...more };
}

const OUT_OF_SEQUENCE = 'order/sequence-regression';

/** Events of a run that are missing, too many, renamed, or out of order. */
export const ORDER: Readonly<Record<string, Mutation>> = {
  ...Object.fromEntries(FIVE.map((event) => [`${event} dropped`, dropped(event)])),
  'tool_executing renamed': renamed('tool_executing', 'tool_started'),
  'tool_completed renamed': renamed('tool_completed', 'tool_result'),
  'silence after the start': aboutARun((told, { event }) => ({
    lines: told.lines.filter(
      (line) =>
        line.run !== event.run ||
        line.dir !== 'in' ||
        line.agent === undefined ||
        line.id === event.id,
    ),
    rule: 'order/stalled-run',
    also: ['order/missing-event', DELIVERY, ERRORS],
  })),
  'event doubled': aboutARun((told, { events }, pick) => {
    const event = oneOf(events, pick);
    return {
      lines: insert(told.lines, told.lines.indexOf(event) + 1, { ...event }),
      rule: 'order/duplicate-event',
      also: [],
    };
  }),
  'tool event doubled under another id': aboutARun((told, { events }, pick) => {
    const ofTool = events.filter(({ tool }) => tool !== undefined);
    if (ofTool.length === 0) return undefined;
    const event = oneOf(ofTool, pick);
    return {
      lines: insert(
        told.lines,
        told.lines.indexOf(event) + 1,
        added(event, { tool: event.tool }, 'again'),
      ),
      rule: 'order/duplicate-event',
      also: [],
    };
  }),
  'tool call turned round': aboutARun((told, { events }) => {
    const closing = events.find(({ event }) => event === 'tool_completed');
    const opening = events.find(
      ({ event, tool }) => event === 'tool_executing' && tool === closing?.tool,
    );
    if (closing === undefined || opening === undefined) return undefined;
    const rest = told.lines.filter((line) => line !== closing);
    return {
      lines: insert(rest, rest.indexOf(opening), { ...closing, t: opening.t }),
      rule: 'order/out-of-order',
      also: [OUT_OF_SEQUENCE],
    };
  }),
  'start after the first event': aboutARun((told, { event, events }) => {
    // Before another agent's event nobody could tell which of them is the outermost.
    const [first, next] = events;
    if (event !== first || next?.agent !== OUTERMOST) return undefined;
    const rest = told.lines.filter((line) => line !== event);
    return {
      lines: insert(rest, rest.indexOf(next) + 1, { ...event, t: next.t }),
      rule: 'order/out-of-order',
      also: [OUT_OF_SEQUENCE],
    };
  }),
  'agent started twice': aboutARun((told, { event }) => ({
    lines: insert(told.lines, told.lines.indexOf(event) + 1, added(event, {}, 'again')),
    rule: 'order/duplicate-event',
    also: [],
  })),
  'thought after the end': aboutARun((told, { events }) => {
    const end = events.find(
      ({ event, agent }) => event === 'agent_completed' && agent === OUTERMOST,
    );
    if (end === undefined) return undefined;
    const late = added(
      end,
      { event: 'agent_thinking', content: '{"type":"agent_thinking"}' },
      'late',
    );
    return {
      lines: insert(told.lines, told.lines.indexOf(end) + 1, late),
      rule: 'order/after-completion',
      also: [],
    };
  }),
  'second completion': aboutARun((told, { events }) => {
    const end = events.find(
      ({ event, agent }) => event === 'agent_completed' && agent === OUTERMOST,
    );
    if (end === undefined) return undefined;
    return {
      lines: insert(told.lines, told.lines.indexOf(end) + 1, added(end, {}, 'again')),
      rule: 'order/double-completion',
      also: [],
    };
  }),
  'error before the completion': aboutARun((told, { events }) => {
    const at = events.findIndex(
      ({ event, agent }) => event === 'agent_completed' && agent === OUTERMOST,
    );
    const before = events[at - 1];
    if (at < 1 || before === undefined) return undefined;
    const content = '{"type":"agent_error"}';
    const failed = added(before, { event: 'agent_error', agent: OUTERMOST, content }, 'failed');
    return {
      lines: insert(told.lines, told.lines.indexOf(before) + 1, failed),
      rule: 'order/double-completion',
      // Another tab may see its events after this one saw the error.
      also: ['delivery/error-event', ERRORS],
    };
  }),
  'completion of a tool never used': aboutARun((told, { event }) => ({
    lines: insert(
      told.lines,
      told.lines.indexOf(event) + 1,
      added(event, { event: 'tool_completed', tool: 'call-never', content: '{}' }, 'orphan'),
    ),
    rule: 'order/orphan-event',
    also: [],
  })),
  'tool never completed': aboutARun((told, { event }) => ({
    lines: insert(
      told.lines,
      told.lines.indexOf(event) + 1,
      added(event, { event: 'tool_executing', tool: 'call-open', content: '{}' }, 'open'),
    ),
    rule: 'order/unclosed-tool',
    also: [],
  })),
  'sequence back to one': aboutARun((told, { events }, pick) => {
    if (events.length < 2) return undefined;
    const event = oneOf(events.slice(1), pick);
    return {
      lines: replace(told.lines, event, { ...event, sequence: 0 }),
      rule: OUT_OF_SEQUENCE,
      also: [],
    };
  }),
  'thought under the first run': (told, pick) => {
    const late = onFirstConnection(told, secondRuns(told, 'agent_thinking'));
    const event = late.length === 0 ? undefined : oneOf(late, pick);
    const first = runOf(event?.user ?? '', told);
    const asked = told.lines.find(({ act, run }) => act === 'ask' && run === event?.run);
    if (event === undefined || asked?.marker === undefined || stopped(told).has(first))
      return undefined;
    return {
      lines: numbered(
        replace(told.lines, event, { ...withRoot(event, { run_id: first }), run: first }),
      ),
      rule: 'order/wrong-run',
      observer: event.user ?? '',
      owner: null,
      also: [
        'order/after-completion',
        OUT_OF_SEQUENCE,
        'order/missing-event',
        'order/out-of-order',
        DELIVERY,
      ],
    };
  },
  'question asked in another thread than its events': (told, pick) => {
    const late = onFirstConnection(told, secondRuns(told, 'agent_thinking'));
    const event = late.length === 0 ? undefined : oneOf(late, pick);
    const asked = told.lines.find(({ act, run }) => act === 'ask' && run === event?.run);
    const isShared = told.lines.some(
      ({ ids, audience }) => audience !== undefined && ids?.thread === event?.thread,
    );
    if (event === undefined || asked === undefined || isShared) return undefined;
    const { n, line, t, user } = asked;
    const thread = 'thread-of-the-second-99ff';
    const news = { n, line, t, user, conn: null, surface: 'harness', dir: 'act' } as const;
    const moved = replace(told.lines, asked, { ...asked, thread });
    return {
      lines: numbered(
        insert(moved, told.lines.indexOf(asked), {
          ...news,
          kind: 'identity',
          source: 'thread',
          ids: { thread },
        }),
      ),
      rule: 'order/wrong-run',
      observer: user ?? '',
      owner: null,
      also: [],
    };
  },
  'frame cut in two': aboutARun((told, { event }) => {
    const { user, conn, t, surface, dir, kind } = event;
    const content = '{"type":"agent_';
    return {
      lines: insert(told.lines, told.lines.indexOf(event), {
        n: 0,
        line: 0,
        user,
        conn,
        t,
        surface,
        dir,
        kind,
        contentKind: 'text',
        content,
      }),
      rule: 'order/malformed-event',
      also: [],
    };
  }),
};
