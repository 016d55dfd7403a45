import type { DevToolsChannel } from './page-channel.ts';
import type { PagePen } from './page-pen.ts';
import type { RemoteValue } from './page-protocol.ts';
import { within } from './waiting.ts';

/** Values of one message that are looked into. */
const OBJECTS_MAX = 8;
const OBJECT_MS_MAX = 2_000;
const OBJECT_CHARACTERS_MAX = 100_000;

/** Runs in the page with the value as `this`. */
const READ_VALUE = `function () {
  const seen = new WeakSet();
  try {
    return JSON.stringify(this, (name, value) => {
      if (typeof value === 'bigint') return String(value);
      if (value instanceof Map || value instanceof Set) return [...value];
      if (value instanceof Error) return String(value.stack ?? value);
      if (typeof value !== 'object' || value === null) return value;
      if (value instanceof Node) return value.textContent;
      if (seen.has(value)) return '[seen above]';
      seen.add(value);
      return value;
    })?.slice(0, ${OBJECT_CHARACTERS_MAX});
  } catch (error) {
    return String(error);
  }
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
      return typeof result.value === 'string' ? description + result.value : plainText(value);
    } catch {
      return plainText(value); // The page is gone; its own description of the value is left.
    }
  }

  #keep(work: Promise<void>): void {
    const settled = work.finally(() => this.#outstanding.delete(settled));
    this.#outstanding.add(settled);
  }
}

function plainText({ value, unserializableValue, description, type }: RemoteValue): string {
  if (typeof value === 'string') return value;
  if (value !== undefined) return JSON.stringify(value);
  return unserializableValue ?? description ?? type;
}
