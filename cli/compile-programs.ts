import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type OutputFile, type Plugin } from 'esbuild';
import {
  COMPILED_DIRECTORY,
  MANIFEST,
  PROGRAMS,
  stateOf,
  type CompiledProgram,
  type CompiledPrograms,
} from '../scenarios/compiled-programs.ts';

const ENTRY = 'entry';
const OWN = 'cli/compile-programs.ts';
const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Libraries of the older kind look for `require`. */
const BANNER = `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`;

/**
 * Compiles the {@link PROGRAMS} into the cache. What runs meanwhile finds either the former file or the new
 * one.
 */
export async function compilePrograms(root: string = ROOT): Promise<void> {
  const compiled = await Promise.all(
    Object.keys(PROGRAMS).map(
      async (source) => [source, await compileProgram(source, root)] as const,
    ),
  );
  const programs: CompiledPrograms = Object.fromEntries(compiled);
  replace(join(root, COMPILED_DIRECTORY, MANIFEST), JSON.stringify(programs));
}

async function compileProgram(source: string, root: string): Promise<CompiledProgram> {
  const outdir = posix.join(COMPILED_DIRECTORY, source.replaceAll(/\W/g, '-'));
  const file = posix.join(outdir, `${ENTRY}.mjs`);
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: source, out: ENTRY }],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is loaded only when it is needed must stay so.
    splitting: true,
    external: (PROGRAMS[source]?.apart ?? []).flatMap((name) => [name, `${name}/*`]),
    platform: 'node',
    target: `node${process.versions.node}`,
    format: 'esm',
    banner: { js: BANNER },
    plugins: [ownPlaces(root, outdir)],
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  mkdirSync(join(root, outdir), { recursive: true });
  const isEntry = ({ path }: OutputFile): boolean => path === join(root, file);
  // The entry comes last: what it loads is there by then.
  for (const output of outputFiles) if (!isEntry(output)) replace(output.path, output.text);
  for (const output of outputFiles) if (isEntry(output)) replace(output.path, output.text);
  return { file, sources: sourcesIn(metafile, root) };
}

/** Our own files, this one too; libraries change with the lock file, whose change comes with an installation. */
function sourcesIn({ inputs }: Metafile, root: string): Record<string, string> {
  const own = Object.keys(inputs).filter((path) => !isLibrary(path));
  return Object.fromEntries(
    [...own, OWN, 'package-lock.json'].map((path) => [path, stateOf(join(root, path))]),
  );
}

/** Whether a path from the root leads to what was installed. */
function isLibrary(path: string): boolean {
  return path.startsWith('node_modules');
}

/** Our modules find files beside them, and still do when they are part of a file that lies elsewhere. */
function ownPlaces(root: string, outdir: string): Plugin {
  return {
    name: 'own places',
    setup(bundling) {
      bundling.onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
        if (isLibrary(relative(root, path))) return undefined;
        const place = relative(join(root, outdir), path).replaceAll(sep, '/');
        const text = readFileSync(path, 'utf8');
        const other = /import\.meta\.(?:dirname|filename)/.exec(text)?.[0];
        if (other !== undefined)
          return {
            errors: [
              { text: `${path}: "${other}" would tell of the compiled file; use import.meta.url` },
            ],
          };
        const contents = text.replaceAll(
          'import.meta.url',
          `new URL(${JSON.stringify(place)}, import.meta.url).href`,
        );
        return { contents, loader: path.endsWith('x') ? 'tsx' : 'ts' };
      });
    },
  };
}

function replace(path: string, text: string): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, text);
  renameSync(next, path);
}
