import { oneOf, type Pick } from '../../../bench/random-texts.ts';
import type { Observation } from '../../../history/observation.ts';
import type { Told } from '../history-language.ts';

/** A break put into a legal history, and what a judge may say of it. */
export interface Mutated {
  readonly lines: readonly Observation[];
  /** The rule that must object, and whom it must name. */
  readonly rule: string;
  readonly observer: string;
  readonly owner: string | null;
  /** Rules that may object too, about the same observer, because it is true. */
  readonly also: readonly string[];
}

/** Undefined where the history has nothing of the kind that the mutation breaks. */
export type Mutation = (told: Told, pick: Pick) => Mutated | undefined;

const FIVE = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
];
const OUTERMOST = 'assistant';
const ROUTING = 'gate/routing';
const DELIVERY = 'gate/delivery-rate';
const ERRORS = 'gate/error-rate';

/** Lines as a journal numbers them. */
export function numbered(lines: readonly Observation[]): Observation[] {
  return lines.map((line, n) => ({ ...line, n, line: n + 2 }));
}

const insert = (lines: readonly Observation[], at: number, line: Observation): Observation[] => [
  ...lines.slice(0, at),
  line,
  ...lines.slice(at),
];

const replace = (
  lines: readonly Observation[],
  old: Observation,
  fresh: Observation,
): Observation[] => lines.map((line) => (line === old ? fresh : line));

/** Runs that their askers stopped are exempt from order: nothing is broken in them. */
function stopped({ lines }: Told): ReadonlySet<string | undefined> {
  return new Set(lines.filter(({ act }) => act === 'stop').map(({ run }) => run));
}

function askerOf({ lines }: Told, run: string | undefined): string | null {
  return lines.find((line) => line.act === 'ask' && line.run === run)?.user ?? null;
}

/** Events of runs that ended, received by their askers on the connection they asked on. */
function ownEvents(told: Told, event?: string): Observation[] {
  const exempt = stopped(told);
  return told.lines.filter(
    (line) =>
      line.dir === 'in' &&
      line.run !== undefined &&
      line.agent !== undefined &&
      (event === undefined || line.event === event) &&
      line.user === askerOf(told, line.run) &&
      !exempt.has(line.run),
  );
}

/** Those among them that a resumed connection did not show: there repetitions are legal. */
function onFirstConnection(told: Told, events: readonly Observation[]): Observation[] {
  const resumed = new Set(told.lines.filter(({ act }) => act === 'resume').map(({ conn }) => conn));
  return events.filter(({ conn }) => !resumed.has(conn));
}

/** Somebody to whom nothing of a user may be shown. */
function stranger({ people, sharing }: Told, user: string, pick: Pick) {
  const others = people.filter(
    ({ name }) => name !== user && !(sharing.has(name) && sharing.has(user)),
  );
  return others.length === 0 ? undefined : oneOf(others, pick);
}

const connOf = ({ lines }: Told, user: string): string | null =>
  lines.findLast((line) => line.user === user && line.kind === 'frame' && line.conn !== null)
    ?.conn ?? null;

/** A frame with more in its payload; `event` goes on being what it was. */
function withPayload(line: Observation, more: Record<string, unknown>): Observation {
  const frame: unknown = JSON.parse(line.content ?? '{}');
  const payload = member(frame, 'payload');
  return {
    ...line,
    content: JSON.stringify(Object.assign({}, frame, { payload: { ...payload, ...more } })),
  };
}

function withRoot(line: Observation, more: Record<string, unknown>): Observation {
  return {
    ...line,
    content: JSON.stringify(Object.assign(JSON.parse(line.content ?? '{}'), more)),
  };
}

function member(value: unknown, name: string): object {
  const inner: unknown = Object(value)[name];
  return typeof inner === 'object' && inner !== null ? inner : {};
}

