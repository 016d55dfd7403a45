import { Judge } from '../../assertions/history-judge.ts';
import { mintMarker, newCampaignPrefix, userPrefix } from '../../history/markers.ts';
import type { Observation, TrialHeader } from '../../history/observation.ts';
import type { ProfileData } from '../../history/profile-data.ts';
import { credentialHash } from '../../history/redaction.ts';
import type { Finding, Verdict } from '../../history/verdict.ts';
import reference from '../../targets/reference.ts';

/** Fields of a line as a test states them; the rest is filled in. */
export type Line = Partial<Omit<Observation, 'n' | 'line'>>;

export interface Person {
  readonly name: string;
  readonly id: string;
  readonly email: string;
  readonly thread: string;
  readonly note: string;
  readonly nameMarker: string;
  readonly title: string;
  readonly token: string;
}

export interface Asked {
  readonly run: string;
  readonly marker: string;
  readonly question: number;
}

/** One event of a run as it crosses the wire of the reference target. */
export interface EventOptions {
  readonly to?: string;
  readonly payload?: Record<string, unknown>;
  readonly root?: Record<string, unknown>;
  readonly fields?: Line;
}

/**
 * Builds histories as stories: a crowd signs in, asks, receives. Everything is legal unless a test adds
 * a line or changes one, so what a rule objects to is what the test says.
 */
export class HistoryBuilder {
  readonly people: readonly Person[];
  readonly header: TrialHeader;
  readonly lines: Observation[] = [];
  readonly asked = new Map<string, Asked[]>();
  #t = 0;
  #message = 0;
  readonly #sequences = new Map<string, number>();

  constructor(
    users = 3,
    profile: Partial<ProfileData> = {},
    transport: TrialHeader['transport'] = 'websocket',
  ) {
    const campaign = newCampaignPrefix();
    this.people = Array.from({ length: users }, (_, index) => {
      const prefix = userPrefix(campaign, index);
      const name = `u${String(index).padStart(2, '0')}`;
      return {
        name,
        id: `11111111-aaaa-4bbb-8ccc-00000000${String(index).padStart(4, '0')}`,
        email: `b${index}c4x9k${index}@crosstalk.example.com`,
        thread: `thread-${index}-77aa${index}b`,
        note: mintMarker(prefix, 'note', 0),
        nameMarker: mintMarker(prefix, 'name', 0),
        title: mintMarker(prefix, 'title', 0),
        token: `secret-token-of-${name}`,
      };
    });
    this.header = {
      schema: 1,
      kind: 'trial',
      trial: 'golden-path-websocket',
      scenario: 'golden-path',
      transport,
      target: 'reference',
      url: 'http://127.0.0.1:1',
      seed: 'test',
      part: null,
      startedAt: '2026-01-01T00:00:00.000Z',
      reproduce: 'npx crosstalk run',
      users: this.people.map((person, index) => ({
        user: person.name,
        identity: person.email,
        markerPrefix: userPrefix(campaign, index),
        ids: {},
        credentials: [],
      })),
      profile: { ...reference.judging, ...profile },
    };
  }

  /** Appends a line; time goes on by 1 ms unless it says otherwise. */
  add(user: string | null, line: Line): Observation {
    this.#t += 1;
    const n = this.lines.length;
    const observation: Observation = {
      conn: user === null ? null : `${user}#1`,
      surface: 'socket',
      dir: 'in',
      kind: 'frame',
      ...line,
      user,
      n,
      line: n + 2,
      t: line.t ?? this.#t,
    };
    this.#t = Math.max(this.#t, observation.t);
    this.lines.push(observation);
    return observation;
  }

  person(name: string): Person {
    const found = this.people.find((person) => person.name === name);
    if (found === undefined) throw new Error(`no user is called ${name}`);
    return found;
  }

  /** Makes a person's thread one that all of these share. */
  shareThread(owner: string, members: readonly string[]): void {
    this.add(owner, {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      ids: { thread: this.person(owner).thread },
      audience: members,
    });
  }

