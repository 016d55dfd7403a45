import type { Observation } from '../history/observation.ts';
import { RULES, ruleText } from '../history/rules.ts';
import type { Cause, Finding, Mechanism, Severity } from '../history/verdict.ts';
import { OUTSIDE, type Knowledge, type UserIndex } from './knowledge.ts';
import { OutsiderMask } from './outsider-mask.ts';

/** Findings listed in a verdict (DESIGN §4.5). */
export const FINDINGS_MAX = 1_000;
/** Witnesses kept per finding. */
const WITNESSES_MAX = 3;
/** Distinct findings remembered per rule beyond those listed, so that each is counted once. */
const OMITTED_KEYS_MAX = 100_000;
const EXCERPT_BEFORE = 90;
const EXCERPT_AFTER = 150;
/** Read on both sides of an excerpt: a name that it cuts in two is known by all of it. */
const AROUND_EXCERPT = 1_000;

/** A break of a rule, as a rule reports it. */
export interface Draft {
  readonly rule: string;
  /** Overrides the rule's registered severity and cause (an outage is no misbehaviour). */
  readonly severity?: Severity;
  readonly cause?: Cause;
  readonly observer: UserIndex | null;
  /** A user, {@link OUTSIDE}, or null where nobody owns anything. */
  readonly owner: UserIndex | null;
  /** Where it was seen; null for what is no one observation. */
  readonly observation: Observation | null;
  readonly surface?: string;
  readonly place?: string | null;
  readonly event?: string | null;
  /** Position in the content, for the excerpt. */
  readonly at?: number;
  readonly mechanism?: Mechanism | null;
  /** One sentence without a full stop. */
  readonly message: string;
}

/** A finding with what only the judge needs. */
export interface Entry {
  readonly draft: Draft;
  severity: Severity;
  cause: Cause;
  count: number;
  mechanism: Mechanism | null;
  message: string;
  readonly witness: { readonly line: number; readonly excerpt: string }[];
  readonly t: number;
}

/** It too accuses of what nobody in the crowd is known to have. */
const UNSOLICITED = 'isolation/unsolicited-run';

const RULE_ORDER = new Map<string, number>(RULES.map((rule, index) => [rule.name, index]));
const SEVERITY_ORDER: Readonly<Record<Severity, number>> = {
  violation: 0,
  inconclusive: 1,
  note: 2,
};

