import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Endings of scenario scripts; the first is that of the built-in ones. */
const SPEC_ENDING = /\.spec\.[cm]?[jt]s$/;
/** Where the scenarios are that come with the harness. */
export const SCENARIOS_DIRECTORY = fileURLToPath(new URL('../scenarios/', import.meta.url));

/** A scenario script. */
export interface ScenarioFile {
  /** File name without its ending. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** First sentence of the file's leading comment. */
  readonly text: string;
  /** Without `@`. */
  readonly tags: readonly string[];
  /** Whether it goes on as long as `--for` says (`test.use({ lasting: true })`). */
  readonly lasting: boolean;
  /** Whether its users come over the time that `--ramp` says; those of `explore` come when its scripts say. */
  readonly ramps: boolean;
  /** Whether its users hardly do anything but wait (`test.use({ waits: true })`). */
  readonly waits: boolean;
  /** The transports it can be walked on (`test.use({ transports: […] })`); null: all. */
  readonly transports: readonly string[] | null;
}

/** The scenarios that come with the harness, by name. Scripts are read, not loaded. */
export function builtInScenarios(): ScenarioFile[] {
  return readdirSync(SCENARIOS_DIRECTORY)
    .filter((file) => SPEC_ENDING.test(file))
    .toSorted()
    .map((file) => readScenario(resolve(SCENARIOS_DIRECTORY, file)));
}

/** A built-in scenario by name, or a spec file by path; undefined if it is neither. */
export function findScenario(nameOrPath: string, directory: string): ScenarioFile | undefined {
  const builtIn = builtInScenarios().find(({ name }) => name === nameOrPath);
  if (builtIn !== undefined) return builtIn;
  const path = resolve(directory, nameOrPath);
  return SPEC_ENDING.test(path) && existsSync(path) ? readScenario(path) : undefined;
}

function readScenario(path: string): ScenarioFile {
  const source = readFileSync(path, 'utf8');
  const lasting = /\blasting: true\b/.test(source);
  return {
    name: basename(path).replace(SPEC_ENDING, ''),
    path,
    text: firstSentence(source),
    lasting,
    ramps: lasting && !source.includes('/explore-fixture.'),
    waits: /\bwaits: true\b/.test(source),
    transports: transportsIn(source),
    tags: [...new Set([...source.matchAll(/['"`]@([\w-]+)['"`]/g)].map(([, tag]) => tag ?? ''))],
  };
}

function transportsIn(source: string): readonly string[] | null {
  const list = /\btransports: \[([^\]]*)\]/.exec(source)?.[1];
  return list === undefined ? null : [...list.matchAll(/[\w-]+/g)].map(([name]) => name);
}

function firstSentence(source: string): string {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(source)?.[1];
  if (comment === undefined) return '';
  const text = comment
    .replaceAll(/^\s*\* ?/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}
