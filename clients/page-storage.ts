import type { BrowserContext, Cookie } from 'playwright';
import { messageOf } from '../history/message-of.ts';
import type { DevToolsChannel } from './page-channel.ts';
import type { PagePen } from './page-pen.ts';
import type { FrameTree, StorageWrite } from './page-protocol.ts';
import { PROOF_NAME } from './page-proof.ts';
import {
  PageStorageReader,
  type StorageLimits,
  type StorageReading,
} from './page-storage-script.ts';
import { ownWorldOf } from './page-world.ts';
import { within } from './waiting.ts';

const LIMITS: Omit<StorageLimits, 'further'> = {
  entriesMax: 2_000,
  textCharactersMax: 2 * 1024 * 1024,
  totalCharactersMax: 32 * 1024 * 1024,
  databaseMsMax: 3_000,
};
const READ_MS_MAX = 8_000;
const COOKIES_MS_MAX = 5_000;
/** Documents may be replaced while they are read; what they kept is there in the next one as well. */
const READ_TRIES_MAX = 5;
const REPLACED = /navigated or closed|Cannot find context|context was destroyed|No frame/i;
const CREDENTIAL_NAME = /token|sess|auth|jwt|sid|secret|csrf|xsrf|ticket|password|api_?key|cookie/i;
const TOKEN_NAME = /token|jwt|secret|ticket|password|api_?key/i;
const CREDENTIAL_LENGTH_MIN = 12;
/** What stands around a change is written with it, so that no word is torn, characters. */
const AROUND_CHANGE = 256;
/** Text that is recorded as it is written, of one owner; a page that saves all the time must not fill the disk. */
const WRITES_CHARACTERS_MAX = 64 * 1024 * 1024;

/** One look at all that a profile keeps. */
interface Reading {
  /** Whether databases, caches, files and service workers are read, too. */
  readonly further: boolean;
  /** What was found, by surface and place. */
  readonly found: Map<string, string>;
  /** Origins that were read. */
  readonly origins: Set<string>;
  /** Those of which a tab was read: databases, caches, files and service workers are the same in all of them. */
  readonly tabs: Set<string>;
}

/** Records what a browser profile keeps: cookies, storages, databases, caches, service workers. */
export class PageStorage {
  readonly #pen: PagePen;
  /** What was written last, by origin and place. */
  #written = new Map<string, string>();
  #writesLeft = WRITES_CHARACTERS_MAX;

  constructor(pen: PagePen) {
    this.#pen = pen;
  }

  /** Forgets what was written: everything that is kept is news to somebody else. */
  again(): void {
    this.#written = new Map();
    this.#writesLeft = WRITES_CHARACTERS_MAX;
  }

  /** Commands that make the browser tell what the documents of a target write. */
  enable(channel: DevToolsChannel): Promise<unknown>[] {
    return [channel.send('DOMStorage.enable')];
  }

