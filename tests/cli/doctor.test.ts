import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { writeProfile } from './profiles.ts';
import { Closers, httpServer } from '../clients/lab.ts';

const doctorSchema = z.object({
  steps: z.array(z.object({ step: z.string(), ok: z.boolean(), message: z.string() })),
});
const closers = new Closers();
afterEach(() => closers.closeAll());

/** What doctor says of the one question to a target whose agent events decode turns into these. */
async function asked(decoded: string): Promise<string | undefined> {
  const cwd = temporaryDirectory();
  writeProfile(
    cwd,
    'odd',
    `page: undefined, socket: { ...reference.socket, decode: (frame) => {
       const known = reference.socket.decode(frame);
       return known.role === 'agent' ? ${decoded} : known;
     } }`,
  );
  const words = 'doctor --target ./odd.mts --pace 0.02 --timeout 4 --json';
  const { code, out } = await crosstalk(words.split(' '), { cwd });
  expect(code).toBe(2);
  return doctorSchema.parse(JSON.parse(out)).steps.find(({ step }) => step === 'one question')
    ?.message;
}

it('says by which names the events came that decode does not know', async () => {
  expect(await asked(`{ role: 'other', event: 'my.' + known.event }`)).toMatch(
    /; \d+ frames came that are no agent event .* my\.agent_started \(1\), .*Check ask and decode/,
  );
}, 60_000);

it('says that the end of the run came under another role', async () => {
  expect(await asked(`{ ...known, role: 'other' }`)).toContain(
    '; agent_completed came, and did not end the run: decode must give it the role "agent"',
  );
}, 60_000);

it.each(['HTTP_PROXY', 'http_proxy'])(
  'reaches the embedded target past the proxy of %s',
  async (name) => {
    const cwd = temporaryDirectory();
    writeProfile(cwd, 'pageless', 'page: undefined');
    const words = 'doctor --target ./pageless.mts --pace 0 --json';
    const env = { [name]: 'http://127.0.0.1:1', NO_PROXY: '', no_proxy: '' };
    const { code, out } = await crosstalk(words.split(' '), { cwd, env });
    expect(code, out).toBe(0);
  },
  60_000,
);

async function firstFailureAt(url: string): Promise<string | undefined> {
  const words = ['doctor', '--url', url, '--json'];
  const { code, out } = await crosstalk(words, { cwd: temporaryDirectory() });
  expect(code).toBe(2);
  return doctorSchema.parse(JSON.parse(out)).steps.find(({ ok }) => !ok)?.message;
}

it('says which way round TLS is wrong', async () => {
  const plain = await httpServer(closers, (_request, response) => void response.end());
  expect(await firstFailureAt(plain.replace('http:', 'https:'))).toContain(
    'does not answer: there is no TLS at the address; try http:// (a socket: ws://). Check',
  );
  // As a server that expects TLS does.
  const silent = await httpServer(closers, (request) => void request.socket.destroy());
  expect(await firstFailureAt(silent)).toContain('; if it expects TLS, try https://. Check');
}, 60_000);

it('names where a health endpoint leads instead', async () => {
  const location = 'https://ann:pw@sso.example/in?code=one-time';
  const leading = await httpServer(
    closers,
    (_request, response) => void response.writeHead(302, { location }).end(),
  );
  expect(await firstFailureAt(leading)).toContain(
    `${leading}/health answered 302 (a redirect to https://sso.example/in);`,
  );
}, 60_000);

it('says which function of the profile trips over a reply of another shape', async () => {
  const elsewhere = await httpServer(closers, (_request, response) => void response.end('Hello'));
  const cwd = temporaryDirectory();
  writeProfile(
    cwd,
    'trusting',
    `page: undefined, signIn: { ...reference.signIn, register: async ({ http }) => {
       const reply = await http.request({ address: 'api', method: 'GET', path: '/', purpose: 'sign-in' });
       return { userId: reply.json.id, token: 't', secrets: [] };
     } }`,
  );
  const words = ['doctor', '--target', './trusting.mts', '--url', elsewhere, '--json'];
  const { code, out } = await crosstalk(words, { cwd });
  expect(code, out).toBe(2);
  const steps = doctorSchema.parse(JSON.parse(out)).steps.filter(({ ok }) => !ok);
  expect(steps[0]?.message).toMatch(/^sign-in: the profile's signIn\.register threw: .*'id'/);
}, 60_000);
