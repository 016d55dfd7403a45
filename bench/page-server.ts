import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import { readCast, type Person } from './cast.ts';
import { serverJobSchema } from './jobs.ts';
import { serveJob } from './processes.ts';
import { eventsOf } from './wire.ts';

/**
 * A page that opens one socket and counts what comes, and draws it where its address says `?draws`; and
 * the server that sends so many frames a second to it, in a process of its own. The page asks for frames
 * with `{"frames":n,"perSecond":n}`.
 */

const orderSchema = z.strictObject({ frames: z.number(), perSecond: z.number() });

const STEP_MS = 10;

const PAGE = `<!doctype html><title>Frames</title><main></main><script>
  const main = document.querySelector('main');
  const draws = location.search === '?draws';
  window.count = 0;
  window.socket = new WebSocket('ws://' + location.host + '/ws');
  window.socket.onmessage = ({ data }) => {
    window.count += 1;
    if (!draws) return;
    const { payload } = JSON.parse(data);
    const article = document.createElement('article');
    article.setAttribute('role', 'article');
    article.textContent = payload.thought ?? payload.message ?? payload.response ?? payload.result ?? '';
    main.append(article);
    if (main.children.length > 50) main.firstChild.remove();
  };
</script>`;

async function serve(person: Person): Promise<string> {
  const texts = person.questions.flatMap((asked) =>
    eventsOf(person, asked, Date.now()).map(({ text }) => text),
  );
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { frames, perSecond } = orderSchema.parse(JSON.parse(data.toString('utf8')));
      const from = performance.now();
      let sent = 0;
      const timer = setInterval(() => {
        const due = Math.min(frames, Math.ceil(((performance.now() - from) / 1_000) * perSecond));
        for (; sent < due; sent += 1) socket.send(texts[sent % texts.length] ?? '');
        if (sent === frames) clearInterval(timer);
      }, STEP_MS);
      socket.once('close', () => clearInterval(timer));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

serveJob(async (job) => {
  const [person] = readCast(serverJobSchema.parse(job).castPath).people;
  assert(person !== undefined);
  return { url: await serve(person) };
});
