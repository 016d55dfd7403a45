import { oneOf } from '../../../../bench/random-texts.ts';
import type { Told } from '../../history-language.ts';
import {
  secondRuns,
  numbered,
  insert,
  replace,
  ownEvents,
  withPayload,
  withRoot,
  member,
  aboutAnEvent,
  runOf,
  questionOf,
  stranger,
  OUTERMOST,
  ROUTING,
  type Mutation,
} from './mutation.ts';

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

/** Something of somebody else where it may not be. */
export const ISOLATION: Readonly<Record<string, Mutation>> = {
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