/** Collects findings: one per rule, observer, owner, surface and event, with the first witnesses. */
export class Report {
  readonly #knowledge: Knowledge;
  readonly #outsiders: OutsiderMask;
  readonly #entries = new Map<string, Entry>();
  readonly #listed = new Map<string, number>();
  readonly #omitted = new Set<string>();
  /** Path of the latest picture of each user's page. */
  readonly #pictures = new Map<UserIndex, string>();
  #violations = 0;

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#outsiders = new OutsiderMask(knowledge);
  }

  /** Whether any violation was reported so far. */
  get violated(): boolean {
    return this.#violations > 0;
  }

  /** Entries so far, in the order of their first report. */
  get entries(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  /** Notes that a picture of a user's page was taken. */
  pictured(user: UserIndex, path: string): void {
    this.#pictures.set(user, path);
  }

  add(draft: Draft): void {
    const surface = surfaceOf(draft);
    const event = eventOf(draft);
    const severity = draft.severity ?? ruleText(draft.rule).severity;
    // By severity too: neither may a violation be merged into a note, nor notes take up its place.
    const kind = `${draft.rule}|${severity}`;
    const key = `${kind}|${draft.observer ?? ''}|${draft.owner ?? 'n'}|${surface}|${event ?? ''}`;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.count += 1;
      if (known.witness.length < WITNESSES_MAX) pushWitness(known.witness, draft, this.#outsiders);
      return;
    }
    const entry = entryOf(this.#masked(draft), this.#outsiders);
    if (entry.severity === 'violation') this.#violations += 1;
    const listed = this.#listed.get(kind) ?? 0;
    if (listed < FINDINGS_MAX) {
      this.#listed.set(kind, listed + 1);
      this.#entries.set(key, entry);
    } else if (this.#omitted.size < OMITTED_KEYS_MAX) this.#omitted.add(key);
  }

  /** Where something stands may be told by the name of a person outside: `members.jo@example.com.id`. */
  #masked(draft: Draft): Draft {
    const { observation, place, message } = draft;
    if (observation === null || place == null) return draft;
    const mask = this.#outsiders.of(observation);
    return { ...draft, place: mask(place), message: mask(message) };
  }

  /**
   * Takes back what was said after a line where others are missing, if one of those may say that it was the
   * observer's own: whose something is that nobody in the crowd is known to have.
   */
  doubtAfter(line: number): void {
    for (const entry of this.#entries.values()) {
      const { owner, rule } = entry.draft;
      if (entry.severity !== 'violation' || (owner !== OUTSIDE && rule !== UNSOLICITED)) continue;
      if ((entry.draft.observation?.line ?? 0) < line) continue;
      entry.severity = 'inconclusive';
      entry.cause = 'blind';
      entry.message += '; lines that may explain it are missing';
      this.#violations -= 1;
    }
  }

  /** The listed findings, worst first, and how many were left out. */
  conclude(): { findings: Finding[]; omitted: number } {
    const sorted = [...this.#entries.values()].toSorted(
      (a, b) =>
        SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity] ||
        (RULE_ORDER.get(a.draft.rule) ?? 0) - (RULE_ORDER.get(b.draft.rule) ?? 0) ||
        a.t - b.t ||
        (a.draft.observer ?? -1) - (b.draft.observer ?? -1),
    );
    const listed = fairShare(sorted);
    const findings = listed.map((entry) => this.#toFinding(entry));
    return { findings, omitted: sorted.length - listed.length + this.#omitted.size };
  }

  #toFinding(entry: Entry): Finding {
    const { draft } = entry;
    const name = (user: UserIndex | null): string | null =>
      user === null ? null : this.#knowledge.nameOf(user);
    return {
      rule: draft.rule,
      severity: entry.severity,
      observer: name(draft.observer),
      owner: draft.owner === OUTSIDE ? 'outside' : name(draft.owner),
      surface: surfaceOf(draft),
      place: draft.place ?? null,
      event: eventOf(draft),
      t: entry.t,
      count: entry.count,
      mechanism: entry.mechanism,
      message:
        entry.mechanism === null || entry.message.includes(entry.mechanism)
          ? entry.message
          : `${entry.message} (${entry.mechanism})`,
      witness: entry.witness,
      screenshot: draft.observer === null ? null : (this.#pictures.get(draft.observer) ?? null),
    };
  }
}

function entryOf(draft: Draft, outsiders: OutsiderMask): Entry {
  const text = ruleText(draft.rule);
  const witness: Entry['witness'] = [];
  pushWitness(witness, draft, outsiders);
  return {
    draft,
    severity: draft.severity ?? text.severity,
    cause: draft.cause ?? text.cause,
    count: 1,
    mechanism: draft.mechanism ?? null,
    message: draft.message,
    witness,
    t: draft.observation?.t ?? 0,
  };
}

/** No rule's flood may crowd out another rule's findings of the same severity. */
function fairShare(sorted: readonly Entry[]): readonly Entry[] {
  if (sorted.length <= FINDINGS_MAX) return sorted;
  const byRule = new Map<string, Entry[]>();
  for (const entry of sorted) {
    const entries = byRule.get(entry.draft.rule);
    if (entries === undefined) byRule.set(entry.draft.rule, [entry]);
    else entries.push(entry);
  }
  const kept = new Set<Entry>();
  for (let round = 0; kept.size < FINDINGS_MAX; round += 1)
    for (const entries of byRule.values()) {
      const entry = entries[round];
      if (entry !== undefined && kept.size < FINDINGS_MAX) kept.add(entry);
    }
  return sorted.filter((entry) => kept.has(entry));
}

function surfaceOf(draft: Draft): string {
  return draft.surface ?? draft.observation?.surface ?? 'harness';
}

function eventOf(draft: Draft): string | null {
  if (draft.event !== undefined) return draft.event;
  return draft.observation?.event ?? null;
}

function pushWitness(witness: Entry['witness'], draft: Draft, outsiders: OutsiderMask): void {
  const { observation } = draft;
  if (observation === null || witness.some((other) => other.line === observation.line)) return;
  const excerpt = excerptOf(draft, observation, outsiders.of(observation));
  witness.push({ line: observation.line, excerpt });
}

/** A copy of the part of the content that shows it; text of a person outside is never shown. */
function excerptOf(draft: Draft, observation: Observation, mask: (text: string) => string): string {
  const { content } = observation;
  if (draft.owner === OUTSIDE || content === undefined) return mask(describe(observation));
  const at = Math.max(0, draft.at ?? 0);
  const from = Math.max(0, at - EXCERPT_BEFORE);
  const to = Math.min(content.length, at + EXCERPT_AFTER);
  const before = mask(content.slice(Math.max(0, from - AROUND_EXCERPT), at)).slice(from - at || at);
  const behind = mask(content.slice(at, to + AROUND_EXCERPT)).slice(0, to - at);
  const text = `${from > 0 ? '…' : ''}${before}${behind}${to < content.length ? '…' : ''}`;
  // A slice would keep the whole content alive; a copy does not.
  return Buffer.from(text).toString();
}

function describe(observation: Observation): string {
  const parts = [`${observation.surface} ${observation.dir} ${observation.kind}`];
  for (const key of [
    'event',
    'thread',
    'run',
    'step',
    'reason',
    'code',
    'status',
    'url',
  ] as const) {
    const value = observation[key];
    if (value !== undefined) parts.push(`${key}=${String(value)}`);
  }
  return parts.join(' ');
}
