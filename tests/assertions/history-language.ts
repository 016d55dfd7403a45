import fc from 'fast-check';
import { Judge } from '../../assertions/history-judge.ts';
import type { Observation, TrialEnd, TrialHeader } from '../../history/observation.ts';
import type { Verdict } from '../../history/verdict.ts';
import { HistoryBuilder, type Asked, type Person } from './history-builder.ts';

/**
 * A small language for histories. A story says who does and receives what, in order; {@link tell} makes a
 * history of it, {@link print} a text a person can read, {@link legalStory} all legal ones there are.
 */
export interface Story {
  readonly users: number;
  /** The second user is a member of the first one's thread. */
  readonly sharesThread: boolean;
  /** All ask the same words; markers live in their notes. */
  readonly equalQuestions: boolean;
  /** Users who have a second tab open from the beginning. */
  readonly withTwoTabs: readonly number[];
  readonly sentences: readonly Sentence[];
}

export type Sentence =
  | { readonly who: number; readonly does: 'asks' }
  | ({ readonly who: number; readonly does: 'receives' } & Step)
  /** Drops its connection, opens another, and resumes its run: replayed from the beginning or not. */
  | { readonly who: number; readonly does: 'reconnects'; readonly replayed: boolean }
  | { readonly who: number; readonly does: 'stops' }
  /** Something that belongs to no run. */
  | {
      readonly who: number;
      readonly does: 'idles';
      readonly with: 'heartbeat' | 'ack' | 'threads' | 'error_message';
    };

interface Step {
  readonly event: string;
  /** A nested agent; absent: the outermost. */
  readonly agent?: string;
  /** Ordinal of the tool call within its run. */
  readonly tool?: number;
  /** Which piece of how many of the streamed answer. */
  readonly piece?: readonly [at: number, of: number];
}

/** A story as the judge is told it. */
export interface Told {
  readonly header: TrialHeader;
  readonly people: readonly Person[];
  readonly lines: readonly Observation[];
  /** Names of the members of the shared thread. */
  readonly sharing: ReadonlySet<string>;
}

const HARNESS = { surface: 'harness', dir: 'act' } as const;
const OUTERMOST = 'assistant';

export function tell(story: Story): Told {
  const teller = new Teller(story);
  for (const sentence of story.sentences) teller.say(sentence);
  return teller.told();
}

interface Running {
  readonly asked: Asked;
  readonly events: Observation[];
}

class Teller {
  readonly #builder: HistoryBuilder;
  readonly #story: Story;
  readonly #sharing: readonly string[];
  readonly #running = new Map<string, Running>();
  /** Open connections by user; the last number given by user. */
  readonly #connections = new Map<string, { open: string[]; last: number }>();

