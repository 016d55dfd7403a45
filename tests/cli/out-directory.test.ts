import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkOutDirectory, createOutDirectory } from '../../cli/out-directory.ts';
import { Mistakes } from '../../cli/usage-error.ts';
import { temporaryDirectory } from './command-line.ts';

it('of two commands that found one directory empty, one gets it', () => {
  const out = join(temporaryDirectory(), 'out');
  const mistakes = new Mistakes();
  checkOutDirectory(out, mistakes);
  checkOutDirectory(out, mistakes);
  mistakes.throwIfAny();
  createOutDirectory(out);
  expect(() => createOutDirectory(out)).toThrow(/^OUT_NOT_EMPTY: .* has something in it/);
  expect(readdirSync(out)).toEqual(['trials']);
});
