import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { measureBrowserCpu } from './measure-browser-cpu.ts';
import { measureClient } from './measure-client.ts';
import { measureJudge } from './measure-judge.ts';
import { measureMemory } from './measure-memory.ts';
import { measurePage } from './measure-page.ts';
import { measureScan } from './measure-scan.ts';
import { readOptions, USAGE, type BenchOptions, type Section } from './options.ts';
import { isWithin, render, type Measurement, type Workbench } from './report.ts';

const MEASURE: Readonly<Record<Section, (bench: Workbench) => Promise<Measurement>>> = {
  'browser-cpu': measureBrowserCpu,
  client: measureClient,
  judge: measureJudge,
  memory: measureMemory,
  'page-frames': measurePage,
  scan: measureScan,
};

const EXIT_INTERRUPTED = 130;

/** Exit codes as those of the command: 0 within all limits, 1 over one, 64 wrong usage. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(USAGE);
    return 0;
  }
  if (!('rounds' in options)) {
    console.error(`${options.join('\n')}\n\n${USAGE}`);
    return 64;
  }
  const measurements = await measureAll(options);
  if (options.json) console.log(JSON.stringify({ environment: environment(), measurements }));
  return options.quick || measurements.every((measurement) => isWithin(measurement)) ? 0 : 1;
}

async function measureAll(options: BenchOptions): Promise<Measurement[]> {
  const { rounds, quick, json, sections } = options;
  const profileDir = options.profileDir === undefined ? undefined : resolve(options.profileDir);
  if (profileDir !== undefined) mkdirSync(profileDir, { recursive: true });
  const dir = mkdtempSync(join(tmpdir(), 'crosstalk-bench-'));
  // However this ends, nothing stays behind; children end when they lose their parent.
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(EXIT_INTERRUPTED));
  const progress = (text: string): void => console.error(`  ... ${text}`);
  const measurements: Measurement[] = [];
  if (!json) console.log(headline(options));
  for (const section of sections) {
    const measurement = await MEASURE[section]({ rounds, quick, dir, profileDir, progress });
    measurements.push(measurement);
    if (!json) console.log(render(measurement));
  }
  return measurements;
}

function environment(): { readonly node: string; readonly cores: number } {
  return { node: process.version, cores: availableParallelism() };
}

function headline({ rounds, quick }: BenchOptions): string {
  const { node, cores } = environment();
  const scope = quick ? ', quick: limits are shown and not enforced' : '';
  return `Benchmark on Node ${node}, ${cores} cores, ${rounds} interleaved rounds${scope}\n`;
}

process.exitCode = await main();
