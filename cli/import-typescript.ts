import { fileURLToPath } from 'node:url';

const TSCONFIG = fileURLToPath(new URL('../tsconfig.json', import.meta.url));

/** Loads a module that may be TypeScript, with all that it loads, whether this process reads it or not. */
export async function importTypeScript(url: string): Promise<unknown> {
  const { register } = await import('tsx/esm/api');
  const modules = register({ namespace: 'profile', tsconfig: TSCONFIG });
  return modules.import(url, import.meta.url);
}
