import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, platform, totalmem } from 'node:os';
import type { Summary } from '../history/verdict.ts';

const GIT_TIMEOUT_MS = 2000;
const BYTES_PER_GIB = 1024 ** 3;
/** Packages that take part in what a verdict rests on. */
const PACKAGES = ['playwright', 'ws', 'undici'] as const;

/** What a summary says about where it was made. Nothing in it names a machine or a person. */
export function describeEnvironment(): Pick<Summary, 'environment' | 'versions' | 'commit'> {
  return {
    environment: {
      platform: platform(),
      arch: arch(),
      cpus: availableParallelism(),
      memoryGiB: Math.round((totalmem() / BYTES_PER_GIB) * 10) / 10,
      ci: (process.env['CI'] ?? '') !== '',
    },
    versions: { crosstalk: crosstalkVersion(), node: process.versions.node, ...packageVersions() },
    commit: commitOf(process.cwd()),
  };
}

/** The version in the project's own package.json. */
export function crosstalkVersion(): string {
  return versionIn(new URL('../package.json', import.meta.url)) ?? 'unknown';
}

function packageVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const versions: Record<string, string> = {};
  for (const name of PACKAGES) {
    const version = versionIn(require.resolve(`${name}/package.json`));
    if (version !== undefined) versions[name] = version;
  }
  return versions;
}

function versionIn(path: string | URL): string | undefined {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : undefined;
}

/** The commit checked out in a directory, or null outside of a repository or without git. */
function commitOf(directory: string): string | null {
  try {
    const text = execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: GIT_TIMEOUT_MS,
    }).trim();
    return /^[0-9a-f]{40,64}$/.test(text) ? text : null;
  } catch {
    return null; // No git, no repository or no commit yet: the summary says so by null.
  }
}
