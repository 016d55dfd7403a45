/** Faults that send an event, or a part of it, to people who have no part in its run. */
import { randomUUID } from 'node:crypto';
import { AGENT_NAME, planRun } from '../agent.ts';
import { isoTime } from '../clock.ts';
import type { AgentEvent, Connection, Run, User } from '../model.ts';
import type { World } from '../world.ts';
import type { FaultTable } from './fault.ts';
import { bystanders, dataOf, hits, isVictim, leaked } from './fault.ts';

const RARE_PROBABILITY = 1 / 200;
const LATE_MS = 1_500;
/** What may stand between the beginning of a name and the rest of it. */
const SEPARATOR = /^[-_.+]/;

/** The faults of this file by name. */
export const MISDELIVERY_FAULTS: FaultTable = {
  broadcast: (world, name) => ({
    onSent: (event, run) => {
      const copy = leaked(event, dataOf(run, name, 'the event was sent to every socket'));
      sendTo(world, bystanders(world, run), copy);
    },
  }),

  'broadcast-one-type': (world, name) => ({
    onSent: (event, run) => {
      if (event.type !== 'tool_completed') return;
      const copy = leaked(event, dataOf(run, name, 'this type of event was sent to every socket'));
      sendTo(world, bystanders(world, run), copy);
    },
  }),

  'filter-only': (world, name) => ({
    onPage: () => ['hide-foreign-events'],
    onSent: (event, run) => {
      const copy = leaked(event, dataOf(run, name, 'sent to every socket; only the page hides it'));
      sendTo(world, bystanders(world, run), copy);
    },
  }),

  'unscoped-new-type': (world, name) => ({
    onSent: (event, run) => {
      if (event.type !== 'tool_completed') return;
      const frame = {
        type: 'agent_insight',
        timestamp: event.timestamp,
        payload: { text: `Somebody asked: ${run.question}. ${String(event.payload['result'])}` },
      };
      for (const connection of world.runs.audience(run)) world.connections.send(connection, frame);
      const deviation = dataOf(run, name, 'a new event type was sent to every socket');
      for (const connection of bystanders(world, run)) {
        world.connections.send(connection, frame, [deviation]);
      }
    },
  }),

  'anonymous-foreign': (world, name) => ({
    onSent: (event, run) => {
      if (event.type !== 'agent_thinking') return;
      const deviation = dataOf(run, name, 'the event was sent without ids');
      sendTo(world, victims(world, run), {
        type: event.type,
        timestamp: event.timestamp,
        payload: event.payload,
        deviations: [deviation],
      });
    },
  }),

  'anonymous-empty': (world, name) => ({
    onSent: (event, run) => {
      if (event.type !== 'agent_thinking') return;
      const deviation = dataOf(run, name, 'the event was sent without ids and text');
      sendTo(world, victims(world, run), {
        type: event.type,
        timestamp: event.timestamp,
        payload: {},
        deviations: [deviation],
      });
    },
  }),

  outsider: (world, name) => {
    const userId = randomUUID();
    return {
      onSent: (event, run) => {
        if (event.type !== 'agent_thinking' || !hits(run)) return;
        for (const foreign of runOfOutsider(world, userId)) {
          const deviation = {
            fault: name,
            owner: 'outside',
            how: 'an event of a user outside the crowd',
          };
          sendTo(world, run.subscribers, leaked(foreign, deviation));
        }
      },
    };
  },

  'name-prefix': (world, name) => ({
    onSent: (event, run) => {
      const owner = localPart(run.asker.signedIn);
      const namesakes = bystanders(world, run).filter(({ session }) => {
        const short = localPart(session.signedIn);
        return owner.startsWith(short) && SEPARATOR.test(owner.slice(short.length));
      });
      const copy = leaked(event, dataOf(run, name, 'their name begins with the whole of this one'));
      sendTo(world, namesakes, copy);
    },
  }),

  presence: (world, name) => ({
    onQuestion: (run) => {
      const { name: user, email } = run.asker.signedIn;
      const frame = { type: 'presence', payload: { user, email, state: 'typing' } };
      const deviation = dataOf(run, name, 'a typing notice names them');
      for (const connection of bystanders(world, run)) {
        world.connections.send(connection, frame, [deviation]);
      }
      return false;
    },
  }),

  'late-leak': (world, name) => {
    let silences = 0;
    return {
      onIdle: () => {
        silences += 1;
        const silence = silences;
        world.clock.after(LATE_MS, () => {
          if (silence === silences && world.runs.active().size === 0) leakLate(world, name);
        });
      },
    };
  },

  'rare-leak': (world, name) => {
    const chance = world.chance(name);
    return {
      onSent: (event, run) => {
        if (chance() >= RARE_PROBABILITY) return;
        const candidates = bystanders(world, run);
        const unlucky = candidates[Math.floor(chance() * candidates.length)];
        if (unlucky === undefined) return;
        const copy = leaked(event, dataOf(run, name, 'the event went to one wrong user'));
        world.connections.sendEvent(unlucky, copy);
      },
    };
  },
};

function sendTo(world: World, connections: Iterable<Connection>, event: AgentEvent): void {
  for (const connection of connections) world.connections.sendEvent(connection, event);
}

function localPart({ email }: User): string {
  return email.slice(0, email.lastIndexOf('@'));
}

function victims(world: World, run: Run): readonly Connection[] {
  return bystanders(world, run).filter(({ session }) => isVictim(session.signedIn));
}

/** Shows every victim the tool result of the stranger whose run ended last. */
function leakLate(world: World, name: string): void {
  const ended = [...world.runs.ended()].toReversed();
  for (const connection of world.connections.all()) {
    const { signedIn, user } = connection.session;
    if (!isVictim(signedIn)) continue;
    const run = ended.find(
      ({ asker, thread }) => asker.signedIn !== signedIn && !thread.members.has(user.id),
    );
    const event = run?.log.find(({ type }) => type === 'tool_completed');
    if (run === undefined || event === undefined) continue;
    const deviation = dataOf(run, name, 'sent 1.5 s after the last run had ended');
    world.connections.sendEvent(connection, leaked(event, deviation));
  }
}

/** The five events of a run by somebody who never signed in here. */
function runOfOutsider(world: World, userId: string): readonly AgentEvent[] {
  const ids = {
    user_id: userId,
    thread_id: `thread_${randomUUID()}`,
    run_id: `run_${randomUUID()}`,
  };
  const plan = planRun({
    question: 'When does the night train leave?',
    note: `${AGENT_NAME} should keep my seat by the window.`,
    failWord: null,
  });
  return plan.map(({ type, payload }, index) => ({
    ...ids,
    type,
    payload,
    message_id: `msg_${randomUUID()}`,
    sequence: index + 1,
    timestamp: isoTime(world.clock.now()),
    deviations: [],
  }));
}
