import { createHash } from 'node:crypto';
import type { Observation } from '../../history/observation.ts';
import type { Facts } from '../facts.ts';
import { parseObject } from '../json-frame.ts';
import { membersOf } from '../json-members.ts';
import type { OwnedId } from '../knowledge.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';
import {
  hasShown,
  UNRECOGNISED_MAX,
  type Run,
  type RunOnConnection,
  type RunTools,
} from '../run-ledger.ts';
import { UnrecognisedFrames } from '../unrecognised-frames.ts';

const PER_RUN = [
  'order/missing-event',
  'order/unclosed-tool',
  'order/stalled-run',
  'order/double-completion',
  'order/drift',
] as const;
const PER_EVENT = [
  'order/out-of-order',
  'order/duplicate-event',
  'order/after-completion',
  'order/orphan-event',
  'order/sequence-regression',
  'order/wrong-run',
] as const;
const MALFORMED = 'order/malformed-event';
/** What a conversation is called: `title`, `thread_title`, `subject`, `chat.name`. */
const TITLE = /(?:title|subject)$|^(?:thread|conversation|chat)_?name$/i;
const CONVERSATION = /(?:thread|conversation|chat)$/i;
const NONE_RENAMED: ReadonlySet<string> = new Set();

type OrderRule = (typeof PER_RUN)[number] | (typeof PER_EVENT)[number];

/**
 * The profile's partial order, held against every run that its receiver asked for (DESIGN §3.8). Per run
 * over all connections: presence and ends. Per run and connection: order and repetition. What needs the
 * whole history (something never came) is judged only when the history is complete.
 */
export function orderRules(bench: Bench): RuleGroup {
  const judge = new OrderJudge(bench);
  return {
    rules: [...PER_RUN, ...PER_EVENT, MALFORMED],
    receivedOnly: true,
    notApplicable: bench.knowledge.profile.claims.sequence ? [] : ['order/sequence-regression'],
    observe: (facts) => judge.observe(facts),
    conclude: (ending) => judge.conclude(ending),
    examined: (rule) => judge.examined(rule),
  };
}