  /** Listens to what documents write: what they take away again, no later look finds. */
  attach(channel: DevToolsChannel): void {
    let page = originOf(channel.target.url);
    channel.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId === undefined) page = originOf(frame.url);
    });
    channel.on('DOMStorage.domStorageItemAdded', (write) => this.#wrote(page, write, ''));
    channel.on('DOMStorage.domStorageItemUpdated', (write) =>
      this.#wrote(page, write, write.oldValue),
    );
  }

  /** A page wrote a cookie: `name=value; path=/`. */
  cookieWritten(text: string, at: number): void {
    const [pair = '', ...attributes] = text.split(';');
    const [name = '', value = ''] = pair.split(/=(.*)/s).map((part) => part.trim());
    if (value === '') return;
    const place = [name, ...attributes.map((part) => part.trim()), 'as it was written'].join('; ');
    const shown = this.#valueOf({ name, value, httpOnly: false });
    this.#pen.text({ surface: 'cookie', place, text: shown }, at);
  }

  #wrote(page: string, { storageId, key, newValue }: StorageWrite, old: string): void {
    // What we plant is to be found by looking, or the look is not proven.
    if (key === PROOF_NAME) return;
    const { securityOrigin = '', storageKey = securityOrigin, isLocalStorage } = storageId;
    const origin = originOf(storageKey.replace(/\^.*/s, ''));
    const name = isLocalStorage ? 'localStorage' : 'sessionStorage';
    const place = `${origin === page ? '' : `${origin} `}${name}[${JSON.stringify(key)}]`;
    if (this.#written.get(`storage ${place}`) === newValue) return;
    this.#learn(place, newValue);
    const { vault } = this.#pen.recorder;
    const text = vault.redact(newValue);
    // Before it is cut to what changed: the name that tells a secret may stand before the cut.
    const changed = old === '' ? text : changedIn(vault.redact(old), text);
    if (this.#writesLeft < changed.length) {
      this.#pen.blind('storage', 'pages wrote more than is recorded');
      return;
    }
    this.#writesLeft -= changed.length;
    // Whoever looks later need not write it again.
    if (changed === text) this.#written.set(`storage ${place}`, newValue);
    this.#pen.text({ surface: 'storage', place, text: changed });
  }

  /** Reads all there is and writes down what changed. Never throws; what cannot be read is told. */
  async read(context: BrowserContext, channels: readonly DevToolsChannel[]): Promise<void> {
    this.#written = await this.#found(context, channels, true);
  }

  /** The same of cookies and of what pages keep by name alone: where proofs are planted. */
  async readProven(context: BrowserContext, channel: DevToolsChannel): Promise<void> {
    const found = await this.#found(context, [channel], false);
    for (const [place, text] of found) this.#written.set(place, text);
  }

  async #found(
    context: BrowserContext,
    channels: readonly DevToolsChannel[],
    further: boolean,
  ): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const reading = { further, found, origins: new Set<string>(), tabs: new Set<string>() };
    for (const channel of channels) await this.#readFrames(channel, reading);
    // After the frames: reading them waits for the cookies that they wrote.
    await this.#readCookies(context, found);
    return found;
  }

  async #readCookies(context: BrowserContext, found: Map<string, string>): Promise<void> {
    const cookies = await within<readonly Cookie[] | string, string>(
      context.cookies().catch((error: unknown) => String(error)),
      COOKIES_MS_MAX,
      () => 'no answer',
    );
    if (typeof cookies === 'string') {
      this.#pen.blind('cookie', `cookies could not be read: ${cookies}`);
      return;
    }
    for (const cookie of cookies) {
      const place = `${cookie.name}; domain=${cookie.domain}; path=${cookie.path}`;
      this.#write('cookie', { place, text: this.#valueOf(cookie) }, found);
    }
  }

  /**
   * A cookie is a credential unless it plainly is none: then it is hashed. One that holds a marker is
   * evidence and stays readable.
   */
  #valueOf({ name, value, httpOnly }: Pick<Cookie, 'name' | 'value' | 'httpOnly'>): string {
    const { campaignPrefix, vault } = this.#pen.recorder;
    const isSecret = httpOnly || CREDENTIAL_NAME.test(name);
    const isEvidence = decoded(value).toLowerCase().includes(campaignPrefix.toLowerCase());
    if (!isSecret || isEvidence || value === '') return decoded(value);
    vault.add(value);
    return vault.covered(value);
  }

  /** Reads each origin once, and the storage of every tab. */
  async #readFrames(channel: DevToolsChannel, reading: Reading): Promise<void> {
    for (let tries = READ_TRIES_MAX; tries > 0; tries -= 1) {
      const problem = await this.#readDocuments(channel, reading);
      if (problem === null) return;
      if (tries > 1 && REPLACED.test(problem)) continue;
      this.#pen.blind('storage', `what a page keeps could not be read: ${problem}`);
      return;
    }
  }

  /** What stood in the way, or null. What was read before that is written, and not read again. */
  async #readDocuments(channel: DevToolsChannel, reading: Reading): Promise<string | null> {
    try {
      const { frameTree } = await channel.send('Page.getFrameTree');
      const page = frameTree.frame.securityOrigin;
      for (const { id, securityOrigin } of framesOf(frameTree)) {
        if (!securityOrigin.startsWith('http')) continue;
        const isTab = id === frameTree.frame.id && channel.target.type === 'page';
        if (reading.origins.has(securityOrigin) && !isTab) continue;
        const prefix =
          reading.origins.size === 0 || securityOrigin === page ? '' : `${securityOrigin} `;
        // A window that another one has written does not know what serves it: that one was asked.
        const further = reading.further && !reading.tabs.has(securityOrigin);
        const kept = await readFrame(channel, id, further);
        // The address says whose it is; a reply may say that it is nobody's (`Content-Security-Policy: sandbox`).
        if (kept.isOfNoOrigin) continue;
        reading.origins.add(securityOrigin);
        if (isTab) reading.tabs.add(securityOrigin);
        this.#writeAll(kept, { prefix, found: reading.found });
      }
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }

  #writeAll(
    { entries, problems }: StorageReading,
    { prefix, found }: { readonly prefix: string; readonly found: Map<string, string> },
  ): void {
    for (const { place, text } of entries) {
      this.#learn(place, text);
      this.#write('storage', { place: prefix + place, text }, found);
    }
    for (const problem of problems) this.#pen.blind('storage', problem);
  }

  /** A token kept under its name is known from here on, before the line about it is written. */
  #learn(place: string, text: string): void {
    const { vault, campaignPrefix } = this.#pen.recorder;
    const key = /Storage\["(.*)"\]$/.exec(place)?.[1] ?? '';
    const isOneWord = text.length >= CREDENTIAL_LENGTH_MIN && !/[\s{[]/.test(text);
    if (!isOneWord || !TOKEN_NAME.test(key)) return;
    if (!text.toLowerCase().includes(campaignPrefix.toLowerCase()))
      vault.add(text.replaceAll(/^"|"$/g, ''));
  }

  #write(
    surface: 'storage' | 'cookie',
    { place, text }: { readonly place: string; readonly text: string },
    found: Map<string, string>,
  ): void {
    const key = `${surface} ${place}`;
    found.set(key, text);
    if (this.#written.get(key) !== text) this.#pen.text({ surface, place, text });
  }
}

