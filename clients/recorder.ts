import type { Clock } from '../history/clock.ts';
import type {
  AskedFields,
  Content,
  FrameOrigin,
  JournalWriter,
} from '../history/journal-writer.ts';
import type { ObservationFields, OwnedIds } from '../history/observation.ts';
import { answerField } from '../history/answer-field.ts';
import { profileDefect } from '../history/profile-defect.ts';
import type { Vault } from '../history/redaction.ts';
import { Inbox } from './inbox.ts';

/** Longest content of one line, in characters; what is longer is cut, and `cut` says by how much. */
export const CONTENT_CHARACTERS_MAX = 8 * 1024 * 1024;
/** Longest message of a failure or remark. */
const MESSAGE_CHARACTERS_MAX = 400;
/** Remarks of one trial; a target that provokes one with every frame must not fill the disk. */
const REMARKS_MAX = 50;

/** Rounds milliseconds to a microsecond: finer digits are noise and cost space. */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** A step of a user that did not succeed, as a class that judging can compare. */
export interface FailureReason {
  readonly step: string;
  /**
   * `refused`, `timeout`, `unexpected-close`, `reset`, `status <n>` or `error`; of pages also `not-found`
   * (what the profile names is not there), `not-shown` and `browser-lost`.
   */
  readonly reason: string;
  readonly message: string;
  /** True when the target itself could not be reached at all. */
  readonly unreachable?: boolean | undefined;
  /** The run and the question it was about, where the step was about one. */
  readonly run?: string | undefined;
  readonly question?: number | undefined;
}

/** What is learned of a user from an authoritative place. */
export interface IdentityNews {
  readonly source: 'sign-in' | 'whoami' | 'handshake' | 'thread' | 'ask';
  readonly ids?: OwnedIds | undefined;
  readonly credentials?: readonly string[] | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly shown?: string | undefined;
}

/** What an act was about. */
export type ActDetails = Pick<
  ObservationFields,
  | 'place'
  | 'marker'
  | 'question'
  | 'run'
  | 'thread'
  | 'intended'
  | 'message'
  | 'source'
  | 'owner'
  | 'reason'
>;

/** Whom a line is about. */
export interface Observer {
  readonly user: string | null;
  readonly conn: string | null;
}

/**
 * The pen of a trial: everything clients write goes through here, redacted and bounded. Knows which ids
 * belong to the crowd, so that what belongs to people outside it can be masked.
 */
export class Recorder {
  readonly journal: JournalWriter;
  readonly vault: Vault;
  readonly clock: Clock;
  /** What sockets have read and nobody has written down yet. */
  readonly inbox: Inbox;
  readonly campaignPrefix: string;
  readonly #crowdIds = new Set<string>();
  readonly #chunkEvents: ReadonlySet<string>;
  #remarks = 0;
  #defects = 0;

  constructor(journal: JournalWriter, vault: Vault, campaignPrefix: string) {
    this.journal = journal;
    this.vault = vault;
    this.clock = journal.clock;
    this.inbox = new Inbox(journal);
    this.campaignPrefix = campaignPrefix;
    this.#chunkEvents = new Set(journal.header.profile.order.chunk);
  }

  /** Whether an id (of a user, thread or connection) is one that somebody in the crowd is known to own. */
  ownedByCrowd(id: string): boolean {
    return this.#crowdIds.has(id);
  }

