import { EventEmitter } from 'node:events';
import type { BrowserContext } from 'playwright';
import { describe, expect, it } from 'vitest';
import { SecondWitness } from '../../clients/page-second-witness.ts';

const URL = 'ws://127.0.0.1:1/ws';

/** A witness of a profile with one page, on which Playwright sees sockets when it is told so. */
function witnessOf(lateMsMax: number): { witness: SecondWitness; playwrightSaw: () => void } {
  const context = new EventEmitter();
  const page = new EventEmitter();
  const witness = new SecondWitness(lateMsMax);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing but its events is used
  witness.attach(context as unknown as BrowserContext);
  context.emit('page', page);
  return { witness, playwrightSaw: () => page.emit('websocket', { url: () => URL }) };
}

const LONG_MS = 100_000;

describe('a socket that Playwright saw', () => {
  it('is not missed while we may yet see it, however often that is asked', () => {
    const { witness, playwrightSaw } = witnessOf(LONG_MS);
    playwrightSaw();
    for (let times = 0; times < 5; times += 1) expect(witness.missesSocket()).toBe(false);
  });

  it('is not missed when we saw it before, or see it later', async () => {
    const { witness, playwrightSaw } = witnessOf(LONG_MS);
    witness.sawSocket(URL);
    playwrightSaw();
    expect(witness.missesSocket()).toBe(false);
    playwrightSaw();
    expect(witness.missesSocket()).toBe(false);
    setImmediate(() => witness.sawSocket(URL));
    await witness.socketsSeen();
    expect(witness.missesSocket()).toBe(false);
  });

  it('is missed, and that once, when we should have seen it by now', async () => {
    const { witness, playwrightSaw } = witnessOf(30);
    witness.sawSocket(URL);
    playwrightSaw();
    playwrightSaw();
    await witness.socketsSeen();
    expect(witness.missesSocket()).toBe(true);
    expect(witness.missesSocket()).toBe(false);
  });
});
