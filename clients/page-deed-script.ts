/**
 * What runs in every page beside its text watcher, and tells what the page does that no document shows:
 * what it puts into its history, its name, its cookies, and what comes over data channels.
 * The class is sent to the page as its source, so it must stand alone: nothing from outside it but types.
 */
/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/unbound-method -- a page's own objects
   are known by their looks, and its functions are put back where they came from */
import type { PageLedger } from './page-ledger-script.ts';
import type { PageRecord } from './page-text-script.ts';

/** The part of the cookie store that writes. */
interface CookieWriter {
  set(nameOrCookie: string | { name: string; value: string }, value?: string): Promise<void>;
}

/** Watches what one document does; see the file's head. */
export class PageDeedWatcher {
  readonly #ledger: PageLedger;
  readonly #stringify = JSON.stringify;
  readonly #frame: string;
  #put: (record: PageRecord) => void = () => undefined;

  constructor(ledger: PageLedger) {
    this.#ledger = ledger;
    this.#frame =
      globalThis.top === globalThis.self ? '' : `frame(${location.origin}${location.pathname}) `;
  }

  start(put: (record: PageRecord) => void): void {
    this.#put = put;
    this.#ledger.start(put);
    this.#hookHistory();
    this.#hookCookies();
    this.#hookDataChannels();
    this.#hookClosedTrees();
    this.#hookBlobs();
    this.look();
  }

  /** Looks at what there is to be seen without being told. */
  look(): void {
    this.#tellState(history.state);
    if (window.name !== '') this.#tell('kept', 'window.name', window.name);
    // A newer interface, which keeps states of its own.
    const { navigation } = globalThis as {
      navigation?: { currentEntry?: { getState(): unknown } };
    };
    this.#tellState(navigation?.currentEntry?.getState());
  }

  /** Tells everything anew that can be seen now. */
  again(): void {
    this.#ledger.forget();
    this.look();
  }

  #hookHistory(): void {
    for (const verb of ['pushState', 'replaceState'] as const) {
      const own = History.prototype[verb];
      const tell = (state: unknown): void => this.#tellState(state);
      History.prototype[verb] = function (state, unused, url) {
        own.call(this, state, unused, url);
        tell(state);
      };
    }
  }

  #tellState(state: unknown): void {
    if (state === null || state === undefined) return;
    const seen = new WeakSet();
    const text = this.#stringify(state, (_name, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      if (typeof value !== 'object' || value === null) return value;
      // A state may hold itself, and what it holds twice is told once.
      if (seen.has(value)) return undefined;
      seen.add(value);
      return value instanceof Map || value instanceof Set ? [...value] : value;
    });
    this.#tell('kept', 'history.state', text);
  }

  /** Whoever looks at cookies later does not find what was overwritten at once. */
  #hookCookies(): void {
    const tell = (cookie: string): void => this.#tell('cookie', 'cookie', cookie);
    const own = Object.getOwnPropertyDescriptor(Document.prototype, 'cookie');
    const set = own?.set;
    if (own !== undefined && set !== undefined)
      Object.defineProperty(Document.prototype, 'cookie', {
        ...own,
        set(this: Document, value: unknown) {
          set.call(this, value);
          tell(String(value));
        },
      });
    const { CookieStore } = globalThis as { CookieStore?: { prototype: CookieWriter } };
    if (CookieStore === undefined) return;
    const write = CookieStore.prototype.set;
    CookieStore.prototype.set = function (cookie, value) {
      tell(typeof cookie === 'object' ? `${cookie.name}=${cookie.value}` : `${cookie}=${value}`);
      return typeof cookie === 'object'
        ? write.call(this, cookie)
        : write.call(this, cookie, value);
    };
  }

  /** What comes from peer to peer passes by everything that watches the network. */
  #hookDataChannels(): void {
    if (typeof RTCPeerConnection === 'undefined') return;
    const listen = (channel: RTCDataChannel): void => {
      const place = `data channel ${this.#stringify(channel.label)}`;
      channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        if (data instanceof Blob)
          void data.text().then((text) => this.#tell('message', place, text));
        else if (typeof data === 'string') this.#tell('message', place, data);
        else this.#tell('message', place, new TextDecoder().decode(data as ArrayBuffer));
      });
    };
    const make = RTCPeerConnection.prototype.createDataChannel;
    RTCPeerConnection.prototype.createDataChannel = function (label, options) {
      const channel = make.call(this, label, options);
      listen(channel);
      return channel;
    };
    const watched = new Proxy(RTCPeerConnection, {
      construct(target, parameters: [RTCConfiguration?], newTarget) {
        const connection = Reflect.construct(target, parameters, newTarget) as RTCPeerConnection;
        connection.addEventListener('datachannel', ({ channel }) => listen(channel));
        return connection;
      },
    });
    RTCPeerConnection.prototype.constructor = watched;
    globalThis.RTCPeerConnection = watched;
  }

  /** Closed shadow trees that scripts make are watched, but not those that scripts write as HTML. */
  #hookClosedTrees(): void {
    const tell = (html: unknown): void => this.#tellClosedTree(html);
    const hook = (owner: object, verb: string): void => {
      const own: unknown = Reflect.get(owner, verb);
      if (typeof own !== 'function') return;
      const watched = function (this: unknown, ...parameters: unknown[]): unknown {
        for (const parameter of parameters) tell(parameter);
        return Reflect.apply(own, this, parameters);
      };
      Reflect.set(owner, verb, watched);
    };
    for (const verb of ['write', 'writeln']) hook(Document.prototype, verb);
    for (const { prototype } of [Element, ShadowRoot]) hook(prototype, 'setHTMLUnsafe');
    hook(Document, 'parseHTMLUnsafe');
  }

  #tellClosedTree(html: unknown): void {
    if (!/<template\s[^<>]{0,200}shadowrootmode\s*=\s*["']?closed/i.test(String(html))) return;
    const text = 'a page wrote a closed shadow tree, which nobody can look into';
    this.#put({ kind: 'broken', text, at: performance.timeOrigin + performance.now() });
  }

  /** Documents that a page makes may be shown where no script runs, and pictures are but pixels afterwards. */
  #hookBlobs(): void {
    const own = URL.createObjectURL;
    const tell = (text: string): void => {
      this.#tell('text', 'blob', text);
      this.#tellClosedTree(text);
    };
    URL.createObjectURL = function (made) {
      const isShown =
        made instanceof Blob &&
        made.size <= 1_000_000 &&
        /^(?:text\/(?!css|javascript)|application\/(?:json|xml|xhtml)|image\/svg)/.test(made.type);
      if (isShown) void made.text().then(tell);
      return own.call(URL, made);
    };
  }

  #tell(kind: 'text' | 'kept' | 'cookie' | 'message', place: string, text: string): void {
    // A message that comes twice came twice.
    if (kind === 'message') this.#ledger.tellEach(kind, this.#frame + place, text);
    else this.#ledger.tell(kind, this.#frame + place, text);
  }
}
