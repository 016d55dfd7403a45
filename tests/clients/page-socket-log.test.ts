import { describe, expect, it } from 'vitest';
import { DevToolsChannel } from '../../clients/page-channel.ts';
import { PagePen } from '../../clients/page-pen.ts';
import { SecondWitness } from '../../clients/page-second-witness.ts';
import { PageSocketLog } from '../../clients/page-socket-log.ts';
import { drivingSessionOf } from '../../clients/page-inner-half.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import { fieldsOf, tinyTarget, until } from './lab.ts';
import { holding, nothingTold, on, ownerOf, pageLab, pageTests, site } from './page-lab.ts';

const { closers, browser } = pageTests();

const OPENS = `<script>
  const socket = new WebSocket('ws://' + location.host + '/ws?ticket=abcdefgh12345');
  socket.onopen = () => socket.send(JSON.stringify({ type: 'ask', content: 'hello' }));
</script>`;

describe('sockets of a page', () => {
  it('are read as JSON behind a prefix where the profile says so', async () => {
    const page = OPENS.replace('JSON.stringify({', "'42' + JSON.stringify({");
    const place = await site(closers, {
      files: { '/': page },
      socket: (socket) => {
        socket.send('2');
        socket.on('message', () => {
          socket.send('42["answer",{"text":"hello"}]');
          socket.close(4007, 'enough');
        });
      },
    });
    const lab = await pageLab(closers, browser, {
      wire: { framing: 'prefixed', decode: () => ({ role: 'other', event: 'read' }) },
    });
    await lab.open(place.url);
    await until(() => lab.told.closed.length === 1);
    const frames = on(await lab.lines(), 'socket').filter(({ kind }) => kind === 'frame');
    expect(frames.map(({ dir, event, frame }) => [dir, event, frame])).toEqual(
      expect.arrayContaining([
        ['in', 'read', ['2']],
        ['out', undefined, ['42', { type: 'ask', content: 'hello' }]],
        ['in', 'read', ['42', ['answer', { text: 'hello' }]]],
      ]),
    );
    expect(frames).toHaveLength(3);
  });

  it('hold several events in a frame, each with its part of it', async () => {
    const batch = [
      { id: 'e1', text: 'half a wo' },
      { id: 'e2', text: 'rd' },
    ];
    const place = await site(closers, {
      files: { '/': OPENS },
      socket: (socket) => {
        socket.send(JSON.stringify(batch));
        socket.on('message', () => socket.close(4007, 'enough'));
      },
    });
    const decodeAll = (frame: unknown) =>
      (Array.isArray(frame) ? frame : [frame]).map((part: unknown) => ({
        role: 'other' as const,
        event: 'piece',
        part,
      }));
    const lab = await pageLab(closers, browser, {
      wire: { decode: (frame) => decodeAll(frame)[0] ?? { role: 'other' }, decodeAll },
    });
    await lab.open(place.url);
    await until(() => lab.told.closed.length === 1);
    const frames = on(await lab.lines(), 'socket').filter(({ event }) => event === 'piece');
    expect(frames.map(({ frame }) => frame)).toEqual([batch, batch[1]]);
  });

  it.each([
    ['', false],
    [', also where nothing can be heard but by a session of our own', true],
  ])('are recorded as a raw user records its own%s', async (_where, isTaken) => {
    const place = await site(closers, {
      files: { '/': OPENS },
      socket: (socket) => {
        socket.send(JSON.stringify({ type: 'hello', user_id: 'id-u00' }));
        socket.send(Buffer.from([0xff, 0xfe, 0x00]));
        socket.send('no json');
        socket.on('message', () => {
          socket.send(JSON.stringify({ type: 'answer', user_id: 'id-u00', run_id: 'r1' }));
          socket.send(JSON.stringify({ type: 'x', user_id: 'stranger', text: 'a private text' }));
          socket.close(4007, 'enough');
        });
      },
    });
    const lab = await pageLab(closers, browser);
    if (isTaken) lab.context.on('page', (page) => drivingSessionOf(page)?.tell(() => undefined));
    await lab.open(place.url);
    await until(() => lab.told.closed.length === 1);
    const lines = on(await lab.lines(), 'socket');
    expect(
      lines.map(({ kind, dir, conn }) => `${String(kind)} ${String(dir)} ${String(conn)}`),
    ).toEqual([
      'open act u00#1',
      'frame out u00#1',
      'frame in u00#1',
      'frame in u00#1',
      'frame in u00#1',
      'frame in u00#1',
      'frame in u00#1',
      'close in u00#1',
    ]);
    const [open, ask, hello, bytes, text, answer, strange, close] = lines;
    expect(open?.['url']).toMatch(/\?ticket=\[redacted:[0-9a-f]{16}\]$/);
    expect(hello).toMatchObject({ event: 'hello', owner: 'id-u00', user: 'u00' });
    expect(bytes?.['base64']).toBe('//4A');
    expect(text?.['text']).toBe('no json');
    expect(ask?.['frame']).toEqual({ type: 'ask', content: 'hello' });
    expect(answer).toMatchObject({ event: 'answer', run: 'r1' });
    expect(strange).toMatchObject({ masked: true, owner: 'stranger' });
    expect(JSON.stringify(strange)).not.toContain('private');
    expect(close).toMatchObject({ code: 4007, reason: 'enough', by: 'them' });
    expect(lab.told).toMatchObject({
      opened: ['u00#1'],
      sent: ['{"type":"ask","content":"hello"}'],
      closed: [{ code: 4007, by: 'them' }],
    });
    const upgrade = on(await lab.lines(), 'http').find(({ status }) => status === 101);
    expect(upgrade).toMatchObject({ conn: 'u00#1', kind: 'response' });
  });

  it('show own ids in their handshake, which are written before the frame that shows them, and what they are given after it', async () => {
    const place = await site(closers, {
      files: { '/': OPENS },
      socket: (socket) => {
        socket.send('{"type":"hello","connection_id":"conn-1"}');
        socket.on('message', () => socket.send('{"type":"hello","connection_id":"conn-2"}'));
      },
    });
    const quiet = new QuietWindow({ quietMsMin: 100, quietMsMax: 1_000 });
    const lab = await pageLab(closers, browser, {
      quiet,
      handshake: () => ({
        receive: (frame) => ({
          state: 'ready',
          ids: { connection: String(fieldsOf(frame)['connection_id']) },
          secrets: ['a-token-of-this-connection'],
        }),
      }),
    });
    await lab.open(place.url);
    await until(() => lab.told.received.length === 2);
    const lines = (await lab.lines()).filter(
      ({ kind, dir }) => kind === 'identity' || (kind === 'frame' && dir === 'in'),
    );
    expect(lines.map(({ kind }) => kind)).toEqual(['identity', 'frame', 'identity', 'frame']);
    expect(lines[2]?.['credentials']).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      source: 'handshake',
      ids: { connection: 'conn-1' },
      conn: 'u00#1',
    });
    expect(lab.pen.ownedByCrowd('conn-1')).toBe(true);
    expect(quiet.lastAt).toBeCloseTo(Number(lines[3]?.['t']), 2);
  });

  it('say who closed them, and why they did not open', async () => {
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}/ws`);
          socket.addEventListener('open', () => socket.close(4001, 'done'));
          socket.addEventListener('close', resolve);
        }),
    );
    await page.evaluate(
      () =>
        new Promise((resolve) => {
          new WebSocket('ws://127.0.0.1:9/').addEventListener('close', resolve);
        }),
    );
    await until(() => lab.told.closed.length === 1);
    const lines = await lab.lines();
    expect(lab.told.closed).toEqual([{ code: 4001, by: 'us' }]);
    expect(lines.find(({ kind }) => kind === 'failure')).toMatchObject({
      step: 'connect',
      conn: 'u00#2',
    });
  });

  it('end with the document that opened them', async () => {
    const place = await site(closers, {
      files: { '/': OPENS, '/next': '<p>another page</p>' },
      socket: (socket) => socket.send(JSON.stringify({ type: 'hello', user_id: 'id-u00' })),
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await until(() => lab.told.received.length === 1);
    await page.goto(`${place.url}/next`);
    expect(lab.told.closed).toEqual([{ code: 1006, by: 'us' }]);
    const lines = on(await lab.lines(), 'socket');
    expect(lines.filter(({ kind }) => kind === 'close')).toMatchObject([{ by: 'us', code: 1006 }]);
  });

  it('carry the time at which the browser received a frame, not that of its handling', async () => {
    const BUSY_MS = 1_500;
    const sentAt: number[] = [];
    const place = await site(closers, {
      files: { '/': OPENS },
      socket: (socket) => {
        socket.on('message', () => {
          sentAt.push(performance.timeOrigin + performance.now());
          for (let count = 0; count < 5; count += 1) socket.send('{"type":"tick"}');
          // Nobody here can handle anything for a while; the browser receives all the same.
          const end = performance.now() + BUSY_MS;
          while (performance.now() < end);
        });
      },
    });
    const lab = await pageLab(closers, browser);
    await lab.open(place.url);
    await until(() => lab.told.received.length === 5);
    const frames = on(await lab.lines(), 'socket').filter(({ event }) => event === 'tick');
    for (const { t } of frames) {
      const late = lab.pen.clock.startedAtUnixMs + Number(t) - (sentAt[0] ?? 0);
      expect(late).toBeGreaterThan(-5);
      expect(late).toBeLessThan(BUSY_MS / 2);
    }
  });

  it('are seen in workers and in frames of other sites from their first frame', async () => {
    const open = (name: string): string =>
      `new WebSocket('ws://' + location.host + '/ws?${name}').onmessage = () => {};`;
    const place = await site(closers, {
      files: {
        '/': `<script>
          new Worker('/worker.js');
          navigator.serviceWorker.register('/service.js');
        </script>`,
        '/worker.js': open('worker'),
        '/service.js': open('service'),
        '/frame': `<script>${open('frame')}</script>`,
      },
      socket: (socket, request) => {
        socket.send(JSON.stringify({ type: 'hello', name: `to-${request.url?.slice(4) ?? ''}` }));
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = `${url}/frame`;
      document.body.append(frame);
    }, place.otherUrl);
    await until(() => lab.told.received.length === 3);
    const lines = on(await lab.lines(), 'socket');
    for (const name of ['worker', 'service', 'frame'])
      expect(holding(lines, `to-${name}`)).toHaveLength(1);
    expect(new Set(lines.map(({ conn }) => conn)).size).toBe(3);
    expect((await lab.lines()).filter(({ kind }) => kind === 'failure')).toEqual([]);
  });

  it('are seen in a window that a page opens from their first frame', async () => {
    const place = await site(closers, {
      files: {
        '/': '<p>opener</p>',
        '/window': `<script>
          new WebSocket('ws://' + location.host + '/ws').onmessage = () => {};
        </script>`,
      },
      socket: (socket) => socket.send('{"type":"first"}'),
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => void window.open('/window'));
    await until(() => lab.told.received.length > 0);
    const lines = await lab.lines();
    expect(on(lines, 'socket').filter(({ event }) => event === 'first')).toHaveLength(1);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
  });

  it('are seen in a shared worker, which belongs to no page, from their first frame', async () => {
    const place = await site(closers, {
      files: {
        '/': `<script>new SharedWorker('/shared.js')</script>`,
        '/shared.js': `new WebSocket('ws://' + location.host + '/ws').onmessage = () => {};`,
      },
      socket: (socket) => socket.send('{"type":"first"}'),
    });
    const lab = await pageLab(closers, browser);
    await lab.open(place.url);
    await until(() => lab.told.received.length > 0);
    // What nobody else has seen either is told at the end.
    await lab.recorder.stop();
    const lines = await lab.lines();
    expect(on(lines, 'socket')).toContainEqual(expect.objectContaining({ event: 'first' }));
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
    const scripts = on(lines, 'http').filter(({ kind }) => kind === 'response');
    expect(holding(scripts, 'new WebSocket(')).not.toEqual([]);
  });

  it('of a kind that no browser tells of are not taken for seen', async () => {
    const lab = await pageLab(closers, browser);
    const pen = new PagePen(lab.pen, new QuietWindow({ quietMsMin: 1, quietMsMax: 1 }));
    const { socket: wire } = tinyTarget();
    const quiet = new QuietWindow({ quietMsMin: 1, quietMsMax: 1 });
    const settings = { wire, quiet, silentEvents: new Set<string>(), bytesMax: 1_024 };
    const channel = new DevToolsChannel({ type: 'page', url: '' }, () => Promise.resolve());
    new PageSocketLog(settings, pen, new SecondWitness()).attach(channel);
    channel.dispatch('Network.webTransportConnectionEstablished', { transportId: '1' });
    expect((await lab.lines()).find(({ kind }) => kind === 'failure')).toMatchObject({
      step: 'watch',
      reason: 'socket',
      message: expect.stringContaining('WebTransport'),
    });
  });

  it('belong to whoever the profile belongs to, those that a page holds open as well', async () => {
    const place = await site(closers, {
      files: { '/': OPENS.replace('const socket', 'const socket = window.held') },
      socket: (socket) => socket.on('message', () => socket.send('{"type":"answer"}')),
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await until(() => lab.told.received.length === 1);
    const next = nothingTold();
    lab.recorder.belongsTo(ownerOf('u01', next));
    expect(next.opened).toEqual(['u01#1']);
    await page.evaluate(() => {
      const held: unknown = Reflect.get(window, 'held');
      if (!(held instanceof WebSocket)) throw new Error('nothing is held');
      held.send('{}');
      held.addEventListener('message', () => held.close());
      const socket = new WebSocket(`ws://${location.host}/ws`);
      socket.addEventListener('open', () => socket.send('{}'));
    });
    await until(() => next.received.length === 2 && next.closed.length === 1);
    const lines = on(await lab.lines(), 'socket');
    const frames = lines.filter(({ event }) => event === 'answer');
    expect(frames.map(({ user, conn }) => [user, conn])).toEqual(
      expect.arrayContaining([
        ['u00', 'u00#1'],
        ['u01', 'u01#1'],
        ['u01', 'u01#2'],
      ]),
    );
    // How it ends is a matter of whoever opened it.
    const ends = lines.filter(({ kind }) => kind === 'close');
    expect(ends.map(({ user, conn }) => [user, conn])).toEqual([['u00', 'u00#1']]);
  });
});