  /** Everybody signs in, connects, plants its note, and knows its ids. */
  start(): this {
    for (const person of this.people) {
      const harness = { surface: 'harness', dir: 'act', conn: null } as const;
      this.add(person.name, {
        ...harness,
        kind: 'identity',
        source: 'sign-in',
        ids: { user: person.id },
        credentials: [credentialHash(person.token)],
      });
      this.add(person.name, { kind: 'open', dir: 'act', intended: this.#t });
      this.add(person.name, {
        event: 'connection_established',
        contentKind: 'frame',
        content: JSON.stringify({ type: 'connection_established', data: { user_id: person.id } }),
      });
      this.add(person.name, {
        ...harness,
        kind: 'identity',
        source: 'thread',
        ids: { thread: person.thread },
      });
      for (const [place, marker] of [
        ['note', person.note],
        ['name', person.nameMarker],
        ['title', person.title],
      ] as const)
        this.add(person.name, { ...harness, kind: 'act', act: 'plant', place, marker });
    }
    return this;
  }

  ask(name: string, options: { marker?: boolean } = {}): Asked {
    const person = this.person(name);
    const runs = this.asked.get(name) ?? [];
    const question = runs.length + 1;
    const prefix = this.header.users.find((user) => user.user === name)?.markerPrefix ?? '';
    const marker = mintMarker(prefix, 'question', question);
    const run = `run-${name}-${question}-5d5d`;
    const asked = { run, marker, question };
    runs.push(asked);
    this.asked.set(name, runs);
    this.add(name, {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      source: 'ask',
      ids: { run },
    });
    this.add(name, {
      kind: 'act',
      surface: 'harness',
      dir: 'act',
      act: 'ask',
      question,
      run,
      thread: person.thread,
      ...(options.marker === false ? {} : { marker }),
      intended: this.#t,
    });
    return asked;
  }

  /** One event of somebody's run, received by its asker or, with `to`, by somebody else. */
  event(name: string, type: string, options: EventOptions = {}): Observation {
    const person = this.person(name);
    const asked = (this.asked.get(name) ?? []).at(-1);
    if (asked === undefined) throw new Error(`${name} has not asked`);
    const sequence = (this.#sequences.get(asked.run) ?? 0) + 1;
    this.#sequences.set(asked.run, sequence);
    this.#message += 1;
    const id = `message-${this.#message}-3c3c`;
    const payload: Record<string, unknown> = {
      agent_name: 'assistant',
      ...this.#payload(type, person, asked),
      ...options.payload,
    };
    const frame = {
      type,
      user_id: person.id,
      thread_id: person.thread,
      run_id: asked.run,
      message_id: id,
      sequence,
      payload,
      ...options.root,
    };
    const tool = typeof payload['tool_call_id'] === 'string' ? payload['tool_call_id'] : undefined;
    return this.add(options.to ?? name, {
      event: type,
      owner: person.id,
      thread: person.thread,
      run: asked.run,
      id,
      sequence,
      agent: typeof payload['agent_name'] === 'string' ? payload['agent_name'] : undefined,
      ...(tool === undefined ? {} : { tool }),
      contentKind: 'frame',
      content: JSON.stringify(frame),
      ...options.fields,
    });
  }

  #payload(type: string, person: Person, asked: Asked): Record<string, unknown> {
    switch (type) {
      case 'agent_thinking':
        return { thought: `about ${asked.marker}` };
      case 'tool_executing':
        return {
          tool_name: 'note_reader',
          tool_call_id: `call-${asked.run}`,
          parameters: asked.marker,
        };
      case 'tool_completed':
        return { tool_name: 'note_reader', tool_call_id: `call-${asked.run}`, result: person.note };
      case 'agent_completed':
        return { response: `You asked ${asked.marker}; your note says ${person.note}` };
      default:
        return {};
    }
  }

  /** Everybody asks, and all events of all runs come interleaved. */
  goldenPath(events: readonly string[] = FIVE): this {
    this.start();
    this.round(events);
    return this;
  }

  round(events: readonly string[] = FIVE): this {
    for (const person of this.people) this.ask(person.name);
    for (const type of events) for (const person of this.people) this.event(person.name, type);
    return this;
  }

  /** The verdict over everything so far; complete unless said otherwise. */
  verdict(how: { complete?: boolean } = {}): Verdict {
    const judge = new Judge(this.header);
    for (const observation of this.lines) judge.observe(observation);
    const end =
      how.complete === false
        ? undefined
        : ({ kind: 'end', n: this.lines.length, t: this.#t, reason: 'done' } as const);
    return judge.conclude({ end });
  }

  /** Findings of one rule, by its short name or its full one. */
  findings(rule: string, how: { complete?: boolean } = {}): Finding[] {
    return this.verdict(how).findings.filter(
      (finding) => finding.rule === rule || finding.rule.endsWith(`/${rule}`),
    );
  }
}

export const FIVE = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
] as const;

/** A history to which nothing can be objected. */
export const clean = (users = 3): HistoryBuilder => new HistoryBuilder(users).goldenPath();

/** Who saw what is whose, by a finding. */
export const who = (
  finding: { readonly observer: string | null; readonly owner: string | null } | undefined,
): string => `${finding?.observer} of ${finding?.owner}`;

/** A golden path in which u00's run shows these events and everybody else's all five. */
export function withRun(
  events: readonly string[],
  change?: (history: HistoryBuilder) => void,
): HistoryBuilder {
  const history = new HistoryBuilder(3).start();
  for (const { name } of history.people) history.ask(name);
  for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
  for (const type of events) history.event('u00', type);
  change?.(history);
  return history;
}

/** The rules that a history violates. */
export const rulesOf = (history: HistoryBuilder): string[] => [
  ...new Set(
    history
      .verdict()
      .findings.filter(({ severity }) => severity === 'violation')
      .map(({ rule }) => rule),
  ),
];
