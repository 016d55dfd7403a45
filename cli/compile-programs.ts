import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import {
  COMPILED_DIRECTORY,
  MANIFEST,
  PROGRAMS,
  stateOf,
  type CompiledPrograms,
} from '../scenarios/compiled-programs.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Libraries of the older kind look for `require`. */
const BANNER = `import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);`;

/**
 * Compiles the {@link PROGRAMS} into the cache. What runs meanwhile finds either the former file or the new
 * one.
 */
export async function compilePrograms(root: string = ROOT): Promise<void> {
  const directory = join(root, COMPILED_DIRECTORY);
  mkdirSync(directory, { recursive: true });
  const compiled = await Promise.all(
    Object.entries(PROGRAMS).map(async ([source, { packages }]) => {
      const file = posix.join(COMPILED_DIRECTORY, `${source.replaceAll(/\W/g, '-')}.mjs`);
      const { outputFiles, metafile } = await build({
        absWorkingDir: root,
        entryPoints: [source],
        outfile: file,
        bundle: true,
        ...(!packages && { packages: 'external' as const }),
        platform: 'node',
        target: `node${process.versions.node}`,
        format: 'esm',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        banner: { js: BANNER },
        plugins: [ownPlaces(root)],
        metafile: true,
        write: false,
        logLevel: 'silent',
      });
      replace(join(root, file), outputFiles.map(({ text }) => text).join(''));
      return [source, { file, sources: sourcesIn(metafile, root) }] as const;
    }),
  );
  const programs: CompiledPrograms = Object.fromEntries(compiled);
  replace(join(directory, MANIFEST), JSON.stringify(programs));
}

/** Our own files; libraries change with the lock file, whose change comes with an installation. */
function sourcesIn({ inputs }: Metafile, root: string): Record<string, string> {
  const own = Object.keys(inputs).filter((path) => !path.includes('node_modules/'));
  return Object.fromEntries(
    [...own, 'package-lock.json'].map((path) => [path, stateOf(join(root, path))]),
  );
}

/** Our modules find files beside them, and still do when they are part of a file that lies elsewhere. */
function ownPlaces(root: string): Plugin {
  return {
    name: 'own places',
    setup(bundling) {
      bundling.onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`)) return undefined;
        const place = relative(join(root, COMPILED_DIRECTORY), path).replaceAll(sep, '/');
        const contents = readFileSync(path, 'utf8').replaceAll(
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
