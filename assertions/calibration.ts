import { createHash } from 'node:crypto';
import { mintMarker } from '../history/markers.ts';
import type { Observation, TrialEnd, TrialHeader } from '../history/observation.ts';
import type { Calibration, Finding, Verdict } from '../history/verdict.ts';
import { SampleCollector, type Sample } from './calibration-sample.ts';
import { isTelling, type Foretold } from './knowledge.ts';
import { parseObject } from './json-frame.ts';
import { settledRuns } from './settled-runs.ts';
import { CALIBRATION_RULE, Judge, judgeOnce, type JudgeOptions } from './history-judge.ts';

/** A leak or break put into a recorded history. */
interface Planted {
  readonly observations: readonly Observation[];
  /** The rule that must object. */
  readonly rule: string;
  /** `line` of the changed observation; null when something was taken out. */
  readonly line: number | null;
  readonly observer: string;
}

type Mutation = (sample: Sample, pick: Pick) => Planted | undefined;
/** A repeatable choice: the same history is always changed in the same places. */
type Pick = <T>(from: readonly T[], purpose: string) => T | undefined;

/**
 * Judges a history and, if it would pass, proves that the detector is live: each mutation is applied to
 * a copy of the recorded observations, judged again, and must be found by its rule at its place
 * (DESIGN §3.7).
 * @throws HistoryUnreadable
 */
export function judgeHistory(path: string, options: JudgeOptions = {}): Verdict {
  if (options.calibrate !== true) return judgeOnce(path, options);
  const collector = new SampleCollector();
  const verdict = judgeOnce(path, { ...options, alsoTell: collector });
  if (verdict.verdict !== 'pass') return verdict;
  return withCalibration(verdict, calibrate(collector.sample()));
}

/** Mutates and re-judges; what the unchanged sample already shows does not count as caught. */
export function calibrate(sample: Sample): Calibration & { readonly missed: readonly string[] } {
  const known = new Set(judge(sample, sample.observations).map((finding) => keyOf(finding)));
  const byMutation: Record<string, { planted: number; caught: number }> = {};
  const missed: string[] = [];
  for (const [name, mutate] of Object.entries(MUTATIONS)) {
    const planted = mutate(sample, picker(sample.header.seed, name));
    if (planted === undefined) continue;
    const caught = judge(sample, planted.observations).some((finding) =>
      isCaught(finding, planted, known),
    );
    byMutation[name] = { planted: 1, caught: caught ? 1 : 0 };
    if (!caught) missed.push(`${name} (${planted.rule}, ${planted.observer})`);
  }
  const counts = Object.values(byMutation);
  return {
    planted: counts.length,
    caught: counts.reduce((sum, count) => sum + count.caught, 0),
    byMutation,
    missed,
  };
}

function withCalibration(
  verdict: Verdict,
  { missed, ...calibration }: Calibration & { readonly missed: readonly string[] },
): Verdict {
  const evidence = { ...verdict.evidence, calibration };
  const proven = calibration.planted > 0 && calibration.caught === calibration.planted;
  const rules = verdict.rules.map((rule) =>
    rule.rule === CALIBRATION_RULE
      ? {
          ...rule,
          outcome: proven ? ('pass' as const) : ('inconclusive' as const),
          examined: calibration.planted,
        }
      : rule,
  );
  if (proven) return { ...verdict, evidence, rules };
  const message =
    calibration.planted === 0
      ? 'nothing could be planted in this history, so the detector is not proven'
      : `planted ${calibration.planted}, caught ${calibration.caught}; missed: ${missed.join(', ')}`;
  const finding: Finding = {
    rule: CALIBRATION_RULE,
    severity: 'inconclusive',
    observer: null,
    owner: null,
    surface: 'harness',
    place: null,
    event: null,
    t: 0,
    count: Math.max(1, missed.length),
    mechanism: null,
    message,
    witness: [],
    screenshot: null,
  };
  return {
    ...verdict,
    verdict: 'inconclusive',
    cause: 'blind',
    reasons: [`${CALIBRATION_RULE}: ${message}`],
    rules,
    findings: [finding, ...verdict.findings].slice(0, 1_000),
    evidence,
  };
}