class OrderJudge {
  readonly #bench: Bench;
  /** Events that the profile does not know, and that stand for none which is missing. */
  readonly #companions = new Set<string>();
  /** Of frames without any name, how many come in a run that lacks nothing. */
  #shapelessBeside = 0;
  /** Events that the profile's further edges name. */
  readonly #edgesOf: ReadonlySet<string>;
  #frames = 0;
  #runEvents = 0;
  #sequences = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    const { edges } = bench.knowledge.profile.order;
    this.#edgesOf = new Set(edges.flatMap(({ before, after }) => [before, after]));
  }

  examined(rule: string): number {
    if (rule === MALFORMED) return this.#frames;
    if (rule === 'order/sequence-regression') return this.#sequences;
    if (PER_RUN.some((name) => name === rule)) return this.#bench.ledger.runs.length;
    return this.#runEvents;
  }

  observe(facts: Facts): void {
    const { observation } = facts;
    const { eventsOn } = this.#bench.knowledge;
    if (!facts.received || observation.kind !== 'frame' || observation.surface !== eventsOn) return;
    this.#frames += 1;
    if (this.#malformed(facts)) return;
    if (facts.attribution === undefined) {
      this.#unknownEvent(facts);
      return;
    }
    const run = this.#bench.ledger.runOf(facts);
    const { event } = observation;
    if (run === undefined || event === undefined) return;
    const conn = observation.conn ?? `${observation.user ?? ''}#?`;
    this.#runEvents += 1;
    this.#runEvent(facts, run, { event, on: this.#bench.ledger.onConnection(run, conn) });
  }

  // oxlint-disable-next-line max-params -- read as a sentence at each of its call sites
  #add(
    rule: OrderRule,
    run: Run,
    at: { observation: Observation; event?: string },
    what: string,
  ): void {
    // What still comes of a run that its asker stopped answers to our own act (DESIGN §4.7); that it
    // never ends is no answer, nor is what came before.
    if (at.observation.n > (run.stoppedAt ?? Infinity)) return;
    const user = this.#bench.knowledge.nameOf(run.asker);
    this.#bench.report.add({
      rule,
      observer: run.asker,
      owner: null,
      observation: at.observation,
      surface: this.#bench.knowledge.eventsOn,
      ...(at.event === undefined ? {} : { event: at.event }),
      message: `run ${run.question} of ${user}: ${what}`,
    });
  }

  /** A frame nobody can read. Its owner is whoever received it. */
  #malformed({ observation, observer }: Facts): boolean {
    const what = this.#unreadable(observation);
    if (what === undefined) return false;
    this.#bench.report.add({
      rule: MALFORMED,
      observer,
      owner: null,
      observation,
      message: `${this.#bench.knowledge.nameOf(observer)} received a frame ${what}`,
    });
    return true;
  }

  #unreadable(observation: Observation): string | undefined {
    const { reason, content, contentKind, cut } = observation;
    if (reason?.startsWith('WS_ERR') === true) return `that cannot be read (${reason})`;
    if (this.#isOversized(observation)) return 'larger than the limit';
    if (contentKind === 'base64')
      return this.#bench.knowledge.profile.binaryMessages === true ? undefined : 'that is not text';
    if (contentKind === 'text' && cut === undefined && !isJson(content)) return 'that is not JSON';
    return undefined;
  }

  /** Cut for the record alone, it is a gap in the evidence and no fault of the target. */
  #isOversized({ content = '', cut }: Observation): boolean {
    const { payloadBytesMax } = this.#bench.knowledge.profile.limits;
    return cut !== undefined && Buffer.byteLength(content) + cut > payloadBytesMax;
  }

  /** Not an event we know, but perhaps the content of one under another name or shape. */
  #unknownEvent(facts: Facts): void {
    const { observation, observer } = facts;
    const { ledger, knowledge } = this.#bench;
    const { event, tool, agent } = observation;
    // A named frame that speaks of no tool and no agent (an acknowledgement, a notice) replaces no event.
    const alias = event !== undefined && knowledge.profile.order.aliases[event] !== undefined;
    if (event !== undefined && !alias && tool === undefined && agent === undefined) return;
    let run = ledger.byId(observation.run, observer);
    for (const { text } of facts.sightings)
      run ??= ledger.byId(text, observer) ?? ledger.byMarker(text);
    if (run === undefined || run.asker !== observer) return;
    ledger.unrecognised(run, observation);
  }

  #runEvent(facts: Facts, run: Run, at: { event: string; on: RunOnConnection }): void {
    const { observation } = facts;
    const { event, on } = at;
    if (this.#repeated(run, on, observation)) return;
    this.#wrongRun(facts, run);
    this.#sequence(run, on, observation);
    if (!this.#isSeenElsewhere(run, on, observation)) {
      run.firstAt ??= observation.t;
      run.lastAt = observation.t;
      run.lastEvent = event;
      run.counts.set(event, (run.counts.get(event) ?? 0) + 1);
    }
    run.outermost ??= observation.agent;
    this.#show(run, event, observation);
    const terminal = this.#bench.ledger.isTerminal(event) && this.#isOutermost(run, observation);
    if (!terminal) this.#late(facts, run, at);
    this.#beginnings(run, on, observation);
    if (this.#edgesOf.has(event)) this.#edges(run, on, { event, observation });
    this.#tools(run, on, observation);
    if (terminal) {
      this.#terminal(run, on, observation);
      this.#bench.ledger.ended(run);
    }
  }

  /**
   * An event without any id is taken as one of its receiver's latest run, since somewhere runs are followed
   * in no other way. Where its type claims ids, nobody knows whose it is (isolation/unattributable-event):
   * that it came late must not be held against a run that it may not belong to.
   */
  #isGuessed({ observation, attribution }: Facts): boolean {
    const { ids } = this.#bench.knowledge.profile.claims;
    return attribution?.by === 'nothing' && (ids[observation.event ?? '']?.length ?? 0) > 0;
  }

  #late(facts: Facts, run: Run, { event, on }: { event: string; on: RunOnConnection }): void {
    const { observation } = facts;
    const ended = on.completedAt;
    if (ended === undefined || this.#isCutShort(run) || this.#isGuessed(facts)) return;
    this.#add(
      'order/after-completion',
      run,
      { observation },
      `${event} came ${((observation.t - ended) / 1000).toFixed(1)} s after the run had completed`,
    );
  }

  /** What its asker stopped may trickle on. */
  #isCutShort({ cancelled, terminals }: Run): boolean {
    const { last } = this.#bench.knowledge.profile.order;
    return cancelled && terminals.some(({ event }) => event !== last);
  }

  /** The first and the last event of a run are its outermost agent's; a sub-agent has its own. */
  #show(run: Run, event: string, observation: Observation): void {
    const { first, last } = this.#bench.knowledge.profile.order;
    if (event !== first && event !== last) return;
    if (!this.#isOutermost(run, observation)) return;
    if (event === first) run.hasBegun = true;
    if (event === last) run.hasEnded = true;
  }

  #isOutermost(run: Run, observation: Observation): boolean {
    return (
      observation.agent === undefined ||
      run.outermost === undefined ||
      observation.agent === run.outermost
    );
  }

  /**
   * By what an event is known to be the same again. Where ids are not claimed to be unique, several events may
   * have that of one message: those that are alike in all else, and pieces of an answer in nothing.
   */
  #keyOf(observation: Observation): string | undefined {
    const { id, event = '', agent, tool, sequence, sentAt } = observation;
    const { claims, order } = this.#bench.knowledge.profile;
    if (id === undefined || claims.eventIds) return id;
    if (order.chunk.includes(event)) return undefined;
    return [id, event, agent, tool, sequence, sentAt].join(' ');
  }

  /** True when the event came before on this connection, which is never legal. */
  #repeated(run: Run, on: RunOnConnection, observation: Observation): boolean {
    const { event } = observation;
    const key = this.#keyOf(observation);
    if (key === undefined) return false;
    if (!this.#saysTheSame(on, key, observation)) return false;
    this.#add(
      'order/duplicate-event',
      run,
      { observation },
      `${event ?? 'an event'} came twice on ${on.conn} with the same id`,
    );
    return true;
  }

  /**
   * Whether the connection has shown the event by its key, and with these words where nothing numbers events. A key
   * that has come with different words is that of a message in pieces (thoughts), and any two of these may be alike.
   * An end comes whole.
   */
  #saysTheSame(on: RunOnConnection, key: string, observation: Observation): boolean {
    const { sequence, content, event = '' } = observation;
    const { knowledge, ledger } = this.#bench;
    const isNumbered = knowledge.profile.claims.eventIds || sequence !== undefined;
    const isWhole = isNumbered || ledger.isTerminal(event);
    const said = isWhole || content === undefined ? key : `${key} ${digestOf(content)}`;
    const isNew = !on.seen.has(key);
    if (isNew) on.seen.add(key).add(said);
    if (isNew || on.seen.has(piecesOf(key))) return false;
    if (on.seen.has(said)) return true;
    on.seen.add(piecesOf(key));
    return false;
  }

  /** On another connection of its asker the same event may come again: a second tab, or a replay. */
  #isSeenElsewhere(run: Run, on: RunOnConnection, observation: Observation): boolean {
    // An id given to events of two types hides neither: a required event that came has come.
    if (!run.counts.has(observation.event ?? '') || run.connections.size < 2) return false;
    const key = this.#keyOf(observation);
    if (key === undefined) return false;
    for (const other of run.connections.values())
      if (other !== on && other.seen.has(key)) return true;
    return false;
  }

  /** My own runs mixed up: it holds another's question and not its own, or it is filed under another's thread. */
  #wrongRun(facts: Facts, run: Run): void {
    const { observation } = facts;
    if (observation.run === undefined) return;
    const event = observation.event ?? 'an event';
    const asked = this.#otherMarked(facts, run);
    if (asked !== undefined)
      this.#add(
        'order/wrong-run',
        run,
        { observation },
        `${event} carries this run's id and the question of run ${asked.question}`,
      );
    const filed = asked === undefined ? this.#otherInThread(facts, run) : undefined;
    if (filed !== undefined)
      this.#add(
        'order/wrong-run',
        run,
        { observation },
        `${event} carries this run's id and the thread of run ${filed.question}`,
      );
  }

  /**
   * The run whose question marker an event of this one holds instead of its own. A conversation may be called after
   * its first question, in the events of all its runs.
   */
  #otherMarked({ sightings, observer, observation }: Facts, run: Run): Run | undefined {
    if (run.marker === undefined) return undefined;
    const { ledger } = this.#bench;
    let other: Run | undefined;
    for (const sighting of sightings) {
      if (sighting.what !== 'marker' || sighting.owner !== observer) continue;
      if (sighting.text === run.marker) return undefined;
      const marked = ledger.byMarker(sighting.text);
      if (marked === run || marked === undefined) continue;
      const isCalledSo = this.#beganThreadOf(run, marked) && isTitle(observation, sighting.text);
      if (!isCalledSo) other ??= marked;
    }
    return other;
  }

  /** Whether another run was the first that was asked in the thread of this one. */
  #beganThreadOf(run: Run, other: Run): boolean {
    const { ledger } = this.#bench;
    const thread = ledger.threadOf(run)?.text;
    return thread !== undefined && ledger.askedIn(run, thread) === other;
  }

  /**
   * The run that was asked in the thread whose id an event of this one carries instead of its own. A thread
   * that nobody asked in accuses nobody (a target may file each run under a new one), nor does one that is
   * shared, nor a run whose id was guessed.
   */
  #otherInThread({ observation: { thread } }: Facts, run: Run): Run | undefined {
    if (thread === undefined || thread === run.thread || !run.certain) return undefined;
    const { ledger, knowledge } = this.#bench;
    const [told, own] = [knowledge.idOf(thread, 'thread'), ledger.threadOf(run)];
    if (told === undefined || own === undefined || told === own) return undefined;
    const isMine = ({ kind, owners, audience }: OwnedId): boolean =>
      kind === 'thread' && owners.includes(run.asker) && audience === null;
    return isMine(told) && isMine(own) ? ledger.askedIn(run, told.text) : undefined;
  }

  #sequence(run: Run, on: RunOnConnection, observation: Observation): void {
    const { sequence } = observation;
    if (sequence === undefined || !this.#bench.knowledge.profile.claims.sequence) return;
    this.#sequences += 1;
    if (on.lastSequence !== undefined && sequence <= on.lastSequence)
      this.#add(
        'order/sequence-regression',
        run,
        { observation },
        `sequence ${sequence} came after ${on.lastSequence}`,
      );
    on.lastSequence = Math.max(on.lastSequence ?? sequence, sequence);
  }

  /** The opening event: first of all, and once per agent until it completes. */
  #beginnings(run: Run, on: RunOnConnection, observation: Observation): void {
    const { first, last } = this.#bench.knowledge.profile.order;
    const { event } = observation;
    if (first === null) return;
    const agent = observation.agent ?? '';
    if (event === first) {
      this.#beginning(run, on, { agent, observation });
      return;
    }
    if (event === last) on.open?.delete(agent);
    if (!on.started) on.early ??= observation;
  }

  #beginning(
    run: Run,
    on: RunOnConnection,
    now: { readonly agent: string; readonly observation: Observation },
  ): void {
    const { agent, observation } = now;
    on.open ??= new Set();
    if (on.open.has(agent))
      this.#add(
        'order/duplicate-event',
        run,
        { observation },
        `${observation.event ?? ''} of agent "${agent}" came twice before it completed`,
      );
    on.open.add(agent);
    // Where a run is resumed without a replay, a sub-agent's start is the first that is seen.
    if (observation.agent === run.outermost) this.#started(run, on);
    else if (!on.started) on.early ??= observation;
  }

  /** The first start on a connection: what it showed before came too early. */
  #started(run: Run, on: RunOnConnection): void {
    if (on.started) return;
    on.started = true;
    if (on.early === undefined) return;
    const { first } = this.#bench.knowledge.profile.order;
    this.#add(
      'order/out-of-order',
      run,
      { observation: on.early },
      `${on.early.event ?? 'an event'} came before ${first ?? 'the start'}`,
    );
  }

  /** Further edges of the profile: no `after` before the first `before`. */
  #edges(run: Run, on: RunOnConnection, now: { event: string; observation: Observation }): void {
    const { event, observation } = now;
    on.first ??= new Map();
    const firstHere = !on.first.has(event);
    if (!firstHere) return;
    on.first.set(event, observation);
    for (const { before, after } of this.#bench.knowledge.profile.order.edges) {
      const early = before === event ? on.first.get(after) : undefined;
      if (early !== undefined)
        this.#add(
          'order/out-of-order',
          run,
          { observation: early },
          `${after} came before ${before}`,
        );
    }
  }

  #tools(run: Run, on: RunOnConnection, observation: Observation): void {
    const tool = observation.tool;
    if (tool === undefined) return;
    for (const { opens, closes } of this.#bench.knowledge.profile.order.pairs) {
      const key = `${opens} ${tool}`;
      if (observation.event === opens) this.#opened(run, on, { key, observation, closes });
      else if (observation.event === closes) this.#closed(run, on, { key, observation });
    }
  }

  #opened(
    run: Run,
    on: RunOnConnection,
    now: { key: string; observation: Observation; closes: string },
  ): void {
    const { key, observation, closes } = now;
    const tools = toolsOf(run);
    const orphan = tools.orphans.get(key);
    const early = on.unopened?.get(key);
    if (early !== undefined)
      this.#add(
        'order/out-of-order',
        run,
        { observation: early },
        `${closes} came before ${observation.event ?? ''}`,
      );
    tools.orphans.delete(key);
    on.unopened?.delete(key);
    on.openedTools ??= new Map();
    const opens = countUp(on.openedTools, key);
    if (opens > 1 && this.#isCallId) this.#again(run, on, observation);
    if (orphan === undefined && !tools.closed.has(key)) tools.open.set(key, observation);
    // Without call ids the same tool may be used again: it is open again.
    if (observation.id === undefined && !this.#isCallId) tools.open.set(key, observation);
  }

  #closed(run: Run, on: RunOnConnection, now: { key: string; observation: Observation }): void {
    const { key, observation } = now;
    on.closedTools ??= new Map();
    const closes = countUp(on.closedTools, key);
    if (closes > (this.#isCallId ? 1 : Math.max(1, startsBehind(run, on, key))))
      this.#again(run, on, observation);
    if (on.openedTools?.has(key) !== true) {
      on.unopened ??= new Map();
      on.unopened.set(key, observation);
    }
    const tools = toolsOf(run);
    tools.open.delete(key);
    tools.closed.add(key);
    for (const other of run.connections.values()) if (other.openedTools?.has(key) === true) return;
    tools.orphans.set(key, observation);
  }

  /** Whether a tool is known by the id of its call, which is started and completed once. */
  get #isCallId(): boolean {
    return this.#bench.knowledge.profile.claims.toolCallIds === true;
  }

  #again(run: Run, { conn }: RunOnConnection, observation: Observation): void {
    const event = observation.event ?? '';
    this.#add(
      'order/duplicate-event',
      run,
      { observation },
      this.#isCallId
        ? `${event} came twice on ${conn} for one tool call`
        : `${event} came more often on ${conn} than its tool had started`,
    );
  }

  #terminal(run: Run, on: RunOnConnection, observation: Observation): void {
    const event = observation.event ?? '';
    const { last } = this.#bench.knowledge.profile.order;
    run.terminals = [...run.terminals, { event, on, id: this.#keyOf(observation) }];
    on.completedAt ??= observation.t;
    if (run.terminals.length === 1) return;
    const distinct = new Set<string>();
    const perConnection = new Map<RunOnConnection, number>();
    for (const terminal of run.terminals) {
      if (terminal.id !== undefined) distinct.add(terminal.id);
      else perConnection.set(terminal.on, (perConnection.get(terminal.on) ?? 0) + 1);
    }
    const ends = distinct.size + Math.max(0, ...perConnection.values());
    if (ends > 1 && !run.cancelled)
      this.#add(
        'order/double-completion',
        run,
        { observation },
        `it ended with ${run.terminals[0]?.event ?? last} and then with ${event}`,
      );
  }

  conclude(ending: Ending): void {
    if (!ending.complete) return;
    this.#noteCompanions();
    for (const run of this.#bench.ledger.runs)
      if (!run.excused) this.#concludeRun(run);
      else if (run.cancelled && run.unrecognised.length === 0) this.#orphans(run, NONE_RENAMED);
  }

  /** What came in a run that lacks nothing goes with the required events, and has replaced none of them elsewhere. */
  #noteCompanions(): void {
    const { order } = this.#bench.knowledge.profile;
    for (const run of this.#bench.ledger.runs)
      if (
        run.unrecognised.length > 0 &&
        order.required.every((event) => hasShown(run, event, order))
      ) {
        for (const { event } of run.unrecognised)
          if (event !== undefined) this.#companions.add(event);
        this.#shapelessBeside = Math.max(this.#shapelessBeside, shapelessOf(run).length);
      }
  }

  #concludeRun(run: Run): void {
    const renamed = this.#presence(run);
    this.#orphans(run, renamed);
    const completed = run.terminals.find(
      (terminal) => terminal.event === this.#bench.knowledge.profile.order.last,
    );
    if (completed === undefined) return;
    for (const open of run.tools?.open.values() ?? [])
      if (!this.#cameRenamed(run, open, renamed))
        this.#add(
          'order/unclosed-tool',
          run,
          { observation: open },
          `it completed while a tool call was open`,
        );
  }

  #orphans(run: Run, renamed: ReadonlySet<string>): void {
    for (const orphan of run.tools?.orphans.values() ?? [])
      if (!this.#cameRenamed(run, orphan, renamed))
        this.#add(
          'order/orphan-event',
          run,
          { observation: orphan },
          `${orphan.event ?? ''} came for a tool call that never started`,
        );
  }

  /**
   * Whether the other half of a tool call is among the events that were found under another name: then it
   * is order/drift alone. Where that half is not missed, what else speaks of the call (its progress) does
   * not stand for it.
   */
  #cameRenamed(
    run: Run,
    { event: half, tool }: Observation,
    renamed: ReadonlySet<string>,
  ): boolean {
    const { pairs, aliases } = this.#bench.knowledge.profile.order;
    return pairs.some(({ opens, closes }) => {
      if (half !== opens && half !== closes) return false;
      const other = half === opens ? closes : opens;
      return (
        renamed.has(other) &&
        run.unrecognised.some(
          ({ event = '', observation }) =>
            observation.tool === tool && (aliases[event] ?? other) === other,
        )
      );
    });
  }

  /**
   * Every required event came, or came under another name, or the run is known to have broken off.
   * Returns those that came under another name.
   */
  #presence(run: Run): ReadonlySet<string> {
    const { order } = this.#bench.knowledge.profile;
    const renamed = new Set<string>();
    const missing = order.required.filter((event) => !hasShown(run, event, order));
    if (missing.length === 0 || this.#excused(run)) return renamed;
    for (const event of missing) {
      const drifted = this.#drifted(run, event, missing);
      if (drifted === undefined) {
        this.#add(
          'order/missing-event',
          run,
          { observation: run.ask, event },
          `${event} never came${unrecognisedOf(run)}`,
        );
        continue;
      }
      renamed.add(event);
      this.#add(
        'order/drift',
        run,
        { observation: drifted.observation, event },
        `${event} never came, but ${drifted.event === undefined ? 'frames of another shape' : drifted.event} did`,
      );
    }
    const silent = run.terminals.length === 0 && run.firstAt !== undefined;
    const inTheMiddle = missing.some((event) => event !== order.last);
    if (silent && inTheMiddle && run.unrecognised.length === 0)
      this.#add(
        'order/stalled-run',
        run,
        { observation: run.ask, event: run.lastEvent ?? order.last },
        `it fell silent after ${run.lastEvent ?? 'its beginning'}`,
      );
    return renamed;
  }

  /** The run failed openly, or its user was cut off: other rules say so, absence adds nothing. */
  #excused(run: Run): boolean {
    const { order } = this.#bench.knowledge.profile;
    // Stopped without a cancel of its asker it has not failed openly: its answer is missing.
    const failed =
      run.terminals.some(({ event }) => order.failure.includes(event)) && !run.hasEnded;
    return (
      failed ||
      run.cutOff ||
      (run.firstAt === undefined && run.timedOut && run.unrecognised.length === 0)
    );
  }

  #drifted(
    run: Run,
    event: string,
    missing: readonly string[],
  ): { event: string | undefined; observation: Observation } | undefined {
    const { order } = this.#bench.knowledge.profile;
    const { aliases } = order;
    const alias = run.unrecognised.find(
      (other) => other.event !== undefined && aliases[other.event] === event,
    );
    if (alias !== undefined) return alias;
    // Another envelope altogether: as many frames nobody can name as events are absent, beside those that always come.
    const shapeless = shapelessOf(run);
    if (shapeless.length - this.#shapelessBeside >= missing.length)
      return shapeless[missing.indexOf(event)];
    // An unknown name counts if it speaks of what the absent event speaks of: a tool, or an agent.
    const ofTool = order.pairs.some(({ opens, closes }) => event === opens || event === closes);
    const alike = run.unrecognised.filter(({ event: name, observation: { tool, agent } }) => {
      const unknown =
        name !== undefined && aliases[name] === undefined && !this.#companions.has(name);
      return unknown && (ofTool ? tool !== undefined : agent !== undefined && tool === undefined);
    });
    return alike[missing.indexOf(event)];
  }
}