  constructor(story: Story) {
    this.#story = story;
    this.#builder = new HistoryBuilder(story.users, {
      questionMarkers: !story.equalQuestions,
    }).start();
    this.#sharing = story.sharesThread ? ['u00', 'u01'] : [];
    for (const [index, person] of this.#builder.people.entries()) {
      this.#connections.set(person.name, { open: [`${person.name}#1`], last: 1 });
      if (story.withTwoTabs.includes(index)) this.#open(person.name);
    }
    const owner = this.#builder.people[0];
    if (story.sharesThread && owner !== undefined)
      this.#builder.add(owner.name, {
        ...HARNESS,
        kind: 'identity',
        source: 'thread',
        conn: null,
        ids: { thread: owner.thread },
        audience: this.#sharing,
      });
  }

  say(sentence: Sentence): void {
    const person = this.#builder.people[sentence.who];
    if (person === undefined) throw new RangeError(`there is no user ${sentence.who}`);
    switch (sentence.does) {
      case 'asks': {
        const asked = this.#builder.ask(person.name, { marker: !this.#story.equalQuestions });
        this.#running.set(person.name, { asked, events: [] });
        break;
      }
      case 'receives':
        this.#receive(person, sentence);
        break;
      case 'reconnects':
        this.#reconnect(person, sentence.replayed);
        break;
      case 'stops':
        this.#act(person, 'stop');
        break;
      case 'idles':
        this.#idle(person, sentence.with);
    }
  }

  told(): Told {
    const { header, people, lines } = this.#builder;
    return { header, people, lines, sharing: new Set(this.#sharing) };
  }

  #runOf({ name }: Person): Running {
    const running = this.#running.get(name);
    if (running === undefined) throw new Error(`${name} has not asked`);
    return running;
  }

  #openOf(name: string): { open: string[]; last: number } {
    const connections = this.#connections.get(name);
    if (connections === undefined) throw new Error(`${name} never connected`);
    return connections;
  }

  #open(name: string): string {
    const connections = this.#openOf(name);
    connections.last += 1;
    const conn = `${name}#${connections.last}`;
    connections.open.push(conn);
    const { t = 0 } = this.#builder.lines.at(-1) ?? {};
    this.#builder.add(name, { kind: 'open', dir: 'act', conn, intended: t });
    return conn;
  }

  #act({ name }: Person, act: string, conn: string | null = null): void {
    const { run } = this.#runOf(this.#builder.person(name)).asked;
    this.#builder.add(name, { ...HARNESS, kind: 'act', act, run, conn });
  }

  #receive(person: Person, step: Step): void {
    const running = this.#runOf(person);
    const sequence = running.events.length + 1;
    const { run } = running.asked;
    const id = `${run}-event-${sequence}`;
    const agent = step.agent ?? OUTERMOST;
    const tool = step.tool === undefined ? undefined : `${run}-call-${step.tool}`;
    const payload = {
      agent_name: agent,
      ...(tool === undefined ? {} : { tool_name: 'note_reader', tool_call_id: tool }),
      ...this.#payload(person, step, running.asked),
    };
    const ids = { user_id: person.id, thread_id: person.thread, run_id: run };
    const event = {
      event: step.event,
      owner: person.id,
      thread: person.thread,
      run,
      id,
      sequence,
      agent,
      ...(tool === undefined ? {} : { tool }),
      contentKind: 'frame',
      content: JSON.stringify({ type: step.event, ...ids, message_id: id, sequence, payload }),
    } as const;
    const members = this.#sharing[0] === person.name ? this.#sharing : [person.name];
    for (const name of members)
      for (const conn of this.#openOf(name).open) {
        const line = this.#builder.add(name, { ...event, conn });
        if (name === person.name && running.events.length < sequence) running.events.push(line);
      }
  }

  #payload(person: Person, { event, piece }: Step, { marker }: Asked): Record<string, unknown> {
    const question = this.#story.equalQuestions ? 'my animal' : marker;
    const answer = `You asked about ${question}; your note says ${person.note}.`;
    switch (event) {
      case 'agent_thinking':
        return { thought: `about ${question}` };
      case 'tool_executing':
        return { parameters: { query: question } };
      case 'tool_completed':
        return { result: `it says ${person.note}` };
      case 'agent_chunk': {
        const [at, of] = piece ?? [0, 1];
        const length = Math.ceil(answer.length / of);
        return { text: answer.slice(at * length, (at + 1) * length), index: at };
      }
      case 'agent_completed':
        return { response: answer };
      default:
        return {};
    }
  }

  #reconnect(person: Person, replayed: boolean): void {
    const { name } = person;
    const connections = this.#openOf(name);
    const conn = connections.open.shift() ?? null;
    this.#builder.add(name, { kind: 'close', dir: 'act', by: 'us', code: 1000, conn });
    const fresh = this.#open(name);
    this.#act(person, 'resume', fresh);
    if (!replayed) return;
    for (const { n: _n, line: _line, t: _t, ...event } of this.#runOf(person).events)
      this.#builder.add(name, { ...event, conn: fresh });
  }

  #idle(person: Person, how: Extract<Sentence, { does: 'idles' }>['with']): void {
    const { name, thread, title } = person;
    const conn = this.#openOf(name).open[0] ?? null;
    if (how === 'threads')
      this.#builder.add(name, {
        surface: 'http',
        kind: 'response',
        status: 200,
        conn: null,
        contentKind: 'frame',
        content: JSON.stringify({ threads: [{ id: thread, title: `My list ${title}` }] }),
      });
    else {
      const { run } = this.#runOf(person).asked;
      const frame = how === 'ack' ? { type: how, payload: { run_id: run } } : { type: how };
      this.#builder.add(name, {
        event: how,
        conn,
        ...(how === 'ack' ? { run } : {}),
        contentKind: 'frame',
        content: JSON.stringify(frame),
      });
    }
  }
}

