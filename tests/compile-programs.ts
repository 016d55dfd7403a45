import { compilePrograms } from '../cli/compile-programs.ts';
import { compiledFile, PROGRAMS } from '../scenarios/compiled-programs.ts';

/**
 * Before any test: child processes run what the sources say now, at the speed they have once installed. Each
 * group of tests comes here; the first one does the work.
 */
export default async function setup(): Promise<void> {
  if (Object.keys(PROGRAMS).some((program) => compiledFile(program) === undefined))
    await compilePrograms();
}
