import { randomUUID } from 'node:crypto';
import { planRun } from './agent.ts';
import type { Chance } from './chance.ts';
import type { Clock } from './clock.ts';
import { isoTime } from './clock.ts';
import type { Connections } from './connections.ts';
import type { HookChain } from './hooks.ts';
import type { AgentEvent, Connection, Payload, Run, Session, Step, Thread } from './model.ts';
import { Refusal } from './refusal.ts';
import type { Threads } from './threads.ts';
import type { Truth } from './truth.ts';

/** A question as it came in. */
export interface Question {
  readonly asker: Session;
  readonly connection: Connection;
  readonly thread: Thread;
  readonly content: string;
  /** Chosen by the asker, or null for a fresh one. */
  readonly runId: string | null;
}

/** How fast the agent works, and what makes it fail. */
interface AgentSettings {
  /** Factor on every pause: 1 is a run of about 2.5 s. */
  readonly pace: number;
  readonly failWord: string | null;
  /** Draws the jitter of ±15 % on every pause. */
  readonly jitter: Chance;
}

/** What the runs need from the rest of the target. */
export interface RunsParts {
  readonly hooks: HookChain;
  readonly clock: Clock;
  readonly connections: Connections;
  readonly threads: Threads;
  readonly truth: Truth;
  readonly agent: AgentSettings;
}

const ENDED_RUNS_KEPT_MAX = 5_000;

/** All runs: starts them, walks them through their plans and shows their events to their audience. */
export class Runs {
  private readonly parts: RunsParts;
  private readonly known = new Map<string, Run>();
  private readonly activeRuns = new Set<Run>();
  private readonly endedRuns = new Set<Run>();
  private readonly countByAsker = new Map<string, number>();

  constructor(parts: RunsParts) {
    this.parts = parts;
  }

  /** Accepts a question, acknowledges it and sets the agent to work; 409 if the run id is taken. */
  start(question: Question): Run {
    const run = this.open(question);
    const { hooks, threads } = this.parts;
    threads.append(run.thread, {
      role: 'user',
      content: run.question,
      runId: run.id,
      deviations: [],
    });
    run.acknowledgementOwed = hooks.acknowledgesLate(run);
    run.plan = hooks.plan(run.plan, run);
    if (!run.acknowledgementOwed) this.acknowledge(run);
    this.walk(run, 0);
    return run;
  }

  /** Ends a run early at its asker's wish; false if it is over already. */
  stop(run: Run): boolean {
    const payload = { message: 'Stopped as you asked.' };
    return this.cutShort(run, { type: 'agent_stopped', payload, pauseMs: 0 });
  }

  /** Ends a run before its time with this step; false if it is over already. */
  cutShort(run: Run, last: Step): boolean {
    if (!run.active) return false;
    this.show(this.stamp(run, last), run);
    this.end(run);
    return true;
  }

  /** Lets a connection follow a run: first what came after this sequence number, then live. */
  resume(run: Run, connection: Connection, after: number): void {
    const { connections, hooks } = this.parts;
    connections.send(connection, {
      ...this.acknowledgement(run),
      payload: { run_id: run.id, thread_id: run.thread.id, resumed: true },
    });
    const missed = run.log.filter(({ sequence = 0 }) => sequence > after);
    for (const event of hooks.replay(missed, run, connection)) {
      connections.sendEvent(connection, event);
    }
    if (run.active) run.subscribers.add(connection);
  }

  find(id: string): Run | undefined {
    return this.known.get(id);
  }

  /** The newest active run that was asked over this connection, if any. */
  newestOn(connection: Connection): Run | undefined {
    return [...this.activeRuns].filter((run) => run.subscribers.has(connection)).at(-1);
  }

  /** A closed connection follows nothing any more; the runs go on. */
  forget(connection: Connection): void {
    for (const run of this.activeRuns) run.subscribers.delete(connection);
  }

  /** Runs in progress, in the order of their questions. */
  active(): ReadonlySet<Run> {
    return this.activeRuns;
  }

  /** Finished runs, in the order of their ends; only the newest few thousand are kept. */
  ended(): ReadonlySet<Run> {
    return this.endedRuns;
  }

