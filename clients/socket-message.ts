import type { DecodedFrame, HandshakeStep } from '../targets/target.ts';
import type { Arrival } from './inbox.ts';
import type { Opening } from './socket-opening.ts';

/** Who deals with the messages of a connection, in two halves. */
interface MessageReceiver {
  /** Writes a message down; the first half of receiving it. */
  record(message: Message): void;
  /** Tells whom it concerns of a message that was recorded. */
  tell(message: Message): void;
}

/** A message on its way from the socket to its owner. */
export class Message implements Arrival {
  readonly #receiver: MessageReceiver;
  readonly bytes: Buffer;
  readonly isBinary: boolean;
  /** When it was read, on the trial's clock. */
  readonly at: number;
  text = '';
  /** Undefined for what is no JSON. */
  decoded: DecodedFrame | undefined;
  further: readonly DecodedFrame[] | undefined;
  opening: Opening | undefined;
  step: HandshakeStep | undefined;
  /** What the target wants back for it at once. */
  reply: unknown;

  constructor(
    receiver: MessageReceiver,
    { bytes, isBinary, at }: Pick<Message, 'bytes' | 'isBinary' | 'at'>,
  ) {
    this.#receiver = receiver;
    this.bytes = bytes;
    this.isBinary = isBinary;
    this.at = at;
  }

  get size(): number {
    return this.bytes.length;
  }

  record(): void {
    this.#receiver.record(this);
  }

  tell(): void {
    this.#receiver.tell(this);
  }
}
