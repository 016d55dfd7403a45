import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const REFERENCE = new URL('../../targets/reference.ts', import.meta.url).href;

/** A page as a profile describes it; nothing of it is to be found anywhere. */
export const PAGE = `page: {
  signIn: {
    forms: { register: { path: '/nowhere', email: '#e', password: '#p', submit: '#s' } },
    session: () => undefined,
  },
  chatPath: '/nowhere',
  ready: '#ready',
  readyMsMax: 1000,
  composer: '#composer',
  send: null,
  answer: '#answer',
  asked: () => undefined,
}`;

/** Writes `NAME.mts`: the embedded target under another name, with some fields changed. */
export function writeProfile(directory: string, name: string, fields: string): void {
  writeFileSync(
    join(directory, `${name}.mts`),
    `import reference from '${REFERENCE}';
     const judging = { ...reference.judging, name: '${name}' };
     export default { ...reference, name: '${name}', judging, ${fields} };`,
  );
}