/** Mutations of one event of a user, with another user whose data may not be there. */
function aboutAnEvent(
  mutate: (
    told: Told,
    at: { event: Observation; user: string; other: Told['people'][number] },
    pick: Pick,
  ) => Omit<Mutated, 'observer'> | undefined,
): Mutation {
  return (told, pick) => {
    const events = ownEvents(told).filter(({ event = '' }) => FIVE.includes(event));
    if (events.length === 0) return undefined;
    const event = oneOf(events, pick);
    const user = event.user ?? '';
    const other = stranger(told, user, pick);
    const mutated = other === undefined ? undefined : mutate(told, { event, user, other }, pick);
    return mutated === undefined
      ? undefined
      : { ...mutated, lines: numbered(mutated.lines), observer: user };
  };
}

/** Something of another user, put into an own event or into something that is none. */
function spliced(
  rule: string,
  value: (other: Told['people'][number], told: Told) => string | undefined,
  also: readonly string[] = [],
): Mutation {
  return aboutAnEvent((told, { event, other }, pick) => {
    const text = value(other, told);
    if (text === undefined) return undefined;
    const kind = oneOf(['event', 'notice', 'response', 'header'] as const, pick);
    const { user, conn, t } = event;
    const at = told.lines.indexOf(event) + 1;
    const fresh = { n: 0, line: 0, t, user, conn, dir: 'in', surface: 'socket' } as const;
    const notice = { type: 'notice', text: `about ${text}` };
    const lines = {
      event: () => replace(told.lines, event, withPayload(event, { note: { text } })),
      notice: () =>
        insert(told.lines, at, {
          ...fresh,
          kind: 'frame',
          event: 'notice',
          contentKind: 'frame',
          content: JSON.stringify(notice),
        }),
      response: () =>
        insert(told.lines, at, {
          ...fresh,
          conn: null,
          surface: 'http',
          kind: 'response',
          status: 200,
          contentKind: 'frame',
          content: JSON.stringify([notice]),
        }),
      header: () =>
        insert(told.lines, at, {
          ...fresh,
          conn: null,
          surface: 'http',
          kind: 'response',
          status: 200,
          headers: { 'x-last': text },
        }),
    }[kind]();
    return { lines, rule, owner: other.name, also };
  });
}

const runOf = (user: string, { lines }: Told): string | undefined =>
  lines.find((line) => line.user === user && line.act === 'ask')?.run;
const questionOf = (user: string, { lines }: Told): string | undefined =>
  lines.find((line) => line.user === user && line.act === 'ask')?.marker;