/** The story as text, one sentence a line. */
export function print(story: Story): string {
  const { users, sharesThread, equalQuestions, withTwoTabs, sentences } = story;
  const about = [
    `${users} users`,
    ...(sharesThread ? ['u00 shares its thread with u01'] : []),
    ...(equalQuestions ? ['all ask the same words'] : []),
    ...withTwoTabs.map((who) => `u0${who} has two tabs`),
  ];
  return [about.join('; '), ...sentences.map(sentenceText)].join('\n');
}

function sentenceText(sentence: Sentence): string {
  const who = `u0${sentence.who}`;
  switch (sentence.does) {
    case 'receives': {
      const { event, agent, tool, piece } = sentence;
      const by = agent === undefined ? '' : ` by ${agent}`;
      const call = tool === undefined ? '' : ` (tool call ${tool})`;
      const part = piece === undefined ? '' : ` (piece ${piece[0] + 1} of ${piece[1]})`;
      return `${who} receives ${event}${by}${call}${part}`;
    }
    case 'reconnects':
      return `${who} reconnects and resumes, ${sentence.replayed ? 'with' : 'without'} a replay`;
    case 'idles':
      return `${who} receives ${sentence.with}`;
    default:
      return `${who} ${sentence.does}`;
  }
}

/** Takes from the strands in turn as the choices say; each strand keeps its order. */
function interleave<T>(strands: readonly (readonly T[])[], choices: readonly number[]): T[] {
  const rest = strands.map((strand) => [...strand]).filter((strand) => strand.length > 0);
  const woven: T[] = [];
  for (let turn = 0; rest.length > 0; turn += 1) {
    const at = (choices[turn % choices.length] ?? 0) % rest.length;
    const next = rest[at]?.shift();
    if (next !== undefined) woven.push(next);
    if (rest[at]?.length === 0) rest.splice(at, 1);
  }
  return woven;
}

/** What may be in a run, as numbers that shrink towards the golden path. */
const runPlan = fc.record({
  thoughts: fc.integer({ min: 1, max: 3 }),
  tools: fc.integer({ min: 1, max: 3 }),
  nestedAgents: fc.constantFrom(0, 0, 1, 2),
  pieces: fc.constantFrom(0, 0, 1, 5, 12),
  reconnects: fc.constantFrom('no', 'no', 'no', 'with replay', 'without replay'),
  idles: fc.subarray(['heartbeat', 'ack', 'threads'] as const),
  stopsAfter: fc.option(fc.nat(8), { freq: 8 }),
  stopsTooLate: fc.nat(8).map((drawn) => drawn === 8),
  weave: fc.array(fc.nat(5), { minLength: 1, maxLength: 10 }),
});
type RunPlan = typeof runPlan extends fc.Arbitrary<infer Plan> ? Plan : never;

type Deed = Sentence extends infer Kind
  ? Kind extends Sentence
    ? Omit<Kind, 'who'>
    : never
  : never;
const receives = (step: Step): Deed => ({ does: 'receives', ...step });

function toolCall(tool: number, agent?: string): Deed[] {
  const by = agent === undefined ? {} : { agent };
  return [
    receives({ event: 'tool_executing', tool, ...by }),
    receives({ event: 'tool_completed', tool, ...by }),
  ];
}

function nestedAgent(agent: string, tool: number): Deed[] {
  return [
    receives({ event: 'agent_started', agent }),
    receives({ event: 'agent_thinking', agent }),
    ...toolCall(tool, agent),
    receives({ event: 'agent_completed', agent }),
  ];
}

