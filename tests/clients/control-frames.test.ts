import { afterEach, describe, expect, test } from 'vitest';
import { Closers, socketLab, socketServer, until } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** Ping and pong frames may carry text too, and what they carry has been received. */
describe('the payload of a control frame', () => {
  test.each(['ping', 'pong'] as const)('of a %s is recorded', async (kind) => {
    let received = false;
    const url = await socketServer(closers, (socket) => {
      socket[kind]('last seen: somebody');
      socket.send('{"type":"hello"}');
      received = true;
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    await until(() => received);
    expect(await lab.lines()).toContainEqual(
      expect.objectContaining({
        conn: 'u00#1',
        surface: 'socket',
        dir: 'in',
        kind: 'ping',
        text: 'last seen: somebody',
      }),
    );
  });

  test('leaves no line where it is empty', async () => {
    const url = await socketServer(closers, (socket) => {
      socket.ping();
      socket.send('{"type":"hello"}');
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    expect((await lab.lines()).filter(({ kind }) => kind === 'ping')).toEqual([]);
  });

  test('holds no credential in the record', async () => {
    const secret = 'token-of-mine-0a1b2c3d4e5f';
    const url = await socketServer(closers, (socket) => {
      socket.ping(secret);
      socket.send('{"type":"hello"}');
    });
    const lab = socketLab(closers, url);
    lab.recorder.vault.add(secret);
    await lab.connect();
    const lines = await lab.lines();
    expect(lines.filter(({ kind }) => kind === 'ping')).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain(secret);
  });
});