/** As a history is judged from disk: once more where something became known too late. */
function judge(sample: Sample, observations: readonly Observation[]): readonly Finding[] {
  const observing = (foretold?: Foretold): Judge => {
    const judging = new Judge(sample.header, foretold);
    for (const observation of observations) judging.observe(observation);
    return judging;
  };
  const first = observing();
  const judging = first.foretold === undefined ? first : observing(first.foretold);
  const end: TrialEnd = { kind: 'end', n: 0, t: observations.at(-1)?.t ?? 0, reason: 'done' };
  return judging.conclude({ end }).findings;
}

function keyOf(finding: Finding): string {
  return [finding.rule, finding.observer, finding.owner, finding.surface, finding.event].join('|');
}

function isCaught(finding: Finding, planted: Planted, known: ReadonlySet<string>): boolean {
  if (finding.rule !== planted.rule || finding.observer !== planted.observer) return false;
  if (known.has(keyOf(finding))) return false;
  return planted.line === null || finding.witness.some((witness) => witness.line === planted.line);
}

function picker(seed: string, mutation: string): Pick {
  return (from, purpose) => {
    if (from.length === 0) return undefined;
    const digest = createHash('sha256').update(`${seed} ${mutation} ${purpose}`).digest();
    return from[digest.readUInt32BE(0) % from.length];
  };
}

/** A received agent event of a user's own run, with its owner and content. */
function ownEvents(sample: Sample, event: string): readonly Observation[] {
  const settled = settledRuns(sample);
  const asked = new Map<string, string>();
  for (const { kind, act, run, user } of sample.observations)
    if (kind === 'act' && act === 'ask' && run !== undefined && user !== null) asked.set(run, user);
  return sample.observations.filter(
    (observation) =>
      observation.dir === 'in' &&
      observation.kind === 'frame' &&
      observation.event === event &&
      isFrame(observation) &&
      settled(observation) &&
      (observation.run === undefined ||
        (asked.get(observation.run) ?? observation.user) === observation.user),
  );
}

/** JSON on several lines is recorded as a text. */
function isFrame({ contentKind, content, cut }: Observation): boolean {
  if (contentKind !== 'text' || content === undefined) return contentKind === 'frame';
  return cut === undefined && parseObject(content) !== undefined;
}

function namesItsOwner({ owner, thread, run }: Observation): boolean {
  return (owner ?? thread ?? run) !== undefined;
}

/** Required events that hold a marker of their receiver. */
function eventsWithMarker(sample: Sample): readonly Observation[] {
  const prefixes = new Map(sample.header.users.map((user) => [user.user, user.markerPrefix]));
  return sample.header.profile.order.required
    .flatMap((name) => ownEvents(sample, name))
    .filter(({ user, content }) => {
      const prefix = prefixes.get(user ?? '');
      return prefix !== undefined && content?.includes(prefix) === true;
    });
}

/**
 * What shows itself as another user's where it is moved, and by which rule: an event by its ids. Of a target whose
 * events never carry an id, only the content can say whose one is: that of one event, or of all pieces of an answer.
 */
function movable(
  sample: Sample,
  pick: Pick,
): { readonly what: readonly Observation[]; readonly rule: string } {
  const events = ownEvents(sample, required(sample, 1));
  const isNameless = !events.some(namesItsOwner);
  const telling = isNameless ? eventsWithMarker(sample) : [];
  const event = pick(telling.length > 0 ? telling : events, 'event');
  if (event === undefined) return { what: [], rule: MISDELIVERED };
  if (telling.length > 0) return { what: [event], rule: FOREIGN_MARKER };
  const end = isNameless ? pick(lastEvents(sample), 'event') : undefined;
  const pieces = end === undefined ? [] : piecesOf(sample, end);
  if (pieces.length > 0) return { what: pieces, rule: FOREIGN_MARKER };
  return { what: [event], rule: MISDELIVERED };
}