const NESTED = ['researcher', 'writer'];

function deedsOf(plan: RunPlan): Deed[] {
  const body = interleave<Deed>(
    [
      Array.from({ length: plan.thoughts }, () => receives({ event: 'agent_thinking' })),
      ...Array.from({ length: plan.tools }, (_, tool) => toolCall(tool)),
      ...NESTED.slice(0, plan.nestedAgents).map((agent, at) => nestedAgent(agent, plan.tools + at)),
      Array.from({ length: plan.pieces }, (_, at) =>
        receives({ event: 'agent_chunk', piece: [at, plan.pieces] }),
      ),
      plan.reconnects === 'no'
        ? []
        : [{ does: 'reconnects', replayed: plan.reconnects === 'with replay' }],
      plan.idles.map((how) => ({ does: 'idles', with: how })),
    ],
    plan.weave,
  );
  const started = [{ does: 'asks' } as const, receives({ event: 'agent_started' })];
  const refused: Deed[] = [{ does: 'stops' }, { does: 'idles', with: 'error_message' }];
  if (plan.stopsAfter === null)
    return [
      ...started,
      ...body,
      receives({ event: 'agent_completed' }),
      ...(plan.stopsTooLate ? refused : []),
    ];
  // What was on its way when the user stopped still comes, before the run is said to have stopped and after.
  const [before, inFlight] = [body.slice(0, plan.stopsAfter), body.slice(plan.stopsAfter)];
  return [
    ...started,
    ...before,
    { does: 'stops' },
    ...inFlight.slice(0, 1),
    receives({ event: 'agent_stopped' }),
    ...inFlight.slice(1, 2),
  ];
}

/** Every user's run of one round, all asked before the first event comes, so that all overlap. */
function round(plans: readonly RunPlan[], weave: readonly number[]): Sentence[] {
  const strands = plans.map((plan, who) =>
    // Somebody's run must come to its end, or nothing could be said of errors.
    deedsOf(who === 0 ? { ...plan, stopsAfter: null, stopsTooLate: false } : plan).map(
      (deed): Sentence => ({
        who,
        ...deed,
      }),
    ),
  );
  return [
    ...strands.flatMap((strand) => strand.slice(0, 1)),
    ...interleave(
      strands.map((strand) => strand.slice(1)),
      weave,
    ),
  ];
}

/** All legal stories, from the golden path of two users up. */
export const legalStory: fc.Arbitrary<Story> = fc
  .record({
    users: fc.integer({ min: 2, max: 4 }),
    sharesThread: fc.constantFrom(false, false, false, true),
    equalQuestions: fc.constantFrom(false, false, false, true),
    withTwoTabs: fc.subarray([0, 1], { maxLength: 1 }),
    rounds: fc.array(
      fc.record({
        plans: fc.array(runPlan, { minLength: 4, maxLength: 4 }),
        weave: fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ users, rounds, ...rest }) => {
    const sentences = rounds.flatMap(({ plans, weave }) => round(plans.slice(0, users), weave));
    const story = { users, ...rest, sentences };
    return Object.assign(story, { [fc.toStringMethod]: () => `\n${print(story)}\n` });
  });

/** The verdict over lines of a trial, which went to its end unless said otherwise. */
export function judged(
  header: TrialHeader,
  lines: readonly Observation[],
  how: { complete?: boolean } = {},
): Verdict {
  const end = how.complete === false ? undefined : endOf(lines);
  const judge = new Judge(header);
  for (const line of lines) judge.observe(line);
  const { foretold } = judge;
  if (foretold === undefined) return judge.conclude({ end });
  const again = new Judge(header, foretold);
  for (const line of lines) again.observe(line);
  return again.conclude({ end });
}

/** The last line of a complete history with these lines. */
export function endOf(lines: readonly Observation[]): TrialEnd {
  const t = lines.reduce((latest, line) => Math.max(latest, line.t), 0);
  return { kind: 'end', n: lines.length, t, reason: 'done' };
}
