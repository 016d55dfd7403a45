import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { wallUnixMs } from '../history/clock.ts';
import reference from '../targets/reference.ts';
import { jwtProtocols } from '../targets/sub-protocols.ts';
import type { Cast, Person } from './cast.ts';
import type { Contender, LoadListener, Team, TeamOptions } from './contender.ts';
import { EVENTS_PER_RUN } from './wire.ts';

/**
 * What there is to beat: `ws` and next to nothing around it. `bare` counts messages; `parse` makes a
 * value of each, as anybody must who wants to look at what was received. Both ask for themselves: a
 * question holds the time at which it is asked, so nobody can have its frame ready.
 */
export function plainTeam(cast: Cast, options: TeamOptions & { readonly parses: boolean }): Team {
  const { url, listener, parses } = options;
  const contenders = cast.people.map((person) => {
    const address = `${url}?user=${person.index}`;
    return parses
      ? new ParsingConnection(person, address, listener)
      : new BareConnection(person, address, listener);
  });
  return { contenders, settle: () => Promise.resolve() };
}

abstract class PlainConnection implements Contender {
  protected readonly listener: LoadListener;
  readonly #address: string;
  readonly #person: Person;
  #socket: WebSocket | undefined;
  #asked = 0;

  constructor(person: Person, address: string, listener: LoadListener) {
    this.listener = listener;
    this.#address = address;
    this.#person = person;
  }

  open(): Promise<void> {
    const socket = new WebSocket(this.#address, [...jwtProtocols(this.#person.token)], {
      perMessageDeflate: false,
      maxPayload: reference.judging.limits.payloadBytesMax,
    });
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('message', () => {
        socket.on('message', (data: Buffer) => this.received(data));
        resolve();
      });
    });
  }

  ask(): void {
    const { thread, questions } = this.#person;
    const asked = questions[this.#asked];
    assert.ok(asked !== undefined, 'there is no further question');
    this.#asked += 1;
    const { content, run } = asked;
    const question = { content, thread, run, now: wallUnixMs(), first: this.#asked === 1 };
    this.#socket?.send(JSON.stringify(reference.socket.ask(question).frame));
  }

  go(passes: number): void {
    this.#socket?.send(JSON.stringify({ type: 'go', passes }));
  }

  protected abstract received(data: Buffer): void;
}

class BareConnection extends PlainConnection {
  #left = EVENTS_PER_RUN;

  protected received(_data: Buffer): void {
    this.listener.event();
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#left = EVENTS_PER_RUN;
    this.listener.answered(this);
  }
}

class ParsingConnection extends PlainConnection {
  protected received(data: Buffer): void {
    const frame: unknown = JSON.parse(data.toString('utf8'));
    this.listener.event();
    if (isLastOfRun(frame)) this.listener.answered(this);
  }
}

function isLastOfRun(frame: unknown): boolean {
  return (
    typeof frame === 'object' &&
    frame !== null &&
    'type' in frame &&
    frame.type === 'agent_completed'
  );
}
