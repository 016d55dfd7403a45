import { createServer, type IncomingMessage } from 'node:http';
import { decodeJwt } from 'jose';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { judgeOnce } from '../../assertions/history-judge.ts';
import { guardedTarget } from './guarded-chat.ts';
import { Closers, listening, openRawTrial } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const userOf = ({ headers }: IncomingMessage): string =>
  decodeJwt(headers['sec-websocket-protocol'] ?? '').sub ?? '';

/** What a server may do with the latest guest's socket, given the user who came before. */
interface Indiscretion {
  readonly upgrade?: (former: string) => string;
  readonly greeted?: (socket: WebSocket, former: string) => void;
}

/** A chat whose messages are in order, and which tells every guest of the one before all the same. */
async function indiscreetChat({ upgrade, greeted }: Indiscretion): Promise<string> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const guests: string[] = [];
  sockets.on('headers', (headers, request) => {
    const former = guests.at(-1);
    guests.push(userOf(request));
    if (former !== undefined && upgrade !== undefined) headers.push(upgrade(former));
  });
  sockets.on('connection', (socket, request) => {
    const former = guests[guests.indexOf(userOf(request)) - 1];
    socket.send(JSON.stringify({ type: 'hello', user_id: userOf(request) }));
    if (former !== undefined) greeted?.(socket, former);
  });
  return listening(closers, server, sockets);
}

const WAYS: Readonly<Record<string, Indiscretion>> = {
  'a header of the upgrade': { upgrade: (former) => `x-last-user: ${former}` },
  'the name of a header of the upgrade': { upgrade: (former) => `x-seen-${former}: 1` },
  'the payload of a ping': { greeted: (socket, former) => socket.ping(`after ${former}`) },
  'the payload of a pong': { greeted: (socket, former) => socket.pong(`after ${former}`) },
  'the reason of a close': {
    greeted: (socket, former) => socket.close(1000, `busy with ${former}`),
  },
  'a binary message': {
    greeted: (socket, former) => socket.send(Buffer.from([0xff, 0xfe, ...Buffer.from(former)])),
  },
};

test.each(Object.entries(WAYS))("%s that names another user is that user's", async (_name, way) => {
  const target = guardedTarget();
  const url = await indiscreetChat(way);
  const crowd = await openRawTrial(closers, target, { url, users: 2 });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.close('done');
  const { findings } = judgeOnce(crowd.historyPath);
  const accused = findings.filter(({ rule }) => rule === 'isolation/foreign-identity');
  expect(accused).toHaveLength(1);
  expect(new Set([accused[0]?.observer, accused[0]?.owner])).toEqual(new Set(['u00', 'u01']));
});
