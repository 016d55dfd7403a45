import assert from 'node:assert/strict';
import { LiveJudge } from '../assertions/judge.ts';
import { Heartbeats } from '../clients/heartbeats.ts';
import { QuietWindow } from '../clients/quiet-window.ts';
import { Recorder, toMicroseconds } from '../clients/recorder.ts';
import { RunTracker } from '../clients/run-tracker.ts';
import { SocketClient } from '../clients/socket-client.ts';
import type { SocketOwner, SocketSettings } from '../clients/socket-settings.ts';
import { startClock, wallUnixMs } from '../history/clock.ts';
import { JournalWriter } from '../history/journal-writer.ts';
import { Vault } from '../history/redaction.ts';
import reference from '../targets/reference.ts';
import { jwtProtocols } from '../targets/sub-protocols.ts';
import type { DecodedFrame } from '../targets/target.ts';
import { headerOf, type Asked, type Cast, type Person } from './cast.ts';
import type { Contender, LoadListener, Team, TeamOptions } from './contender.ts';

/**
 * The product's own pipeline, unchanged: `SocketClient` receives, stamps, decodes and redacts,
 * `Recorder` and `JournalWriter` put it on disk, `RunTracker` finds the end of an answer; with `judges`,
 * `LiveJudge` is told of every observation as in a trial that may stop early.
 */
export function pipelineTeam(
  cast: Cast,
  options: TeamOptions & { readonly judges: boolean; readonly journalPath: string },
): Team {
  const { url, listener, judges, journalPath } = options;
  const clock = startClock();
  const header = {
    ...headerOf(cast, 'bench'),
    startedAt: new Date(clock.startedAtUnixMs).toISOString(),
  };
  const users: PipelineUser[] = [];
  const journal = new JournalWriter({
    path: journalPath,
    header,
    clock,
    onPressure: (high) => {
      for (const user of users) user.press(high);
    },
  });
  const judge = judges ? new LiveJudge(header) : undefined;
  if (judge !== undefined) journal.listen((observation) => judge.observe(observation));
  const recorder = new Recorder(
    journal,
    new Vault(),
    cast.people[0]?.markerPrefix.slice(0, 10) ?? '',
  );
  const settings: SocketSettings = {
    recorder,
    wire: reference.socket,
    heartbeats: new Heartbeats(reference.socket.pingEveryMs),
    quiet: new QuietWindow(reference.judging.limits),
    silentEvents: new Set(reference.judging.heartbeats),
    bytesMax: reference.judging.limits.payloadBytesMax,
    handshakeMsMax: reference.limits.handshakeMsMax,
    headers: {},
    agent: undefined,
  };
  for (const person of cast.people)
    users.push(
      new PipelineUser(person, { settings, listener, address: `${url}?user=${person.index}` }),
    );
  return {
    contenders: users,
    settle: async () => {
      await journal.flush();
      assert.equal(journal.lost, 0, 'observations were lost');
      assert.deepEqual(judge?.violations ?? [], [], 'the load is clean, but was judged not to be');
    },
  };
}

/** Owns one connection as `SocketUser` does, without the HTTP around it. */
class PipelineUser implements Contender, SocketOwner {
  readonly userId: string;
  readonly #person: Person;
  readonly #settings: SocketSettings;
  readonly #listener: LoadListener;
  readonly #address: string;
  readonly #socket: SocketClient;
  #tracker: RunTracker | undefined;
  #asked = 0;

  constructor(
    person: Person,
    parts: {
      readonly settings: SocketSettings;
      readonly listener: LoadListener;
      readonly address: string;
    },
  ) {
    this.userId = person.user;
    this.#person = person;
    this.#settings = parts.settings;
    this.#listener = parts.listener;
    this.#address = parts.address;
    this.#socket = new SocketClient(parts.settings, this, {
      user: person.name,
      conn: `${person.name}#1`,
    });
  }

  async open(): Promise<void> {
    const { user, token, thread, note, nameMarker } = this.#person;
    const { recorder, wire } = this.#settings;
    const observer = this.#observer();
    recorder.act(observer, 'plant', { place: 'name', marker: nameMarker });
    recorder.identity(observer, {
      source: 'sign-in',
      ids: { user },
      credentials: [recorder.vault.add(token)],
    });
    const session = { userId: user, token, secrets: [token] };
    const request = { url: this.#address, protocols: jwtProtocols(token), headers: {} };
    await this.#socket.connect(request, wire.handshake(session), recorder.clock.now());
    recorder.identity(observer, { source: 'thread', ids: { thread } });
    recorder.act(observer, 'plant', { place: 'note', marker: note });
  }

  ask(): void {
    const asked = this.#person.questions[this.#asked];
    assert.ok(asked !== undefined, 'there is no further question');
    this.#asked += 1;
    this.#askNow(asked);
  }

  go(passes: number): void {
    this.#socket.send({ type: 'go', passes });
  }

  press(high: boolean): void {
    if (high) this.#socket.pause();
    else this.#socket.resume();
  }

  received(decoded: DecodedFrame, text: string): void {
    if (decoded.role !== 'agent') return;
    this.#listener.event();
    const tracker = this.#tracker;
    if (tracker === undefined) return;
    tracker.receive(decoded, text);
    if (!tracker.isOver) return;
    this.#tracker = undefined;
    this.#listener.answered(this);
  }

  introduced(): void {
    // The thread is known beforehand.
  }

  closed(code: number): void {
    throw new Error(`the server closed a connection with ${code}`);
  }

  /** What `SocketUser` does when it asks. */
  #askNow({ content, marker, run }: Asked): void {
    const { recorder } = this.#settings;
    const { thread } = this.#person;
    const ordinal = this.#asked;
    const intended = toMicroseconds(recorder.clock.now());
    const first = ordinal === 1;
    const { frame } = this.#socket.askFrame({ content, thread, run, now: wallUnixMs(), first });
    this.#tracker = new RunTracker(reference.judging, {
      ordinal,
      run,
      thread,
      marker,
      userId: this.userId,
    });
    this.#socket.asking({ question: ordinal, run, thread, marker, intended });
    this.#socket.send(frame, { run, thread });
  }

  #observer(): { readonly user: string; readonly conn: string | null } {
    return { user: this.#person.name, conn: this.#socket.conn };
  }
}