const ISOLATION: Readonly<Record<string, Mutation>> = {
  'event misdelivered': aboutAnEvent((told, { event, user }, pick) => {
    const theirs = ownEvents(told).filter(
      (line) =>
        line.user !== user && !(told.sharing.has(user) && told.sharing.has(line.user ?? '')),
    );
    if (theirs.length === 0) return undefined;
    const leaked = oneOf(theirs, pick);
    const moved = { ...leaked, user, conn: event.conn, t: event.t };
    return {
      lines: insert(told.lines, told.lines.indexOf(event) + 1, moved),
      rule: 'isolation/misdelivered-event',
      owner: leaked.user,
      also: ['isolation/foreign-marker', ROUTING],
    };
  }),
  'late leak': aboutAnEvent((told, { event, user, other }, pick) => {
    const theirs = ownEvents(told).filter((line) => line.user === other.name);
    if (theirs.length === 0) return undefined;
    const last = told.lines.at(-1)?.t ?? 0;
    const late = { ...oneOf(theirs, pick), user, conn: event.conn, t: last + 1_500 };
    return {
      lines: [...told.lines, late],
      rule: 'isolation/misdelivered-event',
      owner: other.name,
      also: ['isolation/foreign-marker', ROUTING],
    };
  }),
  'event of an outsider': aboutAnEvent((told, { event }) => {
    const ids = { owner: 'a-real-person-77', thread: 'thread-of-77', run: 'run-of-77' };
    const frame = { user_id: ids.owner, thread_id: ids.thread, run_id: ids.run };
    const { tool: _tool, ...rest } = event;
    return {
      lines: insert(told.lines, told.lines.indexOf(event), {
        ...rest,
        ...ids,
        id: 'message-of-77',
        content: JSON.stringify({ type: event.event, ...frame }),
      }),
      rule: 'isolation/misdelivered-event',
      owner: 'outside',
      also: [ROUTING],
    };
  }),
  'event of a run nobody asked for': aboutAnEvent((told, { event }) => {
    const { owner: _owner, thread: _thread, tool: _tool, ...rest } = event;
    return {
      lines: insert(told.lines, told.lines.indexOf(event), {
        ...rest,
        run: 'run-of-nobody-88',
        id: 'message-of-88',
        content: JSON.stringify({ type: event.event, run_id: 'run-of-nobody-88' }),
      }),
      rule: 'isolation/unsolicited-run',
      owner: null,
      also: [ROUTING],
    };
  }),
  'ids stripped': aboutAnEvent((told, { event }) => {
    const { owner: _o, thread: _t, run: _r, id: _i, sequence: _s, tool: _tool, ...rest } = event;
    return {
      lines: insert(told.lines, told.lines.indexOf(event) + 1, {
        ...rest,
        event: 'agent_thinking',
        content: JSON.stringify({ type: 'agent_thinking', payload: {} }),
      }),
      rule: 'isolation/unattributable-event',
      owner: null,
      // Taken as the receiver's own, it may come too early; that it is late accuses nobody.
      also: ['order/out-of-order', ROUTING],
    };
  }),
  'note marker spliced in': spliced('isolation/foreign-marker', ({ note }) => note),
  'title marker spliced in': spliced('isolation/foreign-marker', ({ title }) => title),
  'question marker spliced in': spliced('isolation/foreign-marker', (other, told) =>
    questionOf(other.name, told),
  ),
  'name marker spliced in': spliced('isolation/foreign-identity', ({ nameMarker }) => nameMarker, [
    'isolation/foreign-marker',
  ]),
  'marker in base64 spliced in': spliced('isolation/foreign-marker', ({ note }) =>
    Buffer.from(`of ${note}`).toString('base64'),
  ),
  'marker cut off spliced in': spliced('isolation/foreign-marker', ({ note }) => note.slice(0, 25)),
  'end of a marker spliced in': spliced(
    'isolation/foreign-marker',
    ({ note }) => `...${note.slice(-12)}`,
  ),
  'user id spliced in': spliced('isolation/foreign-identity', ({ id }) => id),
  'e-mail spliced in': spliced('isolation/foreign-identity', ({ email }) => email.toUpperCase()),
  'thread id spliced in': spliced('isolation/foreign-run', ({ thread }) => thread),
  'run id spliced in': spliced('isolation/foreign-run', (other, told) => runOf(other.name, told)),
  'credential spliced in': spliced('isolation/foreign-credential', (other, told) => {
    const line = told.lines.find(
      ({ user, credentials }) => user === other.name && credentials !== undefined,
    );
    return line?.credentials?.[0] === undefined ? undefined : `[redacted:${line.credentials[0]}]`;
  }),
  'another user id in the envelope': aboutAnEvent((told, { event, other }) => ({
    lines: replace(told.lines, event, {
      ...withRoot(event, { user_id: other.id }),
      owner: other.id,
    }),
    rule: 'isolation/foreign-identity',
    owner: other.name,
    also: [],
  })),
  'a stranger in the envelope': aboutAnEvent((told, { event }) => ({
    lines: replace(told.lines, event, {
      ...withRoot(event, { user_id: 'a-real-person-99' }),
      owner: 'a-real-person-99',
    }),
    rule: 'isolation/foreign-identity',
    owner: 'outside',
    also: [],
  })),
  'another identity shown': aboutAnEvent((told, { user, other }) => ({
    lines: [
      ...told.lines,
      {
        n: 0,
        line: 0,
        t: told.lines.at(-1)?.t ?? 0,
        user,
        conn: null,
        surface: 'harness',
        dir: 'act',
        kind: 'identity',
        source: 'handshake',
        shown: other.id,
      },
    ],
    rule: 'isolation/foreign-identity',
    owner: other.name,
    also: [],
  })),
  'one thread id for two': aboutAnEvent((told, { user, other }) => ({
    lines: [
      ...told.lines,
      {
        n: 0,
        line: 0,
        t: told.lines.at(-1)?.t ?? 0,
        user,
        conn: null,
        surface: 'harness',
        dir: 'act',
        kind: 'identity',
        source: 'thread',
        ids: { thread: other.thread },
      },
    ],
    rule: 'isolation/shared-identifier',
    owner: other.name,
    also: [],
  })),
  'answer of another': (told, pick) => {
    const answers = ownEvents(told, 'agent_completed').filter(({ agent }) => agent === OUTERMOST);
    const mine = answers.length === 0 ? undefined : oneOf(answers, pick);
    const other = mine === undefined ? undefined : stranger(told, mine.user ?? '', pick);
    const theirs = answers.find(({ user }) => user === other?.name);
    if (mine === undefined || other === undefined || theirs === undefined) return undefined;
    const { response } = Object(member(JSON.parse(theirs.content ?? ''), 'payload'));
    const wrong = withPayload(mine, { response });
    // Every tab and every replay shows the same wrong answer.
    const lines = told.lines.map((line) =>
      line.id === mine.id && line.user === mine.user ? { ...line, content: wrong.content } : line,
    );
    return {
      lines: numbered(lines),
      rule: 'isolation/wrong-answer',
      observer: mine.user ?? '',
      owner: other.name,
      also: ['isolation/foreign-marker'],
    };
  },
  'answer to an earlier question': (told, pick) => {
    const late = secondRuns(told, 'agent_completed').filter(({ agent }) => agent === OUTERMOST);
    if (late.length === 0) return undefined;
    const answer = oneOf(late, pick);
    const stale = questionOf(answer.user ?? '', told);
    const wrong = withPayload(answer, { response: `You asked about ${stale}.` });
    const lines = told.lines.map((line) =>
      line.id === answer.id && line.user === answer.user
        ? { ...line, content: wrong.content }
        : line,
    );
    if (stale === undefined) return undefined;
    return {
      lines: numbered(lines),
      rule: 'isolation/wrong-answer',
      observer: answer.user ?? '',
      owner: answer.user,
      also: ['order/wrong-run'],
    };
  },
};