/** The event that ends each run: of several completions (nested agents) the last. */
function lastEvents(sample: Sample): readonly Observation[] {
  const perRun = new Map<string, Observation>();
  for (const event of ownEvents(sample, sample.header.profile.order.last))
    perRun.set(`${event.user ?? ''} ${event.run ?? ''}`, event);
  return [...perRun.values()];
}

/**
 * Whether anything tells whose run an event is of, as the rules take it: the question or its acknowledgement, or an
 * event of the run with an id or a marker of its asker. Events that name no run are of their receiver's question.
 */
function isKnown({ header, observations }: Sample, { run, user }: Observation): boolean {
  if (run === undefined) return true;
  const prefix = header.users.find((other) => other.user === user)?.markerPrefix ?? '';
  const own = observations.filter((observation) => observation.user === user);
  const threads = new Set(own.flatMap(({ act, thread, ids }) => [ids?.thread, act && thread]));
  return own.some(
    (o) =>
      o.ids?.run === run ||
      (o.run === run &&
        (o.act === 'ask' ||
          o.owner !== undefined ||
          (o.thread !== undefined && threads.has(o.thread)) ||
          o.content?.includes(prefix) === true)),
  );
}

/**
 * Somebody who may see nothing of a user: members of a thread may see each other's events in it. Neither
 * whose ids the user tried (what it named itself may be echoed), nor whose browser profile was taken over
 * (what is left there is residue, which is another rule's).
 */
function otherUser(
  sample: Sample,
  user: string | null,
  pick: Pick,
): TrialHeader['users'][number] | undefined {
  const related = new Set([user]);
  for (const { act, audience = [], message, owner, user: actor } of sample.observations) {
    if (user !== null && audience.includes(user))
      for (const member of audience) related.add(member);
    if (act === 'probe' && actor === user && owner !== undefined) related.add(owner);
    if (act === 'take-over' && message !== undefined) related.add(message);
  }
  return pick(
    sample.header.users.filter((other) => !related.has(other.user)),
    'other user',
  );
}

/** What a page showed or a browser kept. */
function isPageText({ dir, surface, contentKind }: Observation): boolean {
  const isPage = surface === 'dom' || surface === 'storage';
  return dir === 'in' && isPage && contentKind !== undefined && contentKind !== 'base64';
}

/** A line number no recorded observation has, so that a witness names the planted one. */
function freshLine(sample: Sample): number {
  return (sample.observations.at(-1)?.line ?? 0) + 1_000_000;
}

function insertAfter(
  sample: Sample,
  after: Observation,
  ...planted: readonly Observation[]
): readonly Observation[] {
  const at = sample.observations.indexOf(after) + 1;
  return [...sample.observations.slice(0, at), ...planted, ...sample.observations.slice(at)];
}

function replace(sample: Sample, old: Observation, planted: Observation): readonly Observation[] {
  return sample.observations.map((observation) => (observation === old ? planted : observation));
}

/**
 * The streamed pieces of an answer that came where its end did: many a target says the answer in them alone.
 * Pieces that name no run are of the latest question, as the rules take them.
 */
function piecesOf(sample: Sample, end: Observation): readonly Observation[] {
  const asked = sample.observations.findLast(
    ({ act, user, line }) => act === 'ask' && user === end.user && line < end.line,
  );
  const isOfLatest = ({ run, line }: Observation): boolean =>
    run === undefined && line > (asked?.line ?? 0) && line < end.line;
  return sample.header.profile.order.chunk
    .flatMap((name) => ownEvents(sample, name))
    .filter(({ user, conn }) => user === end.user && conn === end.conn)
    .filter((piece) => piece.run === end.run || isOfLatest(piece))
    .toSorted((a, b) => a.line - b.line);
}

