import { randomBytes } from 'node:crypto';
import type { BrowserContext } from 'playwright';
import type { DevToolsChannel } from './page-channel.ts';
import type { PagePen } from './page-pen.ts';
import { CanvasWatcher } from './page-canvas-script.ts';
import { PageDeedWatcher } from './page-deed-script.ts';
import { PageLedger } from './page-ledger-script.ts';
import { PageOutlet } from './page-outlet-script.ts';
import { OWN_NAMES } from './page-own-names.ts';
import { PageShownWatcher } from './page-shown-script.ts';
import type { CloseSeen } from './page-socket-closes.ts';
import { PageTextWatcher, type PageRecord, type TextScriptSettings } from './page-text-script.ts';
import { within } from './waiting.ts';

/** Longest text of one block that is told; what is longer is cut. */
const TEXT_CHARACTERS_MAX = 200_000;
/** Text one document may tell in all; a page that never stops changing must not fill the disk. */
const DOCUMENT_CHARACTERS_MAX = 64 * 1024 * 1024;
/** The same of what it does beside that. */
const DEEDS_CHARACTERS_MAX = 16 * 1024 * 1024;

interface TextWatchListeners {
  /** Told when a page says how one of its sockets ended. */
  readonly closed: (channel: DevToolsChannel, seen: CloseSeen) => void;
  /** Told when a page writes a cookie, as it is written. */
  readonly cookie: (text: string, at: number) => void;
}

/** Records what pages show, from within them; see `page-text-script.ts`. */
export class PageTextWatch {
  readonly #pen: PagePen;
  readonly #closed: TextWatchListeners['closed'];
  readonly #cookie: TextWatchListeners['cookie'];
  readonly #settings: TextScriptSettings;
  /** Name of the function that takes a batch out of a page; it is removed from the page's sight. */
  readonly #binding: string;
  /** Script contexts of the pages' own worlds, by the target they live in. */
  readonly #contexts = new Map<DevToolsChannel, Set<number>>();

  constructor(pen: PagePen, { closed, cookie }: TextWatchListeners) {
    this.#pen = pen;
    this.#closed = closed;
    this.#cookie = cookie;
    const secret = randomBytes(8).toString('hex');
    this.#binding = `b${secret}`;
    this.#settings = {
      handle: `h${secret}`,
      textCharactersMax: TEXT_CHARACTERS_MAX,
      documentCharactersMax: DOCUMENT_CHARACTERS_MAX,
    };
  }

  /** From now on every document of the profile is watched before its first script runs. */
  async install(context: BrowserContext): Promise<void> {
    const script = `(() => {
      ${OWN_NAMES}
      const Watcher = ${PageTextWatcher.toString()};
      const Outlet = ${PageOutlet.toString()};
      const Ledger = ${PageLedger.toString()};
      const Canvas = ${CanvasWatcher.toString()};
      const Deeds = ${PageDeedWatcher.toString()};
      const Shown = ${PageShownWatcher.toString()};
      new Watcher(${JSON.stringify(this.#settings)}, {
        outlet: new Outlet(${JSON.stringify(this.#binding)}),
        deeds: new Deeds(new Ledger('does', ${DEEDS_CHARACTERS_MAX})),
        canvas: new Canvas('canvas', new Ledger('draws', ${DEEDS_CHARACTERS_MAX})),
        shown: new Shown(new Ledger('says', ${DEEDS_CHARACTERS_MAX})),
      }).start();
    })();`;
    await context.addInitScript({ content: script });
  }

  /** Commands that lay the way out of a target's documents. They may be sent at once. */
  enable(channel: DevToolsChannel): Promise<unknown>[] {
    return [channel.send('Runtime.addBinding', { name: this.#binding })];
  }

  /** Listens to what the documents of one target tell. */
  attach(channel: DevToolsChannel): void {
    const contexts = new Set<number>();
    this.#contexts.set(channel, contexts);
    channel.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.auxData?.isDefault === true) contexts.add(context.id);
    });
    channel.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      contexts.delete(executionContextId);
    });
    channel.on('Runtime.executionContextsCleared', () => contexts.clear());
    channel.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === this.#binding) this.#take(channel, payload);
    });
    channel.onEnd(() => this.#contexts.delete(channel));
  }

  /**
   * Listens to what a worker draws, before its first script. A worker that does not take the watcher has nothing to
   * draw with, or is gone.
   */
  watchWorker(channel: DevToolsChannel): Promise<unknown>[] {
    const expression = `(() => {
      ${OWN_NAMES}
      const Outlet = ${PageOutlet.toString()};
      const Ledger = ${PageLedger.toString()};
      const Canvas = ${CanvasWatcher.toString()};
      const outlet = new Outlet(${JSON.stringify(this.#binding)});
      new Canvas('canvas of a worker', new Ledger('draws', ${DEEDS_CHARACTERS_MAX})).start((record) =>
        outlet.put(record),
      );
    })();`;
    channel.on('Runtime.bindingCalled', ({ name, payload }) => {
      if (name === this.#binding) this.#take(channel, payload);
    });
    return [...this.enable(channel), channel.send('Runtime.evaluate', { expression })].map((sent) =>
      sent.catch(() => undefined),
    );
  }

  /** Makes the pages tell everything they show once more. */
  again(ms: number): Promise<void> {
    return this.#call('again', ms);
  }

  /** Waits until the pages have told what they know. */
  flush(ms: number): Promise<void> {
    return this.#call('flush', ms);
  }

  async #call(method: 'again' | 'flush', ms: number): Promise<void> {
    const expression = `globalThis[${JSON.stringify(this.#settings.handle)}]?.${method}()`;
    const calls = [...this.#contexts].flatMap(([channel, contexts]) =>
      [...contexts].map((contextId) =>
        // A document that is just being left, or a page that is gone, has told what it could.
        channel.send('Runtime.evaluate', { contextId, expression }, ms).catch(() => undefined),
      ),
    );
    await within(Promise.all(calls), ms, () => undefined);
  }

  #take(channel: DevToolsChannel, payload: string): void {
    let records: readonly PageRecord[];
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own script
      records = JSON.parse(payload) as readonly PageRecord[];
    } catch {
      this.#pen.blind('dom', 'what the page showed came out garbled');
      return;
    }
    for (const record of records) this.#record(channel, record);
  }

  #record(channel: DevToolsChannel, record: PageRecord): void {
    const at = this.#pen.atUnixMs(record.at);
    switch (record.kind) {
      case 'text':
        this.#pen.text({ surface: 'dom', ...record }, at);
        break;
      case 'notification':
        this.#pen.text({ surface: 'screen', place: 'notification', text: record.text }, at);
        break;
      case 'kept':
        this.#pen.text({ surface: 'storage', place: record.place, text: record.text }, at);
        break;
      case 'cookie':
        this.#cookie(record.text, at);
        break;
      case 'message':
        this.#pen.text({ surface: 'socket', place: record.place, text: record.text }, at);
        this.#pen.heard(at);
        break;
      case 'close':
        this.#closed(channel, record);
        break;
      case 'broken':
        this.#pen.blind('dom', record.text);
    }
  }
}