/** Events of every run but the first of each user. */
function secondRuns(told: Told, event: string): Observation[] {
  return ownEvents(told, event).filter(({ user, run }) => run !== runOf(user ?? '', told));
}

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

const ORDER: Readonly<Record<string, Mutation>> = {
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

/** A line of the harness about one user, at the end. */
const reported = (
  rule: string,
  line: Partial<Observation>,
  also: readonly string[] = [],
): Mutation =>
  aboutAnEvent((told, { user }) => ({
    lines: [
      ...told.lines,
      {
        n: 0,
        line: 0,
        t: told.lines.at(-1)?.t ?? 0,
        user,
        conn: connOf(told, user),
        surface: 'harness',
        dir: 'act',
        kind: 'failure',
        ...line,
      },
    ],
    rule,
    owner: null,
    also,
  }));

const DELIVERED: Readonly<Record<string, Mutation>> = {
  'connection closed by the target': reported('delivery/unexpected-close', {
    surface: 'socket',
    kind: 'close',
    by: 'them',
    code: 1011,
  }),
  'sign-in refused': reported('delivery/connect-failed', { step: 'sign in', reason: 'refused' }),
  'step timed out': reported('delivery/timeout', { step: 'read the answer', reason: 'timeout' }),
  'step failed': reported('delivery/error-event', { step: 'list threads', reason: 'refused' }),
  'error reported': reported('delivery/error-event', {
    surface: 'socket',
    dir: 'in',
    kind: 'frame',
    event: 'error_message',
    contentKind: 'frame',
    content: '{"type":"error_message"}',
  }),
};

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...ISOLATION,
  ...ORDER,
  ...DELIVERED,
};
