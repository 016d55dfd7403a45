import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy on this machine that browsers are pointed to. */
export interface ProxyGate {
  readonly url: string;
  close(): Promise<void>;
}

/** What a gate lets through, and on which way. */
export interface GateSettings {
  /** Hosts without ports and brackets, in lower case. */
  readonly hosts: ReadonlySet<string>;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are read from. */
  readonly env: Environment;
}

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];

/** The environment for requests to a target: no proxy leads to one that the harness started itself. */
export function environmentFor(
  target: { readonly embedded: boolean },
  plan: { readonly url: string | null },
  env: Environment,
): Environment {
  if (!target.embedded || plan.url !== null) return env;
  return { ...env, ...Object.fromEntries(PROXY_VARIABLES.map((name) => [name, undefined])) };
}

/** Whether the environment names a proxy that requests must go through. */
export function hasProxy(env: Environment): boolean {
  return PROXY_VARIABLES.some((name) => (env[name] ?? '') !== '');
}

/**
 * Where requests must go through a proxy, that proxy resolves names, and no resolver rule of a browser
 * keeps a page from any host in the world. So the browser is given this gate instead, which knows the
 * target's hosts, refuses all others, and passes the rest on to the proxy of the environment.
 */
export async function openProxyGate(settings: GateSettings): Promise<ProxyGate | undefined> {
  if (!hasProxy(settings.env)) return undefined;
  const sockets = new Set<Duplex>();
  const server = createServer((incoming, outgoing) => forward(settings, incoming, outgoing));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('connect', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    tunnel(settings, incoming.url ?? '', { socket, head });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A request in the clear: handed on whole. */
function forward(
  { hosts, env }: GateSettings,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : undefined;
  if (url === undefined || !hosts.has(hostIn(url.hostname))) {
    outgoing.writeHead(403).end('not one of the hosts of the target');
    return;
  }
  const proxy = proxyOfPage(url, env);
  const { method, headers } = incoming;
  const onward =
    proxy === undefined
      ? request(url, { method, headers })
      : request({
          host: hostIn(proxy.hostname),
          port: portIn(proxy),
          path: url.href,
          method,
          headers: { ...headers, ...credentialsIn(proxy) },
        });
  onward.once('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(outgoing);
  });
  onward.once('error', (error) => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502).end(error.message);
  });
  incoming.pipe(onward);
}

/** A tunnel, as encrypted traffic and web sockets use: opened, and out of our hands then. */
function tunnel(
  { hosts, env }: GateSettings,
  authority: string,
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
): void {
  const url = URL.canParse(`https://${authority}`) ? new URL(`https://${authority}`) : undefined;
  if (url === undefined || !hosts.has(hostIn(url.hostname))) {
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    return;
  }
  let joined = false;
  const join = (onward: Socket): void => {
    joined = true;
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  };
  const refuse = (): void => {
    if (joined) socket.destroy();
    else socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  };
  const proxy = proxyOfPage(url, env);
  if (proxy === undefined) {
    const onward = connect(portIn(url), hostIn(url.hostname));
    onward.once('connect', () => join(onward)).on('error', refuse);
    return;
  }
  const asking = request({
    host: hostIn(proxy.hostname),
    port: portIn(proxy),
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...credentialsIn(proxy) },
  });
  asking.once('connect', (response, onward) => {
    onward.on('error', refuse);
    if (response.statusCode === 200) join(onward);
    else refuse();
  });
  asking.once('error', refuse).end();
}

/**
 * The proxy that a URL is reached through by the variables that Node's own requests obey, or undefined where it
 * is reached directly.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const { http, https } = proxiesIn(env);
  return isExempt(url, env) ? undefined : parsed(isEncrypted(url) ? https || http : http);
}

/**
 * The same for a browser, which reaches loopback addresses directly unless told otherwise. A tunnel does not tell
 * what goes through it, so one proxy does for both where there is but one.
 */
function proxyOfPage(url: URL, env: Environment): URL | undefined {
  if (isLoopback(hostIn(url.hostname)) || isExempt(url, env)) return undefined;
  const { http, https } = proxiesIn(env);
  return parsed(isEncrypted(url) ? https || http : http || https);
}

function proxiesIn(env: Environment): Readonly<Record<'http' | 'https', string | undefined>> {
  return {
    http: env['http_proxy'] || env['HTTP_PROXY'],
    https: env['https_proxy'] || env['HTTPS_PROXY'],
  };
}

function parsed(chosen: string | undefined): URL | undefined {
  if (chosen === undefined) return undefined;
  const text = /^[a-z]+:\/\//i.test(chosen) ? chosen : `http://${chosen}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** As `NO_PROXY` is commonly read: hosts with all below them, ports if given, `*` for everything. */
function isExempt(url: URL, env: Environment): boolean {
  const host = hostIn(url.hostname);
  return (env['no_proxy'] || env['NO_PROXY'] || '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      // An address with colons has a port only behind brackets.
      const [, given = entry, port] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [];
      const name = hostIn(given);
      if (port !== undefined && Number(port) !== portIn(url)) return false;
      const bare = name.replace(/^\*?\.?/, '');
      return name === '*' || host === bare || host.endsWith(`.${bare}`);
    });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function hostIn(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
}

function portIn(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return isEncrypted(url) ? 443 : 80;
}

function isEncrypted({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:';
}

function credentialsIn({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
