import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData } from 'ws';
import { z } from 'zod';
import { readCast, type Cast, type Person } from './cast.ts';
import { serverJobSchema, SHAPES, type Shape } from './jobs.ts';
import { serveJob } from './processes.ts';
import {
  eventsOf,
  EVENTS_PER_RUN,
  FRAMES_PER_WRITE,
  framesPerPass,
  greetingOf,
  pongOf,
  textFrame,
} from './wire.ts';

/**
 * The server of the load, in a process of its own. All answers are built before the first connection, so
 * that the client is what a measurement waits for. `/closed?user=3` answers each question by the five
 * events of that user's next run, one frame per write; `/flood?user=3` answers `{"type":"go","passes":n}`
 * with n passes over all of the user's frames, 160 per write; `/ask?user=3` and `/idle?user=3` greet and
 * are silent.
 */

const messageSchema = z.looseObject({
  type: z.string(),
  timestamp: z.number().optional(),
  passes: z.number().optional(),
});

/** All frames of one user in one piece of memory. */
interface Script {
  readonly bytes: Buffer;
  /** Where each frame ends. */
  readonly ends: readonly number[];
}

interface Connection {
  readonly person: Person;
  readonly script: Script;
  readonly socket: Duplex;
  asked: number;
}

function scriptOf(person: Person): Script {
  const now = Date.now();
  const frames = person.questions.flatMap((asked) =>
    eventsOf(person, asked, now).map((event) => textFrame(event.text)),
  );
  let end = 0;
  return { bytes: Buffer.concat(frames), ends: frames.map((frame) => (end += frame.length)) };
}

function cut({ bytes, ends }: Script, from: number, to: number): Buffer {
  return bytes.subarray(from === 0 ? 0 : ends[from - 1], ends[to - 1]);
}

/** One frame per write: each is handed to the kernel by itself. */
function answer(connection: Connection): void {
  const from = connection.asked * EVENTS_PER_RUN;
  connection.asked += 1;
  for (let frame = from; frame < from + EVENTS_PER_RUN; frame += 1)
    connection.socket.write(cut(connection.script, frame, frame + 1));
}

function flood({ person, script, socket }: Connection, passes: number): void {
  const frames = framesPerPass(person.questions.length);
  const writes = (frames / FRAMES_PER_WRITE) * passes;
  let written = 0;
  const next = (): void => {
    if (written === writes) return;
    const from = (written * FRAMES_PER_WRITE) % frames;
    written += 1;
    socket.write(cut(script, from, from + FRAMES_PER_WRITE), next);
  };
  next();
}

function handle(shape: Shape, connection: Connection, data: RawData): void {
  const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
  // Questions are not read: their answers are ready.
  if (text.startsWith('{"type":"user_message"')) {
    if (shape !== 'ask') answer(connection);
    return;
  }
  const message = messageSchema.parse(JSON.parse(text));
  if (message.type === 'ping')
    connection.socket.write(textFrame(pongOf(message.timestamp ?? 0, Date.now())));
  else if (shape === 'flood') flood(connection, message.passes ?? 0);
}

async function serve(cast: Cast): Promise<string> {
  const scripts = cast.people.map((person) => scriptOf(person));
  const acceptor = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
  });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const index = Number(url.searchParams.get('user'));
    const person = cast.people[index];
    const script = scripts[index];
    const shape = SHAPES.find((name) => url.pathname === `/${name}`);
    if (person === undefined || script === undefined || shape === undefined) {
      socket.destroy();
      return;
    }
    acceptor.handleUpgrade(request, socket, head, (webSocket) => {
      const connection: Connection = { person, script, socket, asked: 0 };
      // A client process that is done ends without closing its connections one by one.
      webSocket.on('error', () => socket.destroy());
      webSocket.on('message', (data) => handle(shape, connection, data));
      socket.write(textFrame(greetingOf(person, Date.now())));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve);
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object', 'the server listens on a port');
  return `ws://127.0.0.1:${address.port}`;
}

serveJob(async (job) => ({ url: await serve(readCast(serverJobSchema.parse(job).castPath)) }));