  /** Everybody who may see this run right now. */
  audience(run: Run): ReadonlySet<Connection> {
    if (run.thread.members.size <= 1) return run.subscribers;
    const audience = new Set(run.subscribers);
    for (const member of run.thread.members) {
      if (member === run.asker.user.id) continue;
      for (const connection of this.parts.connections.of(member)) audience.add(connection);
    }
    return audience;
  }

  private open(question: Question): Run {
    const id = question.runId ?? `run_${randomUUID()}`;
    if (this.known.has(id)) throw new Refusal(409, 'This run id is taken');
    const asker = question.asker;
    const ordinal = (this.countByAsker.get(asker.signedIn.email) ?? 0) + 1;
    this.countByAsker.set(asker.signedIn.email, ordinal);
    const { note } = asker.user;
    const run: Run = {
      id,
      thread: question.thread,
      asker,
      ordinal,
      question: question.content,
      startedAt: this.parts.clock.monotonic(),
      note,
      plan: planRun({
        question: question.content,
        note,
        failWord: this.parts.agent.failWord,
      }),
      log: [],
      subscribers: new Set([question.connection]),
      sequence: 0,
      active: true,
      acknowledgementOwed: false,
    };
    this.known.set(id, run);
    this.activeRuns.add(run);
    return run;
  }

  private walk(run: Run, index: number): void {
    const step = run.plan[index];
    if (step === undefined) {
      this.end(run);
      return;
    }
    this.parts.clock.after(this.pauseMs(step), () => {
      if (!run.active) return;
      this.take(step, run);
      this.walk(run, index + 1);
    });
  }

  private pauseMs(step: Step): number {
    if (step.exactMs !== undefined) return step.exactMs;
    const { pace, jitter } = this.parts.agent;
    return step.pauseMs * pace * (0.85 + 0.3 * jitter());
  }

  private take(due: Step, run: Run): void {
    const { hooks, threads } = this.parts;
    for (const step of hooks.steps(due, run)) {
      if (step.closing === true) {
        threads.append(run.thread, {
          role: 'assistant',
          content: String(step.payload['response']),
          runId: run.id,
          deviations: (step.deviations ?? []).filter(({ owner }) => owner !== null),
        });
      }
      if (step.withheld === undefined) this.show(this.stamp(run, step), run);
      else this.explainAbsence(step, run);
    }
  }

  private explainAbsence(step: Step, run: Run): void {
    if (step.withheld === undefined) return;
    this.parts.truth.write({
      fault: step.withheld.fault,
      observer: run.asker.signedIn.email,
      owner: step.withheld.owner,
      run: run.id,
      event: step.type,
      how: step.withheld.how,
    });
  }

  private stamp(run: Run, step: Step): AgentEvent {
    run.sequence += 1;
    return {
      type: step.type,
      user_id: run.asker.user.id,
      thread_id: run.thread.id,
      run_id: run.id,
      message_id: `msg_${randomUUID()}`,
      sequence: run.sequence,
      timestamp: isoTime(this.parts.clock.now()),
      payload: step.payload,
      deviations: step.deviations ?? [],
    };
  }

  private show(stamped: AgentEvent, run: Run): void {
    const { hooks, connections } = this.parts;
    for (const event of hooks.events(stamped, run)) {
      run.log.push(event);
      for (const connection of this.audience(run)) connections.sendEvent(connection, event);
      if (run.acknowledgementOwed) this.acknowledge(run);
      hooks.sent(event, run);
    }
  }

  private acknowledge(run: Run): void {
    run.acknowledgementOwed = false;
    for (const connection of run.subscribers) {
      this.parts.connections.send(connection, this.acknowledgement(run));
    }
  }

  private acknowledgement(run: Run): Payload {
    return {
      type: 'ack',
      payload: { run_id: run.id, thread_id: run.thread.id },
      timestamp: isoTime(this.parts.clock.now()),
    };
  }

  private end(run: Run): void {
    run.active = false;
    run.subscribers.clear();
    this.activeRuns.delete(run);
    this.endedRuns.add(run);
    if (this.endedRuns.size > ENDED_RUNS_KEPT_MAX) this.forgetOldest();
    if (this.activeRuns.size === 0) this.parts.hooks.idle();
  }

  private forgetOldest(): void {
    const [oldest] = this.endedRuns;
    if (oldest === undefined) return;
    this.endedRuns.delete(oldest);
    this.known.delete(oldest.id);
  }
}