/** What else of a run came, for whoever has to tell a lost event from one that the profile does not know. */
function unrecognisedOf(run: Run): string {
  const frames = new UnrecognisedFrames();
  for (const { observation } of run.unrecognised) frames.note(observation);
  const described = frames.describe();
  if (described === undefined) return '';
  return `; of this run ${run.unrecognised.length < UNRECOGNISED_MAX ? '' : 'at least '}${described}`;
}

/** Whether a text stands in an event only where it says what a conversation is called. */
function isTitle({ content }: Observation, text: string): boolean {
  if (content === undefined) return false;
  const holding = [...membersOf(parseObject(content))].filter((member) =>
    member.text.includes(text),
  );
  return (
    holding.length > 0 &&
    holding.every(({ name, of }) => TITLE.test(name) || (name === 'name' && CONVERSATION.test(of)))
  );
}

/** Frames of a run that decode gives no name. */
function shapelessOf({ unrecognised }: Run): Run['unrecognised'] {
  return unrecognised.filter(({ event }) => event === undefined);
}

function toolsOf(run: Run): RunTools {
  run.tools ??= { open: new Map(), closed: new Set(), orphans: new Map() };
  return run.tools;
}

/**
 * How often a tool can have started that completes on this connection. One that showed the run from its
 * start showed all of them; one that came late may complete what was started elsewhere.
 */
function startsBehind(run: Run, on: RunOnConnection, key: string): number {
  if (on.started) return on.openedTools?.get(key) ?? 0;
  let starts = 0;
  for (const { openedTools } of run.connections.values()) starts += openedTools?.get(key) ?? 0;
  return starts;
}

function countUp(counts: Map<string, number>, key: string): number {
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

function isJson(content: string | undefined): boolean {
  if (content === undefined) return false;
  try {
    JSON.parse(content);
    return true; // JSON over several lines is recorded as text.
  } catch {
    return false;
  }
}

/** Stands for a text wherever it is remembered only to be known again. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 16);
}

/** What is remembered of the key of several pieces. */
function piecesOf(key: string): string {
  return `${key} in pieces`;
}
