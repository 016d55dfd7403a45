/** Faults that the chat page commits, or that only somebody at a browser can see. */
import { AGENT_NAME, step } from '../agent.ts';
import type { Hooks } from '../hooks.ts';
import type { Connection, Step, Thread } from '../model.ts';
import type { World } from '../world.ts';
import type { Fault, FaultTable } from './fault.ts';
import {
  answerOf,
  breakOf,
  dataOf,
  explained,
  extended,
  hits,
  isVictim,
  withNeighbour,
} from './fault.ts';

/** Close code for a connection whose place another took; the page knows it. */
const REPLACED = 4_001;
const CACHEABLE = 'private, max-age=600';

/** The faults of this file by name. */
export const PAGE_FAULTS: FaultTable = {
  'render-only': hinting(
    { onPage: () => ['decode-hints'] },
    'the page decodes and draws their answer',
  ),

  flash: hinting(
    { onPage: () => ['decode-hints', 'flash-hints'] },
    'the page shows their answer for 50 ms',
  ),

  'storage-residue': (_world, name) => ({
    onPage: () => ['keep-transcript', 'report-drawn'],
    onDrawn: residue(name, 'restored from the transcript of who used this browser before'),
  }),

  'cache-residue': (_world, name) => ({
    onPage: () => ['report-drawn'],
    onDrawn: residue(name, 'a cached list of who used this browser before'),
    onReply: ({ method, path, session }) =>
      session !== null && method === 'GET' && path === '/api/threads'
        ? { headers: { 'cache-control': CACHEABLE }, deviations: [] }
        : null,
  }),

  'not-shown': (_world, name) => ({
    onPage: ({ signedIn }) => (isVictim(signedIn) ? ['hide-answers'] : []),
    onEvent: (event, run) => {
      if (event.type !== 'agent_completed' || !hits(run)) return [event];
      return [extended(event, {}, breakOf(name, 'the page does not draw this answer'))];
    },
  }),

  'shows-success-on-error': (_world, name) => ({
    onPage: ({ signedIn }) => (isVictim(signedIn) ? ['draw-errors-as-success'] : []),
    onPlan: (plan, run) => (hits(run) ? failing(plan, name) : plan),
  }),

  'tab-clone': (world, name) => ({
    onPage: () => ['clone-connection-key'],
    onOpen: (connection) => {
      for (const twin of twinsOf(world, connection)) {
        explainEviction(world, name, twin);
        twin.socket.close(REPLACED, 'Replaced by another connection');
      }
    },
  }),
};

/** A fault whose own events carry a stranger's answer in a form that only the page can read. */
function hinting(page: Hooks, how: string): Fault {
  return (world, name) => ({
    ...page,
    onEvent: (event, run) =>
      withNeighbour(world, { event, run, types: ['tool_completed'] }, (other) =>
        extended(event, { hint: shifted(answerOf(other)) }, dataOf(other, name, how)),
      ),
  });
}

// No scanner undoes this: to see what the page shows, one has to look at the page.
function shifted(text: string): string {
  return Array.from(text, (character) =>
    String.fromCodePoint((character.codePointAt(0) ?? 0) + 1),
  ).join('');
}

function residue(name: string, how: string): Hooks['onDrawn'] & {} {
  return (thread: Thread, session) =>
    thread.members.has(session.user.id) ? [] : [{ fault: name, owner: thread.owner.email, how }];
}

function failing(plan: readonly Step[], name: string): readonly Step[] {
  const closed = plan.findIndex(({ type }) => type === 'tool_completed');
  if (closed === -1) return plan;
  const error = step('agent_error', { agent_name: AGENT_NAME, error: 'The tool failed.' });
  const deviation = breakOf(name, 'the run failed, and the page shows success');
  return [...plan.slice(0, closed), explained(error, deviation)];
}

/** Other connections of the same person under the same name. */
function twinsOf(world: World, { key, session, id }: Connection): readonly Connection[] {
  if (key === null) return [];
  return [...world.connections.of(session.user.id)].filter(
    (other) => other.id !== id && other.key === key,
  );
}

function explainEviction(world: World, name: string, { session, id }: Connection): void {
  const how = 'another tab with the same connection key took its place';
  const observer = session.signedIn.email;
  const lost = [...world.runs.active()].filter((run) =>
    [...run.subscribers].some((subscriber) => subscriber.id === id),
  );
  for (const run of [null, ...lost]) {
    world.truth.write({
      fault: name,
      observer,
      owner: null,
      run: run?.id ?? null,
      event: null,
      how,
    });
  }
}
