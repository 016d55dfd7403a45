/**
 * What reads a profile's storages from within a page of theirs. The class is sent to the page as its
 * source, so it must stand alone: nothing from outside it but types.
 */

/** One thing that is kept, at a place such as `localStorage["theme"]`. */
export interface KeptEntry {
  readonly place: string;
  readonly text: string;
}

export interface StorageReading {
  readonly entries: readonly KeptEntry[];
  /** Storages that could not be read, or not to their end. */
  readonly problems: readonly string[];
  /** The page is of no origin, as sandboxed ones are, and can keep nothing. */
  readonly isOfNoOrigin: boolean;
}

export interface StorageLimits {
  /** Entries of one database store or cache. */
  readonly entriesMax: number;
  readonly textCharactersMax: number;
  readonly totalCharactersMax: number;
  /** Limit of one database, milliseconds. */
  readonly databaseMsMax: number;
  /** Whether databases, caches, files and service workers are read, too. */
  readonly further: boolean;
}

/** Reads everything an origin keeps that a page of it can reach. */
export class PageStorageReader {
  readonly #limits: StorageLimits;
  readonly #entries: KeptEntry[] = [];
  readonly #problems: string[] = [];
  #left: number;

  constructor(limits: StorageLimits) {
    this.#limits = limits;
    this.#left = limits.totalCharactersMax;
  }

  async read(): Promise<StorageReading> {
    if (globalThis.origin === 'null') return { entries: [], problems: [], isOfNoOrigin: true };
    this.#awaitCookies();
    await this.#attempt('localStorage', () => this.#pairs('localStorage', localStorage));
    await this.#attempt('sessionStorage', () => this.#pairs('sessionStorage', sessionStorage));
    if (this.#limits.further) await this.#readFurther();
    return { entries: this.#entries, problems: this.#problems, isOfNoOrigin: false };
  }

  /** All are asked for at once, for each question wakes several processes; what they answer is read in turn. */
  async #readFurther(): Promise<void> {
    const databases = this.#asked(() => indexedDB.databases());
    // Caches and service workers exist only for secure origins, loopback included.
    if (!isSecureContext) {
      await this.#attempt('indexedDB', () => this.#databases(databases));
      return;
    }
    const names = this.#asked(() => caches.keys());
    const workers = this.#asked(() => navigator.serviceWorker.getRegistrations());
    const files = this.#asked(() => navigator.storage.getDirectory());
    const buckets = this.#asked(() => this.#bucketNames());
    await this.#attempt('indexedDB', () => this.#databases(databases));
    await this.#attempt('caches', () => this.#caches(names));
    await this.#attempt('serviceWorker', () => this.#workers(workers));
    await this.#attempt('files', () => this.#files(files));
    await this.#attempt('storageBuckets', () => this.#buckets(buckets));
  }

  /** A refusal is for whoever waits for the answer. */
  #asked<T>(ask: () => Promise<T>): Promise<T> {
    const answer = (async () => ask())();
    answer.catch(() => undefined);
    return answer;
  }

