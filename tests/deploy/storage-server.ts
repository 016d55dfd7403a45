import { createServer, type IncomingMessage } from 'node:http';

type Objects = Map<string, { generation: number; body: string }>;

/** A server that keeps objects as Cloud Storage does, with its preconditions on generations. */
export interface StorageServer {
  readonly url: string;
  readonly objects: Objects;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly generation?: number;
}

/** Starts one on a free port of loopback. Its bucket `broken` is out of order. */
export async function startStorage(): Promise<StorageServer> {
  const objects: Objects = new Map();
  const server = createServer((request, response) => {
    bodyOf(request)
      .then((body) => answerTo(request, body, objects))
      .catch((): Answer => ({ status: 500 }))
      .then(({ status, body, generation = 0 }) => {
        response.writeHead(status, { 'x-goog-generation': String(generation) }).end(body);
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    objects,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

let generations = 1000;

function answerTo(request: IncomingMessage, body: string, objects: Objects): Answer {
  const url = new URL(request.url ?? '', 'http://storage');
  const name = url.searchParams.get('name') ?? decodeURIComponent(nameIn(url));
  const known = objects.get(name);
  const wanted = url.searchParams.get('ifGenerationMatch');
  if (url.pathname.includes('/b/broken/')) return { status: 503 };
  if (request.headers.authorization === undefined) return { status: 401 };
  if (wanted !== null && wanted !== String(known?.generation ?? 0)) return { status: 412 };
  if (request.method === 'POST') {
    generations += 1;
    objects.set(name, { generation: generations, body });
    return { status: 200, body: JSON.stringify({ generation: String(generations) }) };
  }
  if (known === undefined) return { status: 404 };
  if (request.method !== 'DELETE') return { status: 200, ...known };
  objects.delete(name);
  return { status: 204 };
}

function nameIn(url: URL): string {
  return url.pathname.split('/o/')[1] ?? '';
}
