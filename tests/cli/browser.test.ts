import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { patientIn } from '../patient.ts';
import { printedIn } from './documents.ts';
import { PAGE, writeProfile } from './profiles.ts';

const NO_BROWSER = { CROSSTALK_BROWSER: '/no/such/browser' };

const doctorSchema = z.strictObject({
  steps: z.array(z.strictObject({ step: z.string(), ok: z.boolean(), message: z.string() })),
});

function directoryWith(name: string, fields: string): string {
  const cwd = temporaryDirectory();
  writeProfile(cwd, name, fields);
  return cwd;
}

describe('run without a browser', () => {
  it('is inconclusive, says how to get one, and runs what needs none', async () => {
    const cwd = directoryWith('paged', PAGE);
    const words = 'run --target ./paged.mts --users 2 --pace 0.05 --json'.split(' ');
    const { code, out } = await crosstalk([...words, ...patientIn(cwd)], { cwd, env: NO_BROWSER });
    const printed = printedIn(out);
    expect(code).toBe(2);
    expect(printed).toMatchObject({ verdict: 'inconclusive', cause: 'unavailable' });
    expect(printed.reasons[0]).toMatch(/^no browser: "CROSSTALK_BROWSER" must be the path/);
    expect(printed.trials).toEqual([
      expect.objectContaining({ transport: 'websocket', verdict: 'pass' }),
    ]);
  }, 120_000);

  it('starts nothing where all of it needs one', async () => {
    const cwd = directoryWith('paged', PAGE);
    const words = 'run --target ./paged.mts --transport browser,mixed --json';
    const { code, out } = await crosstalk(words.split(' '), { cwd, env: NO_BROWSER });
    expect(code).toBe(2);
    expect(printedIn(out)).toMatchObject({
      verdict: 'inconclusive',
      cause: 'unavailable',
      trials: [],
    });
  });

  it('is a pass on sockets where the profile describes no page, and says what did not apply', async () => {
    const cwd = directoryWith('pageless', 'page: undefined');
    const words = 'run --target ./pageless.mts --users 2 --pace 0.05 --json'.split(' ');
    const { code, out, err } = await crosstalk([...words, ...patientIn(cwd)], {
      cwd,
      env: NO_BROWSER,
    });
    const printed = printedIn(out);
    expect(code, out).toBe(0);
    expect(printed.notApplicable).toEqual([
      {
        scenario: 'golden-path',
        transport: 'browser',
        reason: 'the profile of "pageless" describes no page',
      },
    ]);
    expect(err).toContain('no browser trial: the profile of "pageless" describes no page');
    expect(printed.command).not.toContain('--transport');
  }, 120_000);
});

describe('doctor', () => {
  const stepOf = (out: string): unknown =>
    doctorSchema.parse(JSON.parse(out)).steps.find(({ step }) => step === 'browser');

  it('needs no browser where the profile describes no page', async () => {
    const cwd = directoryWith('pageless', 'page: undefined');
    const words = 'doctor --target ./pageless.mts --pace 0.05 --json';
    const { code, out } = await crosstalk(words.split(' '), { cwd });
    expect(code, out).toBe(0);
    expect(stepOf(out)).toMatchObject({
      ok: true,
      message: expect.stringContaining('not needed'),
    });
  });

  it('says who a user of a token is, and that no thread was read where none is named', async () => {
    const cwd = directoryWith(
      'roomy',
      `page: undefined, signInOrder: ['token'], threads: { read: async () => {}, note: reference.threads.note },
       signIn: { token: (call) => reference.signIn.register({ ...call, account: { name: 'Ann',
         email: 'ann4711@crosstalk.example.com', password: 'Secret-Passw0rd-1' } }) },
       socket: { ...reference.socket, handshake: () => ({ receive: (_frame, { event }) =>
         ({ state: event === 'connection_established' ? 'ready' : 'waiting' }) }), decode: (frame) =>
         ({ ...reference.socket.decode(frame), thread: undefined }) }`,
    );
    writeFileSync(join(cwd, 'users.json'), '[{"token":"made-by-somebody-else"}]');
    const words = 'doctor --target ./roomy.mts --users-file users.json --pace 0.05 --json';
    const { out } = await crosstalk(words.split(' '), { cwd });
    const { steps } = doctorSchema.parse(JSON.parse(out));
    const messageOf = (name: string) => steps.find(({ step }) => step === name)?.message;
    expect(messageOf('sign-in')).toMatch(/^as the user [\w-]{8,}$/);
    expect(messageOf('one question')).toMatch(/threads\.read was not called.*socket\.handshake/);
  });

  it('opens the sign-in page in the browser that trials would use', async () => {
    const cwd = directoryWith('paged', PAGE);
    const words = 'doctor --target ./paged.mts --pace 0.05 --json';
    const { code, out } = await crosstalk(words.split(' '), { cwd });
    expect(code).toBe(2);
    expect(stepOf(out)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/nowhere answered 404.*page in the profile/),
    });
  });

  it('says so when there is none', async () => {
    const cwd = directoryWith('paged', PAGE);
    const words = 'doctor --target ./paged.mts --pace 0.05 --json';
    const { out } = await crosstalk(words.split(' '), { cwd, env: NO_BROWSER });
    expect(stepOf(out)).toMatchObject({
      ok: false,
      message: expect.stringContaining('/no/such/browser'),
    });
  });
});
