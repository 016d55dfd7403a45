import { oneOf, type Pick } from '../../../bench/random-texts.ts';
import type { Observation } from '../../../history/observation.ts';
import type { Told } from '../history-language.ts';
import { numbered } from './mutations/mutation.ts';

/** A change that means nothing in particular: what a judge must say of it, only another judge can tell. */
type Change = (
  lines: readonly Observation[],
  at: number,
  other: Observation,
) => readonly Observation[];

const without = (lines: readonly Observation[], at: number): Observation[] =>
  lines.toSpliced(at, 1);

/** Fields and the members of the frame that they were decoded from change together. */
function changed(
  lines: readonly Observation[],
  at: number,
  fields: Partial<Observation>,
): readonly Observation[] {
  const line = lines[at];
  if (line === undefined) return lines;
  const frame: unknown = JSON.parse(line.content ?? '{}');
  const root = {
    ...('run' in fields ? { run_id: fields.run } : {}),
    ...('thread' in fields ? { thread_id: fields.thread } : {}),
    ...('owner' in fields ? { user_id: fields.owner } : {}),
    ...('event' in fields ? { type: fields.event } : {}),
  };
  const content = JSON.stringify(Object.assign({}, frame, root));
  return lines.with(at, { ...line, ...fields, content });
}

const isShared = (lines: readonly Observation[], thread: string | undefined): boolean =>
  lines.some(({ audience, ids }) => audience !== undefined && ids?.thread === thread);

const CHANGES: readonly Change[] = [
  (lines, at) => without(lines, at),
  (lines, at, other) => lines.toSpliced(at, 0, { ...other, t: lines[at]?.t ?? 0 }),
  (lines, at) => {
    const line = lines[at];
    const to = Math.min(at + 7, lines.length - 1);
    return line === undefined
      ? lines
      : without(lines, at).toSpliced(to, 0, { ...line, t: lines[to]?.t ?? 0 });
  },
  (lines, at, { user, conn }) => changed(lines, at, { user, conn }),
  // A run of a shared thread in the envelope of another thread: nobody can tell whether its members may see it.
  (lines, at, { run, thread }) =>
    isShared(lines, thread) && lines[at]?.thread !== thread ? lines : changed(lines, at, { run }),
  (lines, at, { run, thread, owner }) => changed(lines, at, { run, thread, owner }),
  (lines, at) => changed(lines, at, { run: undefined }),
  (lines, at) => changed(lines, at, { run: undefined, thread: undefined, owner: undefined }),
  (lines, at, { owner }) => changed(lines, at, { owner }),
  (lines, at) => changed(lines, at, { owner: 'nobody-known-55' }),
  (lines, at, { event }) => changed(lines, at, { event }),
  (lines, at) => changed(lines, at, { event: 'agent_error' }),
  (lines, at) => changed(lines, at, { event: 'agent_completed' }),
  (lines, at, { tool }) => changed(lines, at, { tool }),
  (lines, at, { agent }) => changed(lines, at, { agent }),
  (lines, at, { sequence }) => changed(lines, at, { sequence }),
  (lines, at, { id }) => changed(lines, at, { id }),
  (lines, at, other) => {
    const line = lines[at];
    if (line?.content === undefined || other.content === undefined) return lines;
    const payload: unknown = Object(JSON.parse(other.content)).payload;
    const frame: unknown = JSON.parse(line.content);
    const content = JSON.stringify(Object.assign({}, frame, { payload }));
    return lines.with(at, { ...line, content });
  },
];

/**
 * Events that tell of no question asked after a line. The harness makes questions and run ids, so that nobody can
 * quote them before the record holds them: a history in which somebody does says nothing about a target.
 */
function tellableAt(
  lines: readonly Observation[],
  at: number,
  events: readonly Observation[],
): readonly Observation[] {
  const untold = lines
    .slice(at)
    .flatMap(({ act, run, marker }) => (act === 'ask' ? [run, marker] : []))
    .filter((text) => text !== undefined);
  return events.filter((event) => {
    const told = JSON.stringify(event);
    return untold.every((text) => !told.includes(text));
  });
}

/** A history in which some received events were changed, moved, lost or given to somebody else. */
export function disordered(told: Told, changes: number, pick: Pick): readonly Observation[] {
  let { lines } = told;
  for (let i = 0; i < changes; i += 1) {
    const events = lines.filter(({ dir, agent }) => dir === 'in' && agent !== undefined);
    if (events.length === 0) break;
    const at = lines.indexOf(oneOf(events, pick));
    const others = tellableAt(lines, at, events);
    if (others.length > 0) lines = oneOf(CHANGES, pick)(lines, at, oneOf(others, pick));
  }
  return numbered(lines);
}