  /**
   * Remembers an id of the crowd without a line of its own (from the header). Runs are not among them:
   * nobody asks for those, and a soak has millions.
   */
  learn(ids: OwnedIds): void {
    const { user, thread, connection, email } = ids;
    for (const id of [user, thread, connection, email]) {
      if (id === undefined || this.#crowdIds.has(id)) continue;
      this.#crowdIds.add(id);
      this.vault.tell(id);
    }
  }

  /** Records own ids, credentials, or an identity that was shown and is not the user's own. */
  identity(observer: Observer, news: IdentityNews, at?: number): void {
    if (news.ids !== undefined) this.learn(news.ids);
    const { source, ids, credentials, audience, shown } = news;
    // Every member is named: spreading costs more than all else about a line.
    this.journal.append(
      {
        user: observer.user,
        conn: observer.conn,
        surface: 'harness',
        dir: 'act',
        kind: 'identity',
        source,
        ids,
        credentials,
        audience,
        shown: shown === undefined ? undefined : this.vault.redact(shown),
      },
      undefined,
      at,
    );
  }

  /**
   * Records what a connection was given to be known by. Comes after the frame that held it: what another was
   * given before is no more this user's own for having been handed out again.
   */
  given(observer: Observer, secrets: readonly string[], at: number): void {
    const credentials = secrets.map((secret) => this.vault.claim(secret));
    this.identity(observer, { source: 'handshake', credentials }, at);
  }

  /** Records a deliberate act: `plant`, `ask`, `sign-in` … */
  act(observer: Observer, act: string, details: ActDetails = {}): void {
    const { place, marker, question, run, thread, intended, message, source, owner, reason } =
      details;
    this.journal.append({
      user: observer.user,
      conn: observer.conn,
      surface: 'harness',
      dir: 'act',
      kind: 'act',
      act,
      owner,
      source,
      reason,
      place,
      marker,
      question,
      run,
      thread,
      intended,
      message,
    });
  }

  /** Records that a question is about to be asked on a connection, and that its run is the asker's own. */
  asked(origin: FrameOrigin, asked: AskedFields): void {
    this.journal.appendAsk(origin, asked);
  }

  failure(observer: Observer, failure: FailureReason): void {
    const { step, reason, message, unreachable, run, question } = failure;
    this.journal.append({
      ...observer,
      surface: 'harness',
      dir: 'act',
      kind: 'failure',
      step,
      reason,
      run,
      question,
      message: this.short(message),
      unreachable: unreachable === true ? true : undefined,
    });
  }

  /** A thing worth knowing when the history is read that no rule judges; the first few are kept. */
  remark(observer: Observer, message: string): void {
    this.#remarks += 1;
    if (this.#remarks <= REMARKS_MAX)
      this.act(observer, 'remark', { message: this.short(message) });
  }

  /**
   * A function of the profile threw: what it would have read there is a gap in the evidence, whatever else was
   * remarked before. Its message is the result.
   */
  defect(observer: Observer, name: string, error: unknown): string {
    const message = profileDefect(name, error);
    this.#defects += 1;
    if (this.#defects <= REMARKS_MAX)
      this.act(observer, 'remark', { message: this.short(message) });
    return message;
  }

  /**
   * A received frame of JSON, redacted. What the judge will read there as a piece of a streamed answer is
   * no credential for being called `token`, as many targets call it: hidden piece by piece, another
   * user's answer would never be found.
   */
  redactFrame(text: string, event: string | undefined): string {
    const clean = this.vault.redact(text);
    if (clean === text || event === undefined || !this.#chunkEvents.has(event)) return clean;
    const { answer } = this.journal.header.profile;
    return this.vault.redact(text, 'in', answerField(answer, JSON.parse(text), answer.chunk));
  }

  /** Text as content: redacted, one line of JSON as it came, everything else as text, bounded. */
  content(text: string, isJson: boolean): Content {
    return contentOf(this.vault.redact(text), isJson);
  }

  /** A text for a message field: redacted, on one line, bounded. */
  short(text: string): string {
    const line = this.vault.redact(text).replaceAll(/\s+/g, ' ');
    return line.length > MESSAGE_CHARACTERS_MAX
      ? `${line.slice(0, MESSAGE_CHARACTERS_MAX)}…`
      : line;
  }
}

/** Redacted bytes that are no text as the content of a line, bounded. */
export function bytesContentOf(bytes: Buffer): Content {
  const base64 = bytes.toString('base64');
  const kept = base64.slice(0, CONTENT_CHARACTERS_MAX);
  const cut = bytes.length - Buffer.byteLength(kept, 'base64');
  return { kind: 'base64', text: kept, cut: cut > 0 ? cut : undefined };
}

/** Redacted text as the content of a line; see {@link Recorder.content}. */
export function contentOf(text: string, isJson: boolean): Content {
  if (text.length > CONTENT_CHARACTERS_MAX) {
    const kept = text.slice(0, CONTENT_CHARACTERS_MAX);
    return { kind: 'text', text: kept, cut: Buffer.byteLength(text) - Buffer.byteLength(kept) };
  }
  const oneLine = isJson && !text.includes('\n') && !text.includes('\r');
  return { kind: oneLine ? 'frame' : 'text', text };
}
