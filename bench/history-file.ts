import { closeSync, openSync, writeSync } from 'node:fs';
import { headerOf, STARTED_AT_UNIX_MS, type Asked, type Cast, type Person } from './cast.ts';
import { eventsOf, greetingOf, type WireEvent } from './wire.ts';

/**
 * Writes a clean history of the reference target as `JournalWriter` would have, but faster than any
 * trial: everybody signs in, opens the chat and asks, and all of this interleaved, so that neighbouring
 * lines belong to different users.
 */

const BUFFERED_CHARACTERS_MAX = 1024 * 1024;
/** Between two lines. Runs of ten users then overlap by milliseconds, as they must. */
const LINE_MS = 0.05;
const JSON_HEADERS =
  '"headers":{"content-type":"application/json; charset=utf-8","cache-control":"no-store","content-length":"155","connection":"keep-alive","keep-alive":"timeout=72"}';
const API = 'http://127.0.0.1:39799';
const HASH = '0123456789abcdef';

/** Lines that a user without any question has, and those that each question adds. */
export const LINES_PER_USER = 22;
export const LINES_PER_QUESTION = 10;

/** Returns how many observations were written. */
export function writeHistory(path: string, cast: Cast): number {
  const file = new HistoryFile(path, JSON.stringify(headerOf(cast, 'golden-path')));
  for (const stage of ARRIVAL) for (const person of cast.people) stage(person, file);
  const rounds = cast.people[0]?.questions.length ?? 0;
  for (let round = 0; round < rounds; round += 1) askAll(cast, round, file);
  for (const person of cast.people)
    file.line(person, true, '"surface":"socket","dir":"act","kind":"close","code":1000,"by":"us"');
  return file.end();
}

type Stage = (person: Person, file: HistoryFile) => void;

function askAll(cast: Cast, round: number, file: HistoryFile): void {
  const runs: { person: Person; asked: Asked; events: WireEvent[] }[] = [];
  for (const person of cast.people) {
    const asked = person.questions[round];
    if (asked === undefined) continue;
    runs.push({ person, asked, events: eventsOf(person, asked, file.nowUnixMs) });
    ask(person, { asked, question: round + 1 }, file);
  }
  for (const { person, asked } of runs) acknowledge(person, asked, file);
  for (let at = 0; at < 5; at += 1)
    for (const { person, asked, events } of runs) {
      const event = events[at];
      if (event !== undefined) receive(person, { asked, event }, file);
    }
}

const ARRIVAL: readonly Stage[] = [
  (person, file) => {
    plant(person, { place: 'name', marker: person.nameMarker }, file);
    act(person, '"message":"register","act":"sign-in"', file);
    request(person, { method: 'POST', path: '/auth/register', purpose: 'sign-in' }, file);
  },
  (person, file) => {
    response(
      person,
      { method: 'POST', path: '/auth/register', purpose: 'sign-in', frame: meOf(person) },
      file,
    );
    identity(person, `"source":"sign-in","ids":{"user":"${person.user}"}`, file);
    request(person, { method: 'GET', path: '/auth/me', purpose: 'whoami' }, file);
  },
  (person, file) =>
    response(
      person,
      { method: 'GET', path: '/auth/me', purpose: 'whoami', frame: meOf(person) },
      file,
    ),
  (person, file) =>
    file.line(
      person,
      true,
      `"surface":"socket","dir":"act","kind":"open","intended":${file.t},"url":"ws://127.0.0.1:39799/ws","headers":{"sec-websocket-protocol":"jwt-auth, jwt.[redacted:${HASH}]"}`,
    ),
  (person, file) => {
    file.line(
      person,
      true,
      '"surface":"http","dir":"in","kind":"response","method":"GET","status":101,"headers":{"upgrade":"websocket","connection":"Upgrade","sec-websocket-protocol":"jwt-auth"}',
    );
    const { user, thread, connection } = person;
    identity(
      person,
      `"source":"handshake","ids":{"user":"${user}","connection":"${connection}"}`,
      file,
    );
    frame(
      person,
      {
        fields: `"event":"connection_established","owner":"${user}","thread":"${thread}","sentAt":${file.nowUnixMs}`,
        text: greetingOf(person, file.nowUnixMs),
      },
      file,
    );
    send(person, { fields: '', text: `{"type":"ping","timestamp":${file.nowUnixMs}}` }, file);
  },
  (person, file) => {
    const now = file.nowUnixMs;
    frame(
      person,
      {
        fields: `"event":"pong","sentAt":${now}`,
        text: `{"type":"pong","timestamp":"${new Date(now).toISOString()}","server_time_ms":${now},"client_timestamp":${now}}`,
      },
      file,
    );
    file.line(
      person,
      true,
      '"surface":"socket","dir":"act","kind":"ping","rtt":0.8069207,"offset":-0.27368164',
    );
    plant(person, { place: 'title', marker: person.title }, file);
    request(person, { method: 'POST', path: '/api/threads', purpose: 'api' }, file);
  },
  (person, file) => {
    const thread = `{"id":"${person.thread}","object":"thread","title":"My green list ${person.title}","created_at":"2026-01-05T00:00:00.000Z","message_count":0,"members":["${person.user}"]}`;
    response(person, { method: 'POST', path: '/api/threads', purpose: 'api', frame: thread }, file);
    identity(person, `"source":"thread","ids":{"thread":"${person.thread}"}`, file);
    plant(person, { place: 'note', marker: person.note }, file);
    request(person, { method: 'PUT', path: '/api/profile/note', purpose: 'api' }, file);
  },
  (person, file) =>
    response(
      person,
      {
        method: 'PUT',
        path: '/api/profile/note',
        purpose: 'api',
        frame: `{"note":"My green hamster answers to ${person.note}."}`,
      },
      file,
    ),
];