async function readFrame(
  channel: DevToolsChannel,
  frameId: string,
  further: boolean,
): Promise<StorageReading> {
  const contextId = await ownWorldOf(channel, frameId);
  const expression = `(() => { const __name = (named) => named;
    const Reader = ${PageStorageReader.toString()};
    return new Reader(${JSON.stringify({ ...LIMITS, further })}).read(); })()`;
  const { result, exceptionDetails } = await channel.send(
    'Runtime.evaluate',
    { contextId, expression, awaitPromise: true, returnByValue: true },
    READ_MS_MAX,
  );
  if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by our own script
  return result.value as StorageReading;
}

/** The part of a text that another text has not in its place, with what stands around it. */
function changedIn(old: string, text: string): string {
  const shorter = Math.min(old.length, text.length);
  let head = 0;
  while (head < shorter && old.charCodeAt(head) === text.charCodeAt(head)) head += 1;
  let tail = 0;
  while (
    tail < shorter - head &&
    old.charCodeAt(old.length - 1 - tail) === text.charCodeAt(text.length - 1 - tail)
  )
    tail += 1;
  // In memory of its own: a piece of the text would keep all of it for as long as the piece is kept.
  const change = text.slice(Math.max(0, head - AROUND_CHANGE), text.length - tail + AROUND_CHANGE);
  return Buffer.from(change, 'utf16le').toString('utf16le');
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : '';
}

function framesOf(tree: FrameTree): FrameTree['frame'][] {
  return [tree.frame, ...(tree.childFrames ?? []).flatMap((child) => framesOf(child))];
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value; // A lone percent sign is legal in a cookie.
  }
}
