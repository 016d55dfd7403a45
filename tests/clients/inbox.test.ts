import { afterEach, describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { Inbox } from '../../clients/inbox.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import {
  Closers,
  headerFor,
  linesOf,
  socketLab,
  socketServer,
  temporaryDirectory,
  tinyTarget,
  until,
  type Line,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** Frames that a server writes in one piece, so that they are read in one turn of the event loop. */
function burst(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => `{"type":"burst","at":${from + at}}`);
}

const GREETING = '{"type":"hello"}';

function atOf({ frame }: Line): unknown {
  return typeof frame === 'object' && frame !== null && 'at' in frame ? frame.at : undefined;
}

describe('messages that were read in one turn', () => {
  test.each([1, 3, 64, 65, 200])('are all recorded and told in their order: %d', async (count) => {
    const url = await socketServer(closers, (socket) => {
      socket.send(GREETING);
      for (const frame of burst(0, count)) socket.send(frame);
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    await until(() => lab.told.length === count + 1);
    const lines = await lab.lines();
    const received = lines.filter((line) => atOf(line) !== undefined);
    expect(received.map((line) => atOf(line))).toEqual(
      Array.from({ length: count }, (_, at) => at),
    );
    const times = lines.map(({ t }) => Number(t));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(lines.map(({ n }) => n)).toEqual(lines.map((_, n) => n));
  });

  test('are recorded before anything that is written later in that turn', async () => {
    const url = await socketServer(closers, (socket) => {
      socket.send(GREETING);
      socket.on('message', () => {
        for (const frame of burst(0, 10)) socket.send(frame);
      });
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    // What is awaited is the read itself: its frames wait in the inbox when this continues.
    lab.client.send({ type: 'go' });
    const { inbox } = lab.recorder;
    const original = inbox.take.bind(inbox);
    let written = false;
    inbox.take = (arrival) => {
      original(arrival);
      if (written) return;
      written = true;
      lab.recorder.act({ user: 'u00', conn: 'u00#1' }, 'remark', { message: 'after the first' });
    };
    await until(() => lab.told.length === 11);
    const lines = await lab.lines();
    const remark = lines.findIndex(({ act }) => act === 'remark');
    expect(lines.slice(0, remark).map((line) => atOf(line))).toContain(0);
    expect(lines.slice(0, remark).map((line) => atOf(line))).not.toContain(1);
  });

  test('are told before the owner hears that the connection is gone', async () => {
    const url = await socketServer(closers, (socket) => {
      socket.send(GREETING);
      for (const frame of burst(0, 5)) socket.send(frame);
      socket.close(4000);
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    let toldAtClose = 0;
    await lab.closed.then(() => {
      toldAtClose = lab.told.length;
    });
    expect(toldAtClose).toBe(6);
    const lines = await lab.lines();
    expect(lines.at(-1)).toMatchObject({ kind: 'close', code: 4000 });
  });

  test('are in the record when it ends before anybody was told', async () => {
    const url = await socketServer(closers, (socket) => {
      socket.send(GREETING);
      socket.on('message', () => socket.send('{"type":"burst","at":7}'));
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    const { inbox } = lab.recorder;
    const original = inbox.take.bind(inbox);
    const lines = new Promise<Line[]>((resolve) => {
      inbox.take = (arrival) => {
        original(arrival);
        resolve(lab.lines());
      };
    });
    lab.client.send({ type: 'go' });
    expect((await lines).map((line) => atOf(line))).toContain(7);
  });

  test('are recorded and told though one of them cannot be', async () => {
    const path = join(temporaryDirectory(closers), 'history.ndjson');
    const journal = new JournalWriter({
      path,
      clock: startClock(),
      header: headerFor(tinyTarget()),
    });
    const inbox = new Inbox(journal);
    const append = (message: string): void =>
      journal.append({
        user: 'u00',
        conn: null,
        surface: 'harness',
        dir: 'act',
        kind: 'act',
        act: 'remark',
        message,
      });
    const told: string[] = [];
    for (const name of ['first', 'broken', 'last'])
      inbox.take({
        size: 1,
        record: () => {
          if (name === 'broken') throw new Error('it cannot be written down');
          append(name);
        },
        tell: () => told.push(name),
      });
    // Whoever writes next hears of it, and what waited behind it is not lost.
    expect(() => append('later')).toThrow('it cannot be written down');
    append('later');
    await until(() => told.length === 2);
    await journal.end('done');
    expect(linesOf(path).map(({ message }) => message)).toEqual(['first', 'last', 'later']);
    expect(told).toEqual(['first', 'last']);
  });
});
