import { messageBytes, messageText, type SourceMessage } from './page-event-stream.ts';
import { after } from './waiting.ts';

/** Fields of which the source makes its messages. */
const OF_MESSAGES = /^(?:data|event|id)(?::|$)/;

/** What the browser had of a stream when it was asked to tell of it as it comes. */
interface Begun {
  readonly bufferedData: string;
}

/** Takes in what comes of a stream. Pieces are base64, and may come before the beginning. */
export interface StreamReader {
  begin(data: string, at: number): void;
  push(data: string, at: number): void;
  /** A text of the stream that came whole, where its pieces could not be had. */
  say(text: string, at: number): void;
  end(): void;
}

/**
 * A reply without a foreseeable end, read piece by piece as it comes. Where its beginning cannot be had, an event
 * source tells its messages, and any other is read when it is over.
 */
export class FollowedStream {
  readonly #reader: StreamReader;
  readonly #at: number;
  readonly #isSource: boolean;
  /** Of what came after a beginning that is gone: the line that has not come to its end. */
  #line = '';
  readonly #decoder = new TextDecoder();
  readonly #messages: { readonly text: string; readonly at: number }[] = [];
  #asked: Promise<void> = Promise.resolve();
  #isBeside = false;
  #read = 0;
  #heard = 0;
  #onPiece: (() => void) | undefined;
  /** Bytes that the browser told of without what they say. */
  told = 0;
  /** `refused`: it was over, or its beginning gone, before it could be followed. */
  state: 'asking' | 'followed' | 'refused' = 'asking';

  /**
   * @param at when it began to come.
   * @param isSource an event source tells its messages.
   */
  constructor(reader: StreamReader, at: number, isSource: boolean) {
    this.#reader = reader;
    this.#at = at;
    this.#isSource = isSource;
  }

  /** @param isBeside it is told of on another session than the one that tells of everything else. */
  follow(asking: Promise<Begun>, isBeside: boolean): void {
    this.#isBeside = isBeside;
    this.#asked = asking.then(
      ({ bufferedData }) => this.#begin(bufferedData),
      () => this.#refuse(),
    );
  }

  push(data: string, at: number): void {
    this.#read += bytesIn(data);
    if (this.state !== 'refused') this.#reader.push(data, at);
    else if (this.#isSource) this.#sayBeside(data, at);
    this.#onPiece?.();
  }

  /** A message that the event source had of it. */
  message(message: SourceMessage, at: number): void {
    // What comes after the beginning is heard in full.
    if (this.#read === 0) this.#heard += messageBytes(message);
    const text = messageText(message);
    if (this.state === 'refused') this.say(text, at);
    else if (this.state === 'asking') this.#messages.push({ text, at });
  }

  /** What an event source says beside its messages, line by line. */
  #sayBeside(data: string, at: number): void {
    this.#line += this.#decoder.decode(Buffer.from(data, 'base64'), { stream: true });
    const lines = this.#line.split(/[\r\n]+/);
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '' && !OF_MESSAGES.test(line)) this.say(`${line}\n\n`, at);
    }
  }

  /** A part that came whole. */
  say(text: string, at: number): void {
    this.#reader.say(text, at);
  }

  /** Of what is not followed: bytes of its beginning that are in no message, such as comments. */
  get unheard(): number {
    return this.told - this.#heard;
  }

  /** Whether all that came was told. */
  get isWhole(): boolean {
    return !this.#isBeside || this.#read >= this.told;
  }

  /** Resolves when it is known what is followed and all of that is here, at the latest after a limit. */
  async settled(ms: number): Promise<void> {
    await this.#asked;
    if (this.state !== 'followed' || this.isWhole) return;
    await new Promise<void>((resolve) => {
      const cancel = after(ms, resolve);
      this.#onPiece = () => {
        if (!this.isWhole) return;
        cancel();
        resolve();
      };
    });
  }

  end(): void {
    this.#reader.end();
  }

  #begin(data: string): void {
    const had = bytesIn(data);
    if (!this.#isBeside && had < this.told) {
      this.#refuse();
      return;
    }
    this.state = 'followed';
    this.#read += had;
    this.#reader.begin(data, this.#at);
  }

  #refuse(): void {
    this.state = 'refused';
    for (const { text, at } of this.#messages) this.say(text, at);
  }
}

function bytesIn(data: string): number {
  return Buffer.byteLength(data, 'base64');
}
