import { readFileSync, rmSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import {
  ContentType,
  LabelName,
  Severity,
  Stage,
  Status,
  type Attachment,
  type Label,
  type StepResult,
} from 'allure-js-commons';
import type { Category as AllureCategory } from 'allure-js-commons/sdk';
import { ReporterRuntime, stringifyEnvInfo, type Writer } from 'allure-js-commons/sdk/reporter';
import type { Summary } from '../history/verdict.ts';
import { identifierOf, uuidOf } from './case-identity.ts';
import { casesOf, type GuaranteeCase, type TrialCases } from './cases.ts';
import { CATEGORIES, type Category } from './guarantees.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { jsonText } from './json-text.ts';
import { code } from './markdown.ts';
import { phasesIn } from './phases.ts';
import { showUntrusted } from './untrusted.ts';
import { writeArtifact, writeJsonArtifact } from './write-artifact.ts';

/** Name of the directory of Allure's results within a campaign's. */
export const ALLURE_DIRECTORY = 'allure-results';
const SCREENSHOTS_MAX = 5;
/** Pictures lie beside the history; a path that leads elsewhere is none of ours. */
const SCREENSHOT = /^screenshots\/[\w-]+\.png$/;

const SEVERITIES: Readonly<Record<Category, Severity>> = {
  leak: Severity.BLOCKER,
  order: Severity.CRITICAL,
  delivery: Severity.CRITICAL,
  evidence: Severity.NORMAL,
  infrastructure: Severity.NORMAL,
};

const EPICS: Readonly<Record<Category, string>> = {
  leak: 'Isolation of users',
  order: 'Order of events',
  delivery: 'Delivery and service levels',
  evidence: 'Evidence',
  infrastructure: 'Evidence',
};

/** Messages begin with the category, so that Allure sorts them by it whatever its version. */
const ALLURE_CATEGORIES: AllureCategory[] = CATEGORIES.map((name) => ({
  name: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
  messageRegex: `^${name}: [\\s\\S]*`,
  matchedStatuses: [Status.FAILED, Status.BROKEN],
}));

/**
 * Writes the results of a campaign for Allure into `allure-results/` of its directory, replacing what is
 * there: a result per trial and guarantee, its phases as steps, `categories.json` and
 * `environment.properties`. A history id is the same every night; no two trials of a campaign share one.
 */
export function writeAllureResults(
  out: string,
  summary: Summary,
  trials: readonly JudgedTrial[],
): void {
  const directory = join(out, ALLURE_DIRECTORY);
  rmSync(directory, { recursive: true, force: true });
  const runtime = new ReporterRuntime({
    writer: writerTo(directory),
    categories: ALLURE_CATEGORIES,
    environmentInfo: environmentOf(summary, trials),
  });
  for (const suite of casesOf(summary, trials)) writeSuite(suite, { runtime, directory });
  runtime.writeCategoriesDefinitions();
  runtime.writeEnvironmentInfo();
}

interface Target {
  readonly runtime: ReporterRuntime;
  readonly directory: string;
}

/** Files of a campaign are whole and for their owner alone, these too. */
function writerTo(directory: string): Writer {
  const path = (name: string): string => join(directory, name);
  return {
    writeResult: (result) => writeJsonArtifact(path(`${result.uuid}-result.json`), result),
    writeGroup: (group) => writeJsonArtifact(path(`${group.uuid}-container.json`), group),
    writeAttachment: (name, content) => writeArtifact(path(name), content),
    writeAttachmentFromPath: (name, from) => writeArtifact(path(name), readFileSync(from)),
    writeEnvironmentInfo: (info) =>
      writeArtifact(path('environment.properties'), `${stringifyEnvInfo(info)}\n`),
    writeCategoriesDefinitions: (categories) =>
      writeJsonArtifact(path('categories.json'), categories),
    writeGlobals: (name, globals) => writeJsonArtifact(path(name), globals),
  };
}

function environmentOf(summary: Summary, trials: readonly JudgedTrial[]): Record<string, string> {
  const all = (values: readonly string[]): string =>
    [...new Set(values)].map(showUntrusted).join(', ');
  const entries = { ...summary.environment, ...summary.versions };
  return {
    target: all(trials.map(({ verdict }) => verdict.trial.target)),
    url: all(trials.map(({ verdict }) => verdict.trial.url)),
    seed: showUntrusted(summary.seed),
    verdict: summary.verdict,
    ...(summary.signoff === null ? {} : { signoff: summary.signoff }),
    ...Object.fromEntries(
      Object.entries(entries).map(([name, value]) => [name, showUntrusted(String(value))]),
    ),
  };
}

function writeSuite(suite: TrialCases, target: Target): void {
  const about = suite.trial?.verdict.trial;
  const start = about === undefined ? 0 : Date.parse(about.startedAt);
  const stop = start + Math.round(about?.durationMs ?? 0);
  const steps = suite.trial === null ? [] : stepsOf(suite.trial, start);
  const verdict = verdictAttachment(suite, target);
  for (const entry of suite.cases) {
    const identifier = identifierOf(suite, entry);
    const uuid = target.runtime.startTest({
      name: entry.name,
      fullName: identifier,
      historyId: uuidOf(identifier),
      testCaseId: uuidOf(identifier),
      labels: labelsOf(suite, entry),
      parameters: parametersOf(suite),
      start,
    });
    target.runtime.updateTest(uuid, (result) => {
      result.uuid = uuidOf(`${identifier} ${about?.startedAt ?? ''} ${about?.seed ?? ''}`);
      result.status = STATUS[entry.status];
      result.stage = Stage.FINISHED;
      if (entry.lines.length > 0)
        result.statusDetails = {
          message: `${entry.category}: ${entry.lines[0] ?? ''}`,
          trace: entry.lines.join('\n'),
        };
      if (about !== undefined) result.description = `Reproduce: ${code(about.reproduce)}`;
      result.steps = steps;
      result.attachments = [...verdict, ...screenshotsOf(suite, { entry, target })];
    });
    target.runtime.stopTest(uuid, { stop });
    target.runtime.writeTest(uuid);
  }
}

const STATUS: Readonly<Record<GuaranteeCase['status'], Status>> = {
  passed: Status.PASSED,
  failed: Status.FAILED,
  broken: Status.BROKEN,
  skipped: Status.SKIPPED,
};

function labelsOf(suite: TrialCases, entry: GuaranteeCase): Label[] {
  return [
    { name: LabelName.EPIC, value: EPICS[entry.category] },
    { name: LabelName.FEATURE, value: entry.name },
    { name: LabelName.STORY, value: suite.scenario },
    { name: LabelName.SEVERITY, value: SEVERITIES[entry.category] },
    { name: LabelName.PARENT_SUITE, value: 'crosstalk' },
    { name: LabelName.SUITE, value: suite.name },
    { name: LabelName.TAG, value: entry.category },
    { name: LabelName.FRAMEWORK, value: 'crosstalk' },
  ];
}

function parametersOf({ trial, transport }: TrialCases): { name: string; value: string }[] {
  if (trial === null) return [];
  const { users, target } = trial.verdict.trial;
  return [
    { name: 'users', value: String(users) },
    { name: 'transport', value: transport },
    { name: 'target', value: showUntrusted(target) },
  ];
}

function stepsOf({ history }: JudgedTrial, startedAt: number): StepResult[] {
  return phasesIn(history).map(({ name, from, to }) => ({
    name: showUntrusted(name),
    status: Status.PASSED,
    stage: Stage.FINISHED,
    statusDetails: {},
    steps: [],
    attachments: [],
    parameters: [],
    start: Math.round(startedAt + from),
    stop: Math.round(startedAt + to),
  }));
}

/** One file for all cases of the trial. */
function verdictAttachment({ name, trial }: TrialCases, { directory }: Target): Attachment[] {
  if (trial === null) return [];
  const source = `${uuidOf(`${name} verdict`)}-attachment.json`;
  writeArtifact(join(directory, source), jsonText(trial.verdict));
  return [{ name: 'verdict.json', type: ContentType.JSON, source }];
}

function screenshotsOf(
  { name, trial }: TrialCases,
  { entry, target }: { readonly entry: GuaranteeCase; readonly target: Target },
): Attachment[] {
  if (trial === null) return [];
  const paths = new Set(entry.findings.flatMap(({ screenshot }) => screenshot ?? []));

  return [...paths]
    .filter((path) => SCREENSHOT.test(path))
    .slice(0, SCREENSHOTS_MAX)
    .flatMap((path) => {
      const source = `${uuidOf(`${name} ${path}`)}-attachment${extname(path)}`;
      try {
        const picture = readFileSync(join(dirname(trial.history), path));
        writeArtifact(join(target.directory, source), picture);
      } catch {
        return []; // A picture that is gone leaves the finding as it is.
      }
      return [{ name: showUntrusted(path), type: ContentType.PNG, source }];
    });
}
