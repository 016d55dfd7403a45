import type { DevToolsChannel } from './page-channel.ts';
import type { PagePen } from './page-pen.ts';
import type { RemoteValue } from './page-protocol.ts';
import { within } from './waiting.ts';

/** Values of one message that are looked into. */
const OBJECTS_MAX = 32;
const OBJECT_MS_MAX = 2_000;
const OBJECT_CHARACTERS_MAX = 100_000;
/** Members of a value that are looked at, and how deep. */
const MEMBERS_MAX = 10_000;
const DEPTH_MAX = 20;

/**
 * Runs with the value as `this`, in pages and in workers, which know less of the world. Nothing in a value
 * may keep the rest of it from being read: members that throw, rings, values that JSON has no words for.
 */
const READ_VALUE = `function () {
  const seen = new WeakSet();
  let left = ${MEMBERS_MAX};
  const attempt = (read) => {
    try {
      return read();
    } catch (error) {
      return '[threw ' + String(error) + ']';
    }
  };
  const isA = (name, value) => typeof globalThis[name] === 'function' && value instanceof globalThis[name];
  const membersOf = (value, depth) => {
    const members = {};
    for (const name of Reflect.ownKeys(value)) {
      if (isA('Error', value) && name === 'stack') continue;
      if (left-- <= 0) break;
      members[String(name)] = attempt(() => read(value[name], depth + 1));
    }
    if (isA('Event', value))
      for (const name of ['data', 'detail', 'reason', 'message', 'error', 'key', 'newValue', 'oldValue'])
        if (name in value) members[name] = attempt(() => read(value[name], depth + 1));
    return members;
  };
  const isListed = (value) =>
    ['Map', 'Set', 'Headers', 'FormData', 'URLSearchParams'].some((name) => isA(name, value));
  const read = (value, depth) => {
    if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
    if (typeof value === 'function') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '[seen above]';
    seen.add(value);
    if (depth > ${DEPTH_MAX} || left-- <= 0) return '[more]';
    if (isA('Node', value)) return (depth === 0 ? value.outerHTML : undefined) ?? value.textContent;
    if (isA('ArrayBuffer', value) || ArrayBuffer.isView(value)) return new TextDecoder().decode(value);
    if (isListed(value)) return [...value].map((part) => attempt(() => read(part, depth + 1)));
    if (isA('RegExp', value)) return String(value);
    if (Array.isArray(value)) return value.slice(0, left).map((part) => attempt(() => read(part, depth + 1)));
    const own = typeof value.toJSON === 'function' ? attempt(() => value.toJSON()) : value;
    if (own !== value && !String(own).startsWith('[threw ')) return read(own, depth + 1);
    const members = membersOf(value, depth);
    return isA('Error', value) ? [String(value.stack ?? value), members] : members;
  };
  return JSON.stringify(attempt(() => read(this, 0)))?.slice(0, ${OBJECT_CHARACTERS_MAX});
}`;

/** Records console messages, uncaught errors and the browser's own log of pages and workers. */
export class PageConsole {
  readonly #pen: PagePen;
  readonly #outstanding = new Set<Promise<void>>();

  constructor(pen: PagePen) {
    this.#pen = pen;
  }

  /** Commands that make a target tell. They may be sent at once. */
  enable(channel: DevToolsChannel): Promise<unknown>[] {
    const commands: Promise<unknown>[] = [channel.send('Runtime.enable')];
    if (channel.target.type === 'page') commands.push(channel.send('Log.enable'));
    return commands;
  }

  attach(channel: DevToolsChannel): void {
    channel.on('Runtime.consoleAPICalled', ({ type, args, timestamp }) => {
      this.#keep(this.#message(channel, { place: `console.${type}`, args, at: timestamp }));
    });
    channel.on('Runtime.exceptionThrown', ({ timestamp, exceptionDetails }) => {
      const { text, exception } = exceptionDetails;
      const args: RemoteValue[] = [{ type: 'string', value: text }];
      if (exception !== undefined) args.push(exception);
      this.#keep(this.#message(channel, { place: 'exception', args, at: timestamp }));
    });
    channel.on('Log.entryAdded', ({ entry }) => {
      const { source, level, text, url, timestamp } = entry;
      const whole = url === undefined ? text : `${text} ${url}`;
      this.#write(`log.${source}.${level}`, whole, timestamp);
    });
  }

  /** Waits a bounded time for messages whose values are being read. */
  async flush(ms: number): Promise<void> {
    await within(Promise.all(this.#outstanding), ms, () => undefined);
  }

  async #message(
    channel: DevToolsChannel,
    said: { readonly place: string; readonly args: readonly RemoteValue[]; readonly at: number },
  ): Promise<void> {
    const isPlain = said.args.every(({ objectId }) => objectId === undefined);
    // Plain messages are written at once, in their order.
    const parts = isPlain
      ? said.args.map((value) => plainText(value))
      : await Promise.all(said.args.map((value, at) => this.#textOf(channel, value, at)));
    this.#write(said.place, parts.join(' '), said.at);
  }

  #write(place: string, text: string, unixMs: number): void {
    this.#pen.text({ surface: 'console', place, text }, this.#pen.atUnixMs(unixMs));
  }

  async #textOf(channel: DevToolsChannel, value: RemoteValue, at: number): Promise<string> {
    const { objectId } = value;
    if (objectId === undefined || at >= OBJECTS_MAX) return plainText(value);
    try {
      const { result } = await channel.send(
        'Runtime.callFunctionOn',
        { objectId, functionDeclaration: READ_VALUE, returnByValue: true },
        OBJECT_MS_MAX,
      );
      channel.send('Runtime.releaseObject', { objectId }).catch(() => undefined);
      const description = value.subtype === 'error' ? `${value.description ?? ''} ` : '';
      if (typeof result.value !== 'string') return plainText(value);
      return description + result.value + changedSince(value, result.value);
    } catch {
      return plainText(value); // The page is gone; its own description of the value is left.
    }
  }

  #keep(work: Promise<void>): void {
    const settled = work.finally(() => this.#outstanding.delete(settled));
    this.#outstanding.add(settled);
  }
}

/** What an object held when it was logged, and holds no more: it is read a little later. */
function changedSince({ preview }: RemoteValue, now: string): string {
  const texts = (preview?.properties ?? []).filter(({ type }) => type === 'string');
  const gone = texts.flatMap(({ name, value = '' }) =>
    now.includes(value) ? [] : [` (was) ${name}: ${value}`],
  );
  return gone.join('');
}

/** Of an object that cannot be asked any more the browser itself has kept the first few members. */
function plainText({
  value,
  unserializableValue,
  description,
  type,
  preview,
}: RemoteValue): string {
  if (typeof value === 'string') return value;
  if (value !== undefined) return JSON.stringify(value);
  const members = preview?.properties.map((member) => `${member.name}: ${member.value ?? ''}`);
  return [unserializableValue ?? description ?? type, ...(members ?? [])].join(' ');
}