/**
 * One's own pieces give way to another's words, in the place of the last one and under its ids; before the end
 * where one's own answer came without pieces.
 */
function withPieces(
  observations: readonly Observation[],
  end: Observation,
  { mine, theirs }: Readonly<Record<'mine' | 'theirs', readonly Observation[]>>,
): readonly Observation[] {
  if (theirs.length === 0) return observations;
  const last = mine.at(-1);
  const { id: _id, sequence: _sequence, ...rest } = last ?? end;
  const { line } = end;
  const told = theirs.map(({ content, event }) => ({ ...rest, line, event, content }));
  const dropped = new Set(mine);
  return observations.flatMap((observation) => {
    if (observation === last) return told;
    if (observation === end && last === undefined) return [...told, end];
    return dropped.has(observation) ? [] : [observation];
  });
}

/** The connection on which a user received events. */
function connectionOf(sample: Sample, user: string): Observation | undefined {
  return sample.observations.find(
    (observation) =>
      observation.user === user &&
      observation.dir === 'in' &&
      observation.kind === 'frame' &&
      observation.conn !== null,
  );
}

/** The frame with one more member, spliced in as text so that any JSON object or list will do. */
function withMember(content: string, name: string, value: string): string | undefined {
  const trimmed = content.trimEnd();
  const close = trimmed.at(-1);
  if (close !== '}' && close !== ']') return undefined;
  const before = trimmed.slice(0, -1);
  const comma = /[{[]$/.test(before.trimEnd()) ? '' : ',';
  const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `${before}${comma}${close === '}' ? member : `{${member}}`}${close}`;
}

/** Adds a member to one of a user's own events; `value` is made from another user. */
function splice(
  rule: string,
  event: (sample: Sample) => string,
  value: (sample: Sample, other: TrialHeader['users'][number]) => string | undefined,
): Mutation {
  return (sample, pick) => {
    const target = pick(ownEvents(sample, event(sample)), 'event');
    const other = otherUser(sample, target?.user ?? null, pick);
    if (target?.user == null || target.content === undefined || other === undefined)
      return undefined;
    // Nothing leaks before it exists: users may join late.
    const until = sample.observations.indexOf(target);
    const text = value({ ...sample, observations: sample.observations.slice(0, until) }, other);
    const content = text === undefined ? undefined : withMember(target.content, 'note', text);
    if (content === undefined) return undefined;
    const line = freshLine(sample);
    const claim = claimOf(rule, text);
    const planted = { ...target, content, line, ...claim };
    if (decidesAlone(claim, target)) return undefined;
    return { observations: replace(sample, target, planted), rule, line, observer: target.user };
  };
}

interface Claim {
  readonly owner?: string;
  readonly thread?: string;
}

/** An id too short to be searched for is found where an event says that it carries one. */
function claimOf(rule: string, text: string | undefined): Claim {
  if (text === undefined || isTelling(text)) return {};
  return rule === FOREIGN_RUN ? { thread: text } : { owner: text };
}

/** Whether no other id says whose the whole event is: then it would be moved, not spliced into. */
function decidesAlone({ owner, thread }: Claim, event: Observation): boolean {
  if (thread !== undefined) return event.run === undefined;
  return owner !== undefined && (event.run ?? event.thread) === undefined;
}

/** A run's id, or its thread's where that of the run is too short: in its own field it would move the event. */
function runOrThread(sample: Sample, user: string): string | undefined {
  const run = idOf(sample, user, 'run');
  return run === undefined || isTelling(run) ? run : idOf(sample, user, 'thread');
}

function idOf(sample: Sample, user: string, kind: 'user' | 'thread' | 'run'): string | undefined {
  for (const observation of sample.observations)
    if (
      observation.kind === 'identity' &&
      observation.user === user &&
      observation.ids?.[kind] !== undefined
    )
      return observation.ids[kind];
  return undefined;
}

const required = (sample: Sample, index: number): string =>
  sample.header.profile.order.required.at(index) ?? sample.header.profile.order.last;
const lastEvent = (sample: Sample): string => sample.header.profile.order.last;
const pair = (sample: Sample): { opens: string; closes: string } | undefined =>
  sample.header.profile.order.pairs[0];

const FOREIGN_RUN = 'isolation/foreign-run';
const FOREIGN_MARKER = 'isolation/foreign-marker';
const MISDELIVERED = 'isolation/misdelivered-event';

/** Every class of mutation, by the name that `evidence.calibration.byMutation` shows. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'event-moved': (sample, pick) => {
    const moved = movable(sample, pick);
    const event = moved.what.at(-1);
    const other = otherUser(sample, event?.user ?? null, pick);
    const at = other === undefined ? undefined : connectionOf(sample, other.user);
    if (event === undefined || other === undefined || at === undefined) return undefined;
    const line = freshLine(sample);
    return {
      observations: insertAfter(
        sample,
        event,
        ...moved.what.map((one) => ({ ...one, user: other.user, conn: at.conn, line })),
      ),
      rule: moved.rule,
      line,
      observer: other.user,
    };
  },
  'marker-spliced': splice(FOREIGN_MARKER, lastEvent, (_sample, other) =>
    mintMarker(other.markerPrefix, 'note', 0),
  ),
  'marker-encoded': splice(
    FOREIGN_MARKER,
    (sample) => required(sample, 1),
    (_sample, other) =>
      Buffer.from(`of ${mintMarker(other.markerPrefix, 'question', 1)}`).toString('base64'),
  ),
  'page-spliced': (sample, pick) => {
    const target = pick(sample.observations.filter(isPageText), 'text');
    const other = otherUser(sample, target?.user ?? null, pick);
    if (target?.user == null || target.content === undefined || other === undefined)
      return undefined;
    const line = freshLine(sample);
    const content = `${target.content} ${mintMarker(other.markerPrefix, 'note', 0)}`;
    return {
      observations: replace(sample, target, { ...target, content, contentKind: 'text', line }),
      rule: FOREIGN_MARKER,
      line,
      observer: target.user,
    };
  },
  'run-id-spliced': splice(
    FOREIGN_RUN,
    (sample) => required(sample, 1),
    (sample, other) => runOrThread(sample, other.user),
  ),
  'identity-spliced': splice(
    'isolation/foreign-identity',
    (sample) => required(sample, 1),
    // A users file of tokens names nobody.
    (sample, other) => idOf(sample, other.user, 'user') ?? (other.identity || undefined),
  ),
  'credential-spliced': splice('isolation/foreign-credential', lastEvent, (sample, other) => {
    const hashes = sample.observations.flatMap((observation) =>
      observation.kind === 'identity' && observation.user === other.user
        ? (observation.credentials ?? [])
        : [],
    );
    const hash = hashes[0] ?? other.credentials[0];
    return hash === undefined ? undefined : `[redacted:${hash}]`;
  }),
  'ids-stripped': (sample, pick) => {
    const name = sample.header.profile.order.required.find(
      (event) => (sample.header.profile.claims.ids[event] ?? []).length > 0,
    );
    const event = name === undefined ? undefined : pick(ownEvents(sample, name), 'event');
    if (event?.user == null) return undefined;
    const line = freshLine(sample);
    const {
      owner: _owner,
      thread: _thread,
      run: _run,
      id: _id,
      sequence: _sequence,
      ...rest
    } = event;
    const planted: Observation = {
      ...rest,
      line,
      content: `{"type":${JSON.stringify(event.event)}}`,
    };
    return {
      observations: insertAfter(sample, event, planted),
      rule: 'isolation/unattributable-event',
      line,
      observer: event.user,
    };
  },
  'answers-swapped': (sample, pick) => {
    const event = pick(lastEvents(sample), 'event');
    const other = otherUser(sample, event?.user ?? null, pick);
    const theirs =
      other === undefined ? undefined : lastEvents(sample).find((o) => o.user === other.user);
    if (event?.user == null || theirs?.content === undefined) return undefined;
    const { answer, chunk } = sample.header.profile.answer;
    if (answer.length + chunk.length === 0) return undefined;
    const line = freshLine(sample);
    const planted = { ...event, content: theirs.content, line };
    const observations = withPieces(replace(sample, event, planted), planted, {
      mine: piecesOf(sample, event),
      theirs: piecesOf(sample, theirs),
    });
    return {
      observations,
      // A run that is known by its answer alone is nobody's with another answer: its words still tell whose they are.
      rule: isKnown({ ...sample, observations }, event) ? 'isolation/wrong-answer' : FOREIGN_MARKER,
      line,
      observer: event.user,
    };
  },
  'event-dropped': (sample, pick) => {
    const name = required(sample, 1);
    const event = pick(ownEvents(sample, name), 'event');
    if (event?.user == null) return undefined;
    // One that names no run may stand in for one that does.
    const isOfRun = ({ run }: Observation): boolean =>
      run === event.run || run === undefined || event.run === undefined;
    const dropped = (observation: Observation): boolean =>
      observation.user === event.user && observation.event === name && isOfRun(observation);
    return {
      observations: sample.observations.filter((observation) => !dropped(observation)),
      rule: 'order/missing-event',
      line: null,
      observer: event.user,
    };
  },
  'event-doubled': (sample, pick) => {
    const event = pick(ownEvents(sample, required(sample, 0)), 'event');
    if (event?.user == null) return undefined;
    const line = freshLine(sample);
    return {
      observations: insertAfter(sample, event, { ...event, line }),
      rule: 'order/duplicate-event',
      line,
      observer: event.user,
    };
  },
  'pair-turned': (sample, pick) => {
    const names = pair(sample);
    const closing =
      names === undefined ? undefined : pick(ownEvents(sample, names.closes), 'event');
    if (names === undefined || closing?.user == null) return undefined;
    const opening = ownEvents(sample, names.opens).find(
      (o) =>
        o.user === closing.user &&
        o.conn === closing.conn &&
        o.tool === closing.tool &&
        o.run === closing.run,
    );
    if (opening === undefined || opening.tool === undefined) return undefined;
    const line = freshLine(sample);
    const early = { ...closing, t: opening.t, line };
    const observations = sample.observations.flatMap((observation) => {
      if (observation === opening) return [early, opening];
      return observation === closing ? [] : [observation];
    });
    return { observations, rule: 'order/out-of-order', line, observer: closing.user };
  },
  'event-late': (sample, pick) => {
    const end = pick(lastEvents(sample), 'event');
    const event = ownEvents(sample, required(sample, 1)).findLast(
      (o) =>
        o.user === end?.user && o.run === end?.run && o.thread === end?.thread && o.line < end.line,
    );
    if (end?.user == null || event === undefined) return undefined;
    const line = freshLine(sample);
    const { id: _id, sequence: _sequence, ...rest } = event;
    return {
      // A run that was resumed ends on another connection than it began on.
      observations: insertAfter(sample, end, { ...rest, conn: end.conn, t: end.t + 1, line }),
      rule: 'order/after-completion',
      line,
      observer: end.user,
    };
  },
  'frame-garbled': (sample, pick) => {
    const event = pick(ownEvents(sample, required(sample, 0)), 'event');
    if (event?.user == null) return undefined;
    const line = freshLine(sample);
    const planted: Observation = {
      n: event.n,
      t: event.t,
      line,
      user: event.user,
      conn: event.conn,
      surface: event.surface,
      dir: 'in',
      kind: 'frame',
      contentKind: 'text',
      content: '{"type":"agent_',
    };
    return {
      observations: insertAfter(sample, event, planted),
      rule: 'order/malformed-event',
      line,
      observer: event.user,
    };
  },
};
