import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Whether a file is loaded as an ES module, which the harness's own modules need: by its ending, or by the
 * `type` of the nearest package.json.
 */
export function isModule(path: string): boolean {
  if (/\.m[jt]s$/.test(path)) return true;
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest)) return /"type"\s*:\s*"module"/.test(readFileSync(manifest, 'utf8'));
    if (directory === dirname(directory)) return false;
  }
}
