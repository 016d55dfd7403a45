import { isUtf8 } from 'node:buffer';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRaw } from 'node:zlib';
import type { BrowserContext } from 'playwright';
import type { Vault } from '../history/redaction.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Where a trace goes that is worth keeping. */
interface TraceKeep {
  /** Directory of the trial. */
  readonly dir: string;
  /** Crowd name of the user. */
  readonly name: string;
  readonly vault: Vault;
}

/**
 * Playwright's trace of one browser profile. It holds requests with their tokens and what was typed into
 * password fields, so it is written elsewhere first and enters the artifacts without any credential.
 */
export class TraceFile {
  readonly #context: BrowserContext;
  #ended = false;

  static async start(context: BrowserContext): Promise<TraceFile> {
    await context.tracing.start({ screenshots: true, snapshots: true });
    return new TraceFile(context);
  }

  private constructor(context: BrowserContext) {
    this.#context = context;
  }

  /** Stops the trace and keeps it as `traces/<name>.zip`, or drops it (null). A second call is nothing. */
  async end(keep: TraceKeep | null): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (keep === null) {
      await this.#context.tracing.stop();
      return;
    }
    const { dir, name, vault } = keep;
    const raw = await mkdtemp(join(tmpdir(), 'crosstalk-trace-'));
    try {
      const path = join(raw, 'trace.zip');
      await this.#context.tracing.stop({ path });
      const clean = await withoutCredentials(await readFile(path), vault);
      await mkdir(join(dir, 'traces'), { recursive: true });
      await writeFile(join(dir, 'traces', `${name}.zip`), clean, { mode: 0o600 });
    } finally {
      await rm(raw, { recursive: true, force: true });
    }
  }
}

const END_SIGNATURE = 0x06054b50;
const END_LENGTH = 22;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_LENGTH = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_LENGTH = 30;
const STORED = 0;
const DEFLATED = 8;
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x800;
/** The first day that the format knows: when an entry was made is of no interest. */
const DOS_DATE = 0x21;

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly content: Buffer;
}

/**
 * A ZIP archive with every credential in its entries replaced, in replies of bytes as well; pictures and
 * fonts hold none, and are kept as they are.
 * @throws Error when the archive is not one that can be read whole: then it must not be kept.
 */
export async function withoutCredentials(archive: Buffer, vault: Vault): Promise<Buffer> {
  const entries = await entriesOf(archive);
  return archiveOf(
    entries.map(({ name, content }) => ({
      name,
      content: isUtf8(content)
        ? Buffer.from(vault.redact(content.toString('utf8')))
        : vault.redactBytes(content),
    })),
  );
}

/** The files of a ZIP archive, unpacked. @throws Error when it cannot be read whole. */
export async function entriesOf(archive: Buffer): Promise<readonly ZipEntry[]> {
  const end = archive.lastIndexOf(signature(END_SIGNATURE));
  if (end < 0) throw new Error('the trace is no ZIP archive');
  const count = archive.readUInt16LE(end + 10);
  const entries: ZipEntry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let number = 0; number < count; number += 1) {
    if (archive.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new Error('the trace is cut off');
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString('utf8', at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength);
    entries.push({ name, content: await contentAt(archive, at) });
    at += ENTRY_LENGTH + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

/** @param at where the entry stands in the archive's directory. */
async function contentAt(archive: Buffer, at: number): Promise<Buffer> {
  const method = archive.readUInt16LE(at + 10);
  const length = archive.readUInt32LE(at + 20);
  const local = archive.readUInt32LE(at + 42);
  const begin =
    local + LOCAL_LENGTH + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const bytes = archive.subarray(begin, begin + length);
  if (method === STORED) return bytes;
  if (method === DEFLATED) return inflate(bytes);
  throw new Error(`the trace is packed in a way (${method}) that is not known`);
}

async function archiveOf(entries: readonly ZipEntry[]): Promise<Buffer> {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const title = Buffer.from(name);
    const packed = await deflate(content);
    const common = commonFields({ title, content, packed });
    const local = Buffer.concat([signature(LOCAL_SIGNATURE), common, title, packed]);
    directory.push(directoryEntry(common, title, offset));
    bodies.push(local);
    offset += local.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(END_LENGTH);
  end.writeUInt32LE(END_SIGNATURE, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, listing, end]);
}

/** The fields that an entry has both before its content and in the directory. */
function commonFields(entry: {
  readonly title: Buffer;
  readonly content: Buffer;
  readonly packed: Buffer;
}): Buffer {
  const fields = Buffer.alloc(LOCAL_LENGTH - 4);
  fields.writeUInt16LE(VERSION, 0);
  fields.writeUInt16LE(FLAGS, 2);
  fields.writeUInt16LE(DEFLATED, 4);
  fields.writeUInt16LE(DOS_DATE, 8);
  fields.writeUInt32LE(crc32(entry.content), 10);
  fields.writeUInt32LE(entry.packed.length, 14);
  fields.writeUInt32LE(entry.content.length, 18);
  fields.writeUInt16LE(entry.title.length, 22);
  return fields;
}

function directoryEntry(common: Buffer, title: Buffer, offset: number): Buffer {
  const entry = Buffer.alloc(ENTRY_LENGTH);
  entry.writeUInt32LE(ENTRY_SIGNATURE, 0);
  entry.writeUInt16LE(VERSION, 4);
  common.copy(entry, 6);
  entry.writeUInt32LE(offset, 42);
  return Buffer.concat([entry, title]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