function meOf({ user, email, nameMarker }: Person): string {
  return `{"id":"${user}","email":"${email}","name":"Hardy Cormier ${nameMarker}"}`;
}

function ask(
  person: Person,
  { asked, question }: { asked: Asked; question: number },
  file: HistoryFile,
): void {
  const { run, marker, content } = asked;
  const { thread } = person;
  plant(person, { place: 'question', marker }, file);
  identity(person, `"source":"ask","ids":{"run":"${run}"}`, file);
  act(
    person,
    `"question":${question},"run":"${run}","thread":"${thread}","marker":"${marker}","intended":${file.t},"act":"ask"`,
    file,
  );
  const payload = `{"content":"${content}","thread_id":"${thread}","run_id":"${run}","timestamp":"2026-01-05T00:00:00.000Z"}`;
  const text = `{"type":"user_message","payload":${payload}}`;
  send(person, { fields: `"run":"${run}","thread":"${thread}",`, text }, file);
}

function acknowledge(person: Person, { run }: Asked, file: HistoryFile): void {
  const { thread } = person;
  frame(
    person,
    {
      fields: `"event":"ack","thread":"${thread}","run":"${run}","sentAt":${file.nowUnixMs}`,
      text: `{"type":"ack","payload":{"run_id":"${run}","thread_id":"${thread}"},"timestamp":"2026-01-05T00:00:00.000Z"}`,
    },
    file,
  );
}

function receive(
  person: Person,
  { asked, event }: { asked: Asked; event: WireEvent },
  file: HistoryFile,
): void {
  const speaker =
    event.tool === undefined ? `"agent":"${event.agent ?? ''}"` : `"tool":"${event.tool}"`;
  const ids = `"owner":"${person.user}","thread":"${person.thread}","run":"${asked.run}"`;
  frame(
    person,
    {
      fields: `"event":"${event.event}",${ids},${speaker},"id":"${event.id}","sequence":${event.sequence},"sentAt":${file.nowUnixMs}`,
      text: event.text,
    },
    file,
  );
}

function plant(
  person: Person,
  { place, marker }: { place: string; marker: string },
  file: HistoryFile,
): void {
  act(person, `"place":"${place}","marker":"${marker}","act":"plant"`, file);
}

function act(person: Person, fields: string, file: HistoryFile): void {
  file.line(person, true, `"surface":"harness","dir":"act","kind":"act",${fields}`);
}

function identity(person: Person, fields: string, file: HistoryFile): void {
  file.line(person, true, `"surface":"harness","dir":"act","kind":"identity",${fields}`);
}

function frame(
  person: Person,
  { fields, text }: { fields: string; text: string },
  file: HistoryFile,
): void {
  file.line(person, true, `"surface":"socket","dir":"in","kind":"frame",${fields},"frame":${text}`);
}

function send(
  person: Person,
  { fields, text }: { fields: string; text: string },
  file: HistoryFile,
): void {
  file.line(person, true, `"surface":"socket","dir":"out","kind":"frame",${fields}"frame":${text}`);
}

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly purpose: string;
}

function request(person: Person, { method, path, purpose }: Exchange, file: HistoryFile): void {
  file.line(
    person,
    false,
    `"surface":"http","dir":"out","kind":"request","method":"${method}","url":"${API}${path}","purpose":"${purpose}"`,
  );
}

function response(person: Person, reply: Exchange & { frame: string }, file: HistoryFile): void {
  const { method, path, purpose } = reply;
  file.line(
    person,
    false,
    `"surface":"http","dir":"in","kind":"response","method":"${method}","url":"${API}${path}","purpose":"${purpose}","status":200,${JSON_HEADERS},"took":3.1,"frame":${reply.frame}`,
  );
}

/** Numbers lines and lets time pass. */
class HistoryFile {
  readonly #file: number;
  #text: string;
  #n = 0;

  constructor(path: string, header: string) {
    this.#file = openSync(path, 'w', 0o600);
    this.#text = `${header}\n`;
  }

  get t(): number {
    return Math.round(this.#n * LINE_MS * 1000) / 1000;
  }

  get nowUnixMs(): number {
    return STARTED_AT_UNIX_MS + Math.floor(this.t);
  }

  line({ name }: Person, connected: boolean, rest: string): void {
    const conn = connected ? `"${name}#1"` : 'null';
    this.#text += `{"n":${this.#n},"t":${this.t},"user":"${name}","conn":${conn},${rest}}\n`;
    this.#n += 1;
    if (this.#text.length > BUFFERED_CHARACTERS_MAX) this.#flush();
  }

  end(): number {
    this.#text += `{"kind":"end","n":${this.#n},"t":${this.t},"reason":"done"}\n`;
    this.#flush();
    closeSync(this.#file);
    return this.#n;
  }

  #flush(): void {
    writeSync(this.#file, this.#text);
    this.#text = '';
  }
}
