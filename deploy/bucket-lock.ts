import { z } from 'zod';

const STORAGE = 'https://storage.googleapis.com';
const METADATA_TOKEN =
  'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';
const REQUEST_TIMEOUT_MS = 20_000;
const PRECONDITION_FAILED = 412;
const NOT_FOUND = 404;

/** Where a lock lies, and for how long it is believed. */
export interface BucketLockOptions {
  readonly bucket: string;
  /** Name of the object. */
  readonly name: string;
  /** After so long a holder that did not release it is taken for dead. */
  readonly seconds: number;
  /** Says who may write there; the service account of the machine unless given. */
  readonly token?: () => Promise<string>;
  /** Base of the storage service. */
  readonly storage?: string;
  /** Milliseconds of Unix time. */
  readonly now: () => number;
}

/** A lock that is held. */
export interface HeldLock {
  /** Gives it back, unless somebody else took it over meanwhile. */
  release(): Promise<void>;
}

const holderSchema = z.object({ until: z.number() });
const tokenSchema = z.object({ access_token: z.string().min(1) });

/**
 * Takes a lock that is one object in a bucket of Cloud Storage, which creates an object of a name once
 * and refuses it to whoever comes second, wherever they run. An expired lock is taken over.
 * @returns undefined when somebody else holds it.
 * @throws Error when the storage does not answer as it should: nobody knows then who holds it.
 */
export async function takeBucketLock(options: BucketLockOptions): Promise<HeldLock | undefined> {
  const storage = await openStorage(options);
  const free = await storage.create('0');
  if (free !== undefined) return { release: () => storage.remove(free) };
  const holder = await storage.read();
  // Released in between: whoever is quicker than us may have it, one attempt is enough.
  if (holder === undefined) return held(storage, await storage.create('0'));
  if (holder.until > options.now()) return undefined;
  // Only over the very lock that was found expired, so that of two who find it one gets it.
  return held(storage, await storage.create(holder.generation));
}

function held(storage: Storage, generation: string | undefined): HeldLock | undefined {
  return generation === undefined ? undefined : { release: () => storage.remove(generation) };
}

interface Storage {
  /** Writes the lock over the given generation (`0`: none); the new one, or undefined if it was another. */
  create(over: string): Promise<string | undefined>;
  read(): Promise<{ readonly until: number; readonly generation: string } | undefined>;
  remove(generation: string): Promise<void>;
}

async function openStorage(options: BucketLockOptions): Promise<Storage> {
  const { bucket, name, seconds, now, storage = STORAGE } = options;
  const token = await (options.token ?? machineToken)();
  const send = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${storage}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  const inBucket = `/b/${encodeURIComponent(bucket)}/o`;
  const object = `/storage/v1${inBucket}/${encodeURIComponent(name)}`;
  return {
    async create(over) {
      const query = `uploadType=media&name=${encodeURIComponent(name)}&ifGenerationMatch=${over}`;
      const body = JSON.stringify({ until: now() + 1000 * seconds });
      const response = await send(`/upload/storage/v1${inBucket}?${query}`, {
        method: 'POST',
        body,
      });
      if (response.status === PRECONDITION_FAILED) return undefined;
      return z.object({ generation: z.string() }).parse(await bodyOf(response)).generation;
    },
    async read() {
      const response = await send(`${object}?alt=media`);
      if (response.status === NOT_FOUND) return undefined;
      const generation = response.headers.get('x-goog-generation') ?? '';
      const { until } = holderSchema.parse(await bodyOf(response));
      return { until, generation };
    },
    async remove(generation) {
      const response = await send(`${object}?ifGenerationMatch=${generation}`, {
        method: 'DELETE',
      });
      const isOthers = response.status === PRECONDITION_FAILED || response.status === NOT_FOUND;
      if (!response.ok && !isOthers)
        throw new Error(`the lock was not released: ${response.status}`);
    },
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`the bucket of the lock answered ${response.status}`);
  return response.json();
}

/** Cloud Run hands out a short-lived token to whatever runs in it. */
async function machineToken(): Promise<string> {
  const response = await fetch(METADATA_TOKEN, {
    headers: { 'metadata-flavor': 'Google' },
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  return tokenSchema.parse(await bodyOf(response)).access_token;
}
