import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../history/message-of.ts';
import { asFrame, fieldOf } from './frames.ts';
import { parseTarget, TargetDefinitionError } from './define-target.ts';
import { isModule } from './es-module.ts';
import netra from './netra.ts';
import reference from './reference.ts';
import type { Target } from './target.ts';

/** The profiles that come with the harness, in the order of `crosstalk list targets`. */
export const BUILT_IN_TARGETS: readonly Target[] = [reference, netra];

const MODULE_NAME = /\.(ts|mts|js|mjs)$/;

/** Loads the module at a `file:` URL. */
export type ImportModule = (url: string) => Promise<unknown>;

export interface LoadOptions {
  /** Where relative paths begin; the working directory unless given. */
  readonly directory?: string | undefined;
  /** For processes that do not read TypeScript by themselves. */
  readonly importModule?: ImportModule | undefined;
}

/**
 * The target that `--target` names: a built-in profile, or the default export of a module (`.ts`, `.js`,
 * `.mjs`), its path taken from `directory`. Throws {@link TargetDefinitionError} otherwise: code
 * `TARGET_UNKNOWN` (no such name or file), `TARGET_UNREADABLE` (the module does not load) or
 * `TARGET_INVALID` (its profile has mistakes).
 */
export async function loadTarget(
  nameOrFile: string,
  { directory = process.cwd(), importModule = importPlainly }: LoadOptions = {},
): Promise<Target> {
  const builtIn = BUILT_IN_TARGETS.find(({ name }) => name === nameOrFile);
  if (builtIn !== undefined) return builtIn;
  const file = resolve(directory, nameOrFile);
  if (!MODULE_NAME.test(nameOrFile) || !existsSync(file)) throw unknownTarget(nameOrFile);
  const profile = await defaultExportOf(nameOrFile, file, importModule);
  try {
    return parseTarget(profile);
  } catch (error) {
    if (!(error instanceof TargetDefinitionError)) throw error;
    const mistakes = error.mistakes.map((mistake) => `${nameOrFile}: ${mistake}`);
    throw new TargetDefinitionError(mistakes, { cause: error });
  }
}

/** As whatever process this is reads modules. */
function importPlainly(url: string): Promise<unknown> {
  return import(url);
}

async function defaultExportOf(
  nameOrFile: string,
  file: string,
  importModule: ImportModule,
): Promise<unknown> {
  let module: unknown;
  try {
    module = await importModule(pathToFileURL(file).href);
  } catch (error) {
    // A profile that calls defineTarget itself fails here, with all of its mistakes at hand.
    const mistakes = definitionMistakes(error);
    if (mistakes !== undefined) {
      throw new TargetDefinitionError(
        mistakes.map((mistake) => `${nameOrFile}: ${mistake}`),
        { cause: error },
      );
    }
    const reason = messageOf(error);
    // Whatever else is said of a file that is not even taken for a module would lead astray.
    const mistake = isModule(file)
      ? `"${nameOrFile}" must be a module that loads, but loading it failed: ${reason}`
      : `"${nameOrFile}" must be an ES module. Name it ${asModule(basename(file))}, or put {"type":"module"} into a package.json beside it.`;
    throw new TargetDefinitionError([mistake], { code: 'TARGET_UNREADABLE', cause: error });
  }
  const profile = fieldOf(asFrame(module), 'default');
  if (profile === undefined) {
    throw new TargetDefinitionError([
      `"${nameOrFile}" must have a default export, got none. Write: export default defineTarget({ … });`,
    ]);
  }
  return profile;
}

function asModule(name: string): string {
  return name.replace(/\.(?=[jt]s$)/, '.m');
}

/** Matched by code: a profile may have loaded its own copy of the class. */
function definitionMistakes(error: unknown): readonly string[] | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'TARGET_INVALID') {
    return undefined;
  }
  return 'mistakes' in error && Array.isArray(error.mistakes)
    ? error.mistakes.map(String)
    : undefined;
}

function unknownTarget(nameOrFile: string): TargetDefinitionError {
  const names = BUILT_IN_TARGETS.map(({ name }) => name).join(', ');
  const rule = `must be a built-in target (${names}) or the path of a profile module (.ts, .mts, .js, .mjs)`;
  const came = MODULE_NAME.test(nameOrFile) ? 'but there is no such file' : 'and is neither';
  return new TargetDefinitionError(
    [`"--target ${nameOrFile}" ${rule}, ${came}. Run "crosstalk list targets".`],
    { code: 'TARGET_UNKNOWN' },
  );
}
