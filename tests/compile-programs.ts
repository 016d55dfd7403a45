import { compilePrograms } from '../cli/compile-programs.ts';

/** Before any test: child processes run what the sources say now, at the speed they have once installed. */
export default async function setup(): Promise<void> {
  await compilePrograms();
}
