import { describe, expect, it } from 'vitest';
import type { Line } from './lab.ts';
import {
  contentIn,
  holding,
  nothingTold,
  on,
  ownerOf,
  pageLab,
  pageTests,
  site,
  type PageLab,
} from './page-lab.ts';

const { closers, browser } = pageTests();

/** A page that has run this. */
async function did(deed: () => void): Promise<PageLab> {
  const place = await site(closers, { files: { '/': '<p>page</p>', '/inner': '<p>inner</p>' } });
  const lab = await pageLab(closers, browser);
  const page = await lab.open(place.url);
  await page.evaluate(deed);
  return lab;
}

/** Waits until a surface has shown a text, and says where. */
async function placeOf(lab: PageLab, surface: string, text: string): Promise<unknown> {
  let found: Line | undefined;
  await expect
    .poll(async () => (found = holding(on(await lab.lines(), surface), text)[0]), {
      message: text,
      timeout: 10_000,
    })
    .toBeDefined();
  return found?.['place'];
}

describe('what a page does', () => {
  it('is seen in its history and its name, also what is gone again', async () => {
    const lab = await did(() => {
      history.pushState({ of: { whom: new Map([['a', 'state for long']]) } }, '');
      history.replaceState({ of: 'state for a moment' }, '');
      const ring: Record<string, unknown> = { of: 'state of a ring' };
      ring['itself'] = [ring];
      history.replaceState(ring, '');
      history.replaceState(null, '');
      window.name = 'named after somebody';
      const frame = document.createElement('iframe');
      frame.src = '/inner';
      const goOn = (): void => {
        if (frame.contentWindow !== null) frame.contentWindow.location.hash = 'of-a-frame';
      };
      frame.addEventListener('load', goOn, { once: true });
      document.body.append(frame);
    });
    for (const text of ['state for long', 'state for a moment', 'state of a ring'])
      expect(await placeOf(lab, 'storage', text)).toBe('history.state');
    expect(await placeOf(lab, 'storage', 'named after somebody')).toBe('window.name');
    expect(await placeOf(lab, 'dom', '#of-a-frame')).toBe('url of a frame');
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    const named = holding(await lab.lines(), 'named after somebody');
    expect(named.map(({ user }) => user)).toEqual(['u00', 'u01']);
  });

  it('is seen in cookies that are overwritten at once, unless they are credentials', async () => {
    const lab = await did(() => {
      document.cookie = 'theme=dark%20of%20somebody; path=/settings';
      document.cookie = 'theme=; path=/settings; max-age=0';
      document.cookie = 'session_id=abcdefghijklmnop';
      document.cookie = 'session_id=; max-age=0';
    });
    expect(await placeOf(lab, 'cookie', 'dark of somebody')).toBe(
      'theme; path=/settings; as it was written',
    );
    const lines = await lab.lines();
    const session = lines.find(({ place }) => String(place).startsWith('session_id'));
    expect(contentIn(session)).toMatch(/^\[redacted:[0-9a-f]{16}\]$/);
    expect(JSON.stringify(lines)).not.toContain('abcdefghijklmnop');
  });

  it('is seen on canvases and in controls that scripts fill and empty', async () => {
    const lab = await did(() => {
      const canvas = document.createElement('canvas');
      canvas.getContext('2d')?.fillText('drawn for somebody', 0, 9);
      const input = document.createElement('input');
      document.body.append(input);
      input.value = 'a draft of somebody';
      input.value = '';
      const secret = document.createElement('input');
      secret.type = 'password';
      document.body.append(secret);
      secret.value = 'hunter22hunter';
    });
    expect(await placeOf(lab, 'dom', 'drawn for somebody')).toBe('canvas');
    expect(await placeOf(lab, 'dom', 'a draft of somebody')).toMatch(/input:nth\(0\)@value$/);
    expect(JSON.stringify(await lab.lines())).not.toContain('hunter22');
  });

  it('is seen in what comes from peer to peer', async () => {
    const lab = await did(() => {
      const one = new RTCPeerConnection();
      const other = new RTCPeerConnection();
      one.addEventListener(
        'icecandidate',
        ({ candidate }) => void other.addIceCandidate(candidate),
      );
      other.addEventListener(
        'icecandidate',
        ({ candidate }) => void one.addIceCandidate(candidate),
      );
      const channel = one.createDataChannel('events');
      channel.addEventListener('open', () => {
        channel.send('in words');
        channel.send(new TextEncoder().encode('in bytes'));
      });
      other.addEventListener('datachannel', (event) => event.channel.send('in reply'));
      void (async () => {
        await one.setLocalDescription();
        if (one.localDescription) await other.setRemoteDescription(one.localDescription);
        await other.setLocalDescription();
        if (other.localDescription) await one.setRemoteDescription(other.localDescription);
      })();
    });
    for (const text of ['in words', 'in bytes', 'in reply'])
      expect(await placeOf(lab, 'socket', text)).toBe('data channel "events"');
  });

  it('is unseen, and that is told, in a closed shadow tree that it writes as HTML', async () => {
    const lab = await did(() => {
      document.write('<b><template shadowrootmode="closed">out of sight</template></b>');
    });
    const failures = async (): Promise<Line | undefined> =>
      (await lab.lines()).find(({ kind }) => kind === 'failure');
    await expect.poll(failures).toMatchObject({
      step: 'watch',
      reason: 'dom',
      message: expect.stringContaining('closed shadow tree'),
    });
  });
});
