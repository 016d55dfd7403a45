import { dirname } from 'node:path';
import base from '../playwright.config.ts';
import { LANE_VARIABLE, specsFromEnvironment } from './specs.ts';

/** Playwright's special characters of a regular expression, escaped. */
function exactly(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')}$`);
}

const specs = specsFromEnvironment(process.env);
const directories = [...new Set(specs.map((path) => dirname(path)))];

/**
 * The project's configuration, narrowed to the scripts that `crosstalk run` was asked for. They may lie
 * anywhere, while a project of Playwright Test looks into one directory: so each transport becomes one
 * project of that name per directory.
 */
export default {
  ...base,
  // Each clears its directory when it starts.
  outputDir: `${base.outputDir}/${process.env[LANE_VARIABLE] ?? ''}`,
  projects: directories.flatMap((testDir) =>
    (base.projects ?? []).map((project) => ({
      ...project,
      testDir,
      testMatch: specs.filter((path) => dirname(path) === testDir).map(exactly),
    })),
  ),
};
