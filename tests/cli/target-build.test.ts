import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { targetBuildIn } from '../../cli/target-build.ts';
import { HOSTILE } from '../reports/verdicts.ts';
import { temporaryDirectory } from './command-line.ts';

/** A history that begins with an answer of a health endpoint. */
function historyWith(frame: unknown, purpose = 'health'): string {
  const path = join(temporaryDirectory(), 'history.ndjson');
  const line = {
    n: 4,
    t: 9,
    user: null,
    surface: 'http',
    dir: 'in',
    kind: 'response',
    purpose,
    frame,
  };
  writeFileSync(path, `{"schema":1,"kind":"trial"}\n${JSON.stringify(line)}\n{"n":5,"t":`);
  return path;
}

it('is what the health endpoints tell', () => {
  const one = historyWith({ status: 'ok', service: 'auth-service', version: '1.4.2' });
  expect(targetBuildIn([one, one])).toBe('auth-service version 1.4.2');
  const later = historyWith({ status: 'ok', commit: 'abc123' });
  expect(targetBuildIn([one, later])).toBe('auth-service version 1.4.2, commit abc123');
});

it('is null where none tells, and where only others do', () => {
  expect(targetBuildIn([historyWith({ status: 'ok' })])).toBeNull();
  expect(targetBuildIn([historyWith({ version: '1' }, 'api')])).toBeNull();
  expect(targetBuildIn(['nowhere.ndjson'])).toBeNull();
});

it('is a harmless line, whatever a target tells', () => {
  const text = targetBuildIn([historyWith({ version: HOSTILE.repeat(10) })]) ?? '';
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  expect(text.length).toBeLessThan(2000);
});
