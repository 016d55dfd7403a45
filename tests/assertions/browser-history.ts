// oxlint-disable max-params -- who, what and how read as a sentence at each of the calls
import type { Observation, Surface } from '../../history/observation.ts';
import { HistoryBuilder, type Line } from './history-builder.ts';

const HARNESS = { surface: 'harness', dir: 'act', conn: null } as const;
const PROVEN = ['dom', 'storage', 'cookie', 'console'] as const;

/** A crowd in browsers that walked the golden path, every watcher proven, every answer read. */
export function browserPath(users = 3): HistoryBuilder {
  const history = new HistoryBuilder(users, {}, 'browser').start();
  for (const { name } of history.people) openPage(history, name);
  history.round();
  for (const { name } of history.people) draw(history, name, answerOf(history, name));
  return history;
}

/** The same up to the last event of each run, which has not come yet. */
export function browserRuns(users = 3): HistoryBuilder {
  const history = new HistoryBuilder(users, {}, 'browser').start();
  for (const { name } of history.people) openPage(history, name);
  history.round(['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed']);
  return history;
}

/** What a page cannot do without, and the proof of every watcher. */
export function openPage(history: HistoryBuilder, name: string): void {
  reply(history, name, '{"threads":[]}');
  see(history, name, 'Ask something');
  for (const surface of PROVEN) {
    const nonce = `proof-${surface}-${name}`;
    act(history, name, 'prove', { place: surface, message: nonce });
    see(history, name, `a ${nonce} here`, { surface });
  }
}

/** Something a harness did on purpose. */
export function act(
  history: HistoryBuilder,
  name: string,
  verb: string,
  line: Line = {},
): Observation {
  return history.add(name, { ...HARNESS, kind: 'act', act: verb, ...line });
}

/** Text that a surface of a user's browser holds. */
export function see(
  history: HistoryBuilder,
  name: string,
  text: string,
  line: Line & { surface?: Surface } = {},
): Observation {
  return history.add(name, {
    surface: 'dom',
    kind: 'text',
    conn: null,
    contentKind: 'text',
    content: text,
    ...line,
  });
}

/** The reply to a request of a user's page. */
export function reply(
  history: HistoryBuilder,
  name: string,
  content: string,
  line: Line = {},
): Observation {
  return history.add(name, {
    surface: 'http',
    kind: 'response',
    conn: null,
    method: 'GET',
    url: 'http://127.0.0.1:1/api/threads',
    status: 200,
    contentKind: 'frame',
    content,
    ...line,
  });
}

/** What a page drew for the latest question of its user. */
export function draw(
  history: HistoryBuilder,
  name: string,
  text: string,
  event: 'answer' | 'error' = 'answer',
): Observation {
  const asked = history.asked.get(name)?.at(-1);
  return see(history, name, text, {
    event,
    run: asked?.run,
    question: asked?.question,
    place: '[role=article]:nth(1)',
  });
}

/** The answer that the builder's events carry to the latest question of a user. */
export function answerOf(history: HistoryBuilder, name: string): string {
  return `You asked ${history.asked.get(name)?.at(-1)?.marker}; your note says ${history.person(name).note}`;
}

/** The harness looked, and the page showed nothing. */
export function notShown(history: HistoryBuilder, name: string): Observation {
  const asked = history.asked.get(name)?.at(-1);
  return history.add(name, {
    ...HARNESS,
    kind: 'failure',
    step: 'read-answer',
    reason: 'not-shown',
    run: asked?.run,
    question: asked?.question,
    message: 'the page shows neither an answer nor an error',
  });
}