  /**
   * Cookies that the page wrote may still be on their way to the browser, which is asked for them next; a
   * page that reads its own waits until they have arrived.
   */
  #awaitCookies(): void {
    try {
      void document.cookie;
    } catch {
      // A sandboxed page has none.
    }
  }

  async #attempt(what: string, work: () => Promise<void> | void): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#problems.push(`${what}: ${String(error)}`);
    }
  }

  #put(place: string, text: string): void {
    const kept = text.slice(0, this.#limits.textCharactersMax);
    this.#left -= kept.length;
    if (this.#left < 0 || kept.length < text.length)
      this.#problems.push(`${place.slice(0, 100)}: more than is read`);
    if (this.#left >= 0) this.#entries.push({ place, text: kept });
  }

  #pairs(name: string, storage: Storage): void {
    for (let at = 0; at < storage.length; at += 1) {
      const key = storage.key(at) ?? '';
      this.#put(`${name}[${JSON.stringify(key)}]`, storage.getItem(key) ?? '');
    }
  }

  async #databases(databases: Promise<readonly IDBDatabaseInfo[]>): Promise<void> {
    for (const { name } of await databases)
      if (name !== undefined) await this.#attempt(`indexedDB ${name}`, () => this.#database(name));
  }

  async #database(name: string): Promise<void> {
    const database = await this.#answer(indexedDB.open(name));
    try {
      if (database.objectStoreNames.length === 0)
        this.#put(`indexedDB[${JSON.stringify(name)}]`, '');
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store, 'readonly').objectStore(store);
        const limit = this.#limits.entriesMax + 1;
        const [keys, values] = await Promise.all([
          this.#answer(objects.getAllKeys(null, limit)),
          this.#answer<unknown[]>(objects.getAll(null, limit)),
        ]);
        if (keys.length === limit) this.#problems.push(`indexedDB ${name}: more than is read`);
        const place = `indexedDB[${JSON.stringify(name)}][${JSON.stringify(store)}]`;
        // An empty one has a name, too.
        if (keys.length === 0) this.#put(place, '');
        for (const [at, value] of values.entries())
          this.#put(
            `${place}[${await this.#described(keys[at], 0)}]`,
            await this.#described(value, 0),
          );
      }
    } finally {
      database.close();
    }
  }

  #answer<T>(request: IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('no answer')), this.#limits.databaseMsMax);
      request.addEventListener('success', () => {
        clearTimeout(late);
        resolve(request.result);
      });
      request.addEventListener('error', () => reject(request.error ?? new Error('unreadable')));
    });
  }

  async #caches(names: Promise<readonly string[]>): Promise<void> {
    for (const name of await names) {
      const cache = await caches.open(name);
      const requests = await cache.keys();
      if (requests.length === 0) this.#put(`caches[${JSON.stringify(name)}]`, '');
      if (requests.length > this.#limits.entriesMax)
        this.#problems.push(`caches ${name}: more than is read`);
      for (const request of requests.slice(0, this.#limits.entriesMax)) {
        const response = await cache.match(request);
        if (response === undefined) continue;
        const type = response.headers.get('content-type') ?? '';
        const place = `caches[${JSON.stringify(name)}][${JSON.stringify(request.url)}]`;
        const head = [...response.headers].map(([key, value]) => `${key}: ${value}`).join('\n');
        const isDrawn = /^(?:image\/(?!svg)|font\/|audio\/|video\/)/.test(type);
        this.#put(place, isDrawn ? head : `${head}\n\n${await response.text()}`);
      }
    }
  }

  async #workers(registrations: Promise<readonly ServiceWorkerRegistration[]>): Promise<void> {
    for (const { scope, active, waiting, installing } of await registrations)
      this.#put(
        `serviceWorker[${JSON.stringify(scope)}]`,
        (active ?? waiting ?? installing)?.scriptURL ?? '',
      );
  }

  async #bucketNames(): Promise<readonly string[]> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- newer than the types of browsers
    const { storageBuckets } = navigator as { storageBuckets?: { keys(): Promise<string[]> } };
    return (await storageBuckets?.keys()) ?? [];
  }

  /** Each has databases, caches and files of its own; hardly any page has one. */
  async #buckets(names: Promise<readonly string[]>): Promise<void> {
    for (const name of await names) this.#problems.push(`storageBuckets ${name}: is not read`);
  }

  /** Files of the origin's own, which no user ever sees, with those in their folders. */
  async #files(root: Promise<FileSystemDirectoryHandle>): Promise<void> {
    let left = this.#limits.entriesMax;
    const open = [{ path: '', folder: await root }];
    for (let next = open.pop(); next !== undefined; next = open.pop())
      for await (const [name, handle] of next.folder.entries()) {
        const path = `${next.path}/${name}`;
        left -= 1;
        if (left < 0) {
          this.#problems.push('files: more than is read');
          return;
        }
        if (handle instanceof FileSystemDirectoryHandle) {
          this.#put(`files[${JSON.stringify(path)}]`, '');
          open.push({ path, folder: handle });
        } else if (handle instanceof FileSystemFileHandle) await this.#file(path, handle);
      }
  }

  /** A file may be written or removed while it is read. */
  async #file(path: string, handle: FileSystemFileHandle): Promise<void> {
    const place = `files[${JSON.stringify(path)}]`;
    for (let tries = 3; ; tries -= 1)
      try {
        const file = await handle.getFile();
        this.#put(place, await this.#textOf(file));
        if (file.size > this.#limits.textCharactersMax)
          this.#problems.push(`${place.slice(0, 100)}: more than is read`);
        return;
      } catch (error) {
        if (error instanceof DOMException && error.name === 'NotFoundError') return;
        if (tries <= 1) throw error;
      }
  }

  /** A value as JSON, with the things that JSON has no words for. */
  async #described(value: unknown, depth: number): Promise<string> {
    if (typeof value === 'bigint') return `"${value}"`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
    if (depth > 20) return '"[deeper]"';
    const whole = await this.#asText(value);
    if (whole !== undefined) return JSON.stringify(whole);
    const next = depth + 1;
    if (Array.isArray(value) || value instanceof Set || value instanceof Map) {
      const parts: string[] = [];
      for (const part of value) parts.push(await this.#described(part, next));
      return `[${parts.join(',')}]`;
    }
    const members: string[] = [];
    for (const [name, member] of Object.entries(value))
      members.push(`${JSON.stringify(name)}:${await this.#described(member, next)}`);
    return `{${members.join(',')}}`;
  }

  /** Objects that are one text; undefined for those that have members. */
  async #asText(value: object): Promise<string | undefined> {
    if (value instanceof Date)
      return Number.isNaN(value.valueOf()) ? 'no date' : value.toISOString();
    if (value instanceof File) return `${value.name}\n${await this.#textOf(value)}`;
    if (value instanceof Blob) return this.#textOf(value);
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value))
      return new TextDecoder().decode(value);
    if (value instanceof Error) return [value, value.cause ?? ''].map(String).join('\n');
    if (value instanceof RegExp) return String(value);
    const own: unknown = value.valueOf();
    return typeof own === 'string' || typeof own === 'number' ? String(own) : undefined;
  }

  #textOf(blob: Blob): Promise<string> {
    return blob.slice(0, this.#limits.textCharactersMax).text();
  }
}
