import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { precisionOf, recallOf, sum, type Power } from '../assertions/detection-power.ts';
import { renderSelftest, selftestLine, type SelftestRow } from '../reports/selftest-table.ts';
import { EXIT } from './exit-codes.ts';
import { watchInterrupt } from './interrupt.ts';
import { OptionReader } from './option-reader.ts';
import type { CommandCall } from './program.ts';
import { selftestCases, type CaseTransport, type SelftestCase } from './selftest-cases.ts';
import { CaseDefect, SelftestWorkers } from './selftest-workers.ts';
import type { SelftestResult } from './selftest-trial.ts';

/** Socket trials mostly wait for the target's pace and for silence, so several share a core. */
const SOCKET_TRIALS_PER_CORE = 4;

interface Done {
  readonly row: SelftestRow;
  readonly result: SelftestResult | undefined;
}

/**
 * `crosstalk selftest`: every fault and every legal variant of the embedded target, on every transport
 * that can see it. 0 when all faults were caught by their rule, nothing untrue was said and nothing legal
 * was flagged; 1 otherwise.
 */
export async function selftestCommand(call: CommandCall): Promise<number> {
  const cases = chosenCases(call);
  const { output } = call;
  const workers = new SelftestWorkers();
  const interrupt = watchInterrupt(() => workers.stop());
  interrupt.signal.addEventListener('abort', () => workers.stop());
  const told: SelftestRow[] = [];
  const tell = ({ row }: Done): void => {
    // What ends after an interrupt was cut off by it.
    if (interrupt.signal.aborted) return;
    told.push(row);
    if (!output.quiet)
      output.remark(
        `${told.length}/${cases.length} ${selftestLine(row, { color: output.color.err })}`,
      );
  };
  const results = await runAll(cases, workers, tell);
  workers.stop();
  if (interrupt.signal.aborted) {
    output.document(told.map(documentOf));
    return EXIT.interrupted;
  }
  const rows = results.map(({ row }) => row);
  output.document(rows.map(documentOf));
  output.text(renderSelftest(rows, powersOf(results), { color: output.color.out }));
  return rows.every(({ ok }) => ok) ? EXIT.pass : EXIT.fail;
}

function chosenCases({ options, args, mistakes }: CommandCall): SelftestCase[] {
  const read = new OptionReader(options, mistakes);
  const all = selftestCases();
  const names = [...new Set(all.map(({ name }) => name))];
  const only = read.known('only', { what: ['fault', 'variant'], known: names });
  const transports = read.known('transport', {
    what: 'transport',
    known: ['websocket', 'browser'],
  });
  for (const word of args)
    mistakes.add('UNEXPECTED_ARGUMENT', `"selftest" takes no argument, got "${word}".`);
  const walked = all.filter(
    ({ transport }) => transports.length === 0 || transports.includes(transport),
  );
  // What is never switched on must not count as caught.
  for (const wanted of only)
    if (!walked.some(({ name }) => name === wanted)) {
      const its = all.filter(({ name }) => name === wanted).map(({ transport }) => transport);
      mistakes.add(
        'CONFLICT',
        `"--only ${wanted}" shows on ${its.join(', ')} alone, got --transport ${transports.join(',')}. Pass --transport ${its.join(',')}, or leave one of the two out.`,
      );
    }
  mistakes.throwIfAny();
  return walked.filter(({ name }) => only.length === 0 || only.includes(name));
}

async function runAll(
  cases: readonly SelftestCase[],
  workers: SelftestWorkers,
  tell: (done: Done) => void,
): Promise<Done[]> {
  const cores = availableParallelism();
  const byCase = new Map<SelftestCase, Done>();
  const late: SelftestCase[] = [];
  const finish = (one: SelftestCase, done: Done): void => {
    byCase.set(one, done);
    tell(done);
  };
  const some = async (wanted: CaseTransport, waits: boolean, atOnce: number): Promise<void> => {
    const limit = pLimit(atOnce);
    const chosen = cases.filter((one) => one.transport === wanted && one.waits === waits);
    await limit.map(chosen, async (one) => {
      const done = await runOne(one, workers);
      // Its own machine was too slow for the trial to say anything.
      if (!done.row.ok && done.result?.overloaded === true) late.push(one);
      else finish(one, done);
    });
  };
  const computing = async (): Promise<void> => {
    await some('websocket', false, cores * SOCKET_TRIALS_PER_CORE);
    // Browsers compute, so hardly more than one trial a core; with the other line they would slow each
    // other down.
    await some('browser', false, cores + 1);
  };
  // What waits for a limit costs time and hardly anything else, so the others go on beside it.
  const waiting = async (): Promise<void> => {
    await some('browser', true, 1);
    await some('websocket', true, 1);
  };
  await Promise.all([computing(), waiting()]);
  // Alone at last.
  for (const one of late) finish(one, await runOne(one, workers));
  return cases.flatMap((one) => byCase.get(one) ?? []);
}

async function runOne(one: SelftestCase, workers: SelftestWorkers): Promise<Done> {
  const { kind, name, transport, anyOf } = one;
  try {
    const result = await workers.run(one);
    const { verdict, rules, ok, complaints, seconds } = result;
    return {
      row: { kind, name, transport, anyOf, verdict, rules, ok, complaints, seconds },
      result,
    };
  } catch (error) {
    if (!(error instanceof CaseDefect)) throw error;
    const complaints = [`could not be run: ${error.message}`];
    return {
      row: {
        kind,
        name,
        transport,
        anyOf,
        verdict: null,
        rules: [],
        ok: false,
        complaints,
        seconds: 0,
      },
      result: undefined,
    };
  }
}

/** DESIGN's JSON of one case, to the letter. */
function documentOf({ kind, name, transport, anyOf, verdict, rules, ok }: SelftestRow) {
  return { kind, name, transport, expected: { anyOf }, verdict, rules, ok };
}

function powersOf(results: readonly Done[]) {
  const byRule = new Map<string, Power>();
  for (const { result } of results)
    for (const [rule, power] of result?.power ?? [])
      byRule.set(
        rule,
        sum(byRule.get(rule) ?? { deeds: 0, found: 0, findings: 0, explained: 0 }, power),
      );
  return [...byRule]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([rule, power]) => ({
      rule,
      deeds: power.deeds,
      recall: recallOf(power),
      findings: power.findings,
      precision: precisionOf(power),
    }));
}
