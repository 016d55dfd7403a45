import type { Content } from '../history/journal-writer.ts';
import type { ObservationFields, Surface } from '../history/observation.ts';
import type { PageOwner } from './browser-parts.ts';
import type { QuietWindow } from './quiet-window.ts';
import { contentOf, toMicroseconds, type Observer, type Recorder } from './recorder.ts';

const MS_PER_SECOND = 1_000;

/**
 * Writes down what one browser profile shows, as seen by whoever the profile belongs to, at the times
 * the browser took. Ties the browser's monotonic clock to the trial's by pairs of both of its clocks.
 */
export class PagePen {
  readonly recorder: Recorder;
  readonly #quiet: QuietWindow;
  #owner: PageOwner | undefined;
  /** Unix milliseconds at the zero of the browser's monotonic clock. */
  #zeroUnixMs: number | undefined;
  #conns = 0;
  readonly #blind = new Set<string>();

  constructor(recorder: Recorder, quiet: QuietWindow) {
    this.recorder = recorder;
    this.#quiet = quiet;
  }

  get owner(): PageOwner | undefined {
    return this.#owner;
  }

  belongsTo(owner: PageOwner): void {
    this.#owner = owner;
    this.#conns = owner.connections;
    this.#blind.clear();
  }

  /** The owner, on no connection or on the one named. */
  observer(conn: string | null = null): Observer {
    return { user: this.#owner?.name ?? null, conn };
  }

  /** A name for the owner's next connection, `u03#1`. */
  nextConn(): string {
    this.#conns += 1;
    return `${this.#owner?.name ?? 'nobody'}#${this.#conns}`;
  }

  /** The same moment on the browser's two clocks, seconds. */
  tie(timestamp: number, wallTime: number): void {
    this.#zeroUnixMs = (wallTime - timestamp) * MS_PER_SECOND;
  }

  /** A moment of the browser's monotonic clock (seconds) on the trial's; never in the future. */
  at(timestamp: number): number {
    if (this.#zeroUnixMs === undefined) return this.recorder.clock.now();
    return this.atUnixMs(this.#zeroUnixMs + timestamp * MS_PER_SECOND);
  }

  /** Something came in that ends silence. */
  heard(at: number): void {
    this.#quiet.event(at);
  }

  /** A wall time of the browser on the trial's clock; never in the future. */
  atUnixMs(unixMs: number): number {
    const { clock } = this.recorder;
    return Math.max(0, Math.min(unixMs - clock.startedAtUnixMs, clock.now()));
  }

  /** A line of the owner's, or of a former one's who is named. `content` is redacted already. */
  line(
    fields: Omit<ObservationFields, 'user' | 'conn'> & {
      readonly conn?: string | null;
      readonly user?: string | null | undefined;
    },
    content: Content | undefined,
    at?: number,
  ): void {
    const { conn = null, user = this.observer().user, ...rest } = fields;
    this.recorder.journal.append({ user, conn, ...rest }, content, at);
  }

  /** A text that a surface showed at a place. */
  text(
    shown: {
      readonly surface: Surface;
      readonly place: string;
      readonly text: string;
      readonly cut?: number;
    },
    at?: number,
  ): void {
    const { surface, place, text, cut } = shown;
    const { vault } = this.recorder;
    const content = contentOf(vault.redact(text), false);
    this.line(
      { surface, dir: 'in', kind: 'text', place: vault.redact(place) },
      cut === undefined ? content : { ...content, cut: cut + (content.cut ?? 0) },
      at === undefined ? undefined : toMicroseconds(at),
    );
  }

  /** A surface could not be watched, wholly or in part; said once per surface and cause. */
  blind(surface: Surface, message: string): void {
    const key = `${surface} ${message}`;
    if (this.#blind.has(key)) return;
    this.#blind.add(key);
    this.recorder.failure(this.observer(), { step: 'watch', reason: surface, message });
  }
}
