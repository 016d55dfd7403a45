// Runs after `npm ci`. There is no build step: what is started again and again is compiled into a cache, and
// what Playwright loads is transformed then and kept in a cache of its own. Doing it all once here means that
// the first trial does not wait for it. Nothing depends on it, so whatever fails here fails silently and the
// first trial is slower.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: join(root, 'tsconfig.json') });
  const { compilePrograms } = await import('./compile-programs.ts');
  await compilePrograms();
  const playwright = createRequire(import.meta.url).resolve('playwright/package.json');
  const config = join(root, 'cli', 'warm-up.config.ts');
  const runner = [join(dirname(playwright), 'cli.js'), 'test', '--list', `--config=${config}`];
  spawnSync(process.execPath, runner, {
    cwd: root,
    stdio: 'ignore',
    timeout: 60_000,
  });
} catch {
  // Without development dependencies, or with scripts of others in the way: see above.
}
process.exit(0);
