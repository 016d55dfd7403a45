import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, test } from 'vitest';
import { Judge } from '../../assertions/history-judge.ts';
import { makeCast } from '../../bench/cast.ts';
import { writeHistory } from '../../bench/history-file.ts';
import { readHistory } from '../../history/journal-reader.ts';
import { Closers, temporaryDirectory } from '../clients/lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const USERS = 10;
/** So many that 2 MB more or less of compiled code do not count. */
const QUESTIONS = 1_600;
/** What is bounded has reached its bound by then. */
const WARM_RUNS = 4_000;
/** Measured: 860. Ids and markers of a run that is over must be found wherever they turn up. */
const BYTES_PER_RUN_MAX = 1_100;

/** Bytes that are in use when everything that can go is gone. */
function bytesInUse(): number {
  setFlagsFromString('--expose_gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('nothing collects garbage here');
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('of a run that is over the judge keeps little', () => {
  const path = join(temporaryDirectory(closers), 'history.ndjson');
  writeHistory(path, makeCast(USERS, QUESTIONS));
  let judge: Judge | undefined;
  let runs = 0;
  let before = 0;
  const { end } = readHistory(path, {
    header: (header) => {
      judge = new Judge(header);
    },
    observation: (observation) => {
      judge?.observe(observation);
      if (observation.act !== 'ask') return;
      runs += 1;
      if (runs === WARM_RUNS) before = bytesInUse();
    },
  });
  const perRun = (bytesInUse() - before) / (runs - WARM_RUNS);
  expect(runs).toBe(USERS * QUESTIONS);
  expect(perRun).toBeLessThan(BYTES_PER_RUN_MAX);
  // And nothing that is still needed has gone.
  expect(judge?.conclude({ end })).toMatchObject({ verdict: 'pass', reasons: [] });
}, 120_000);
