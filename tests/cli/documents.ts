import { z } from 'zod';
import { summarySchema, verdictSchema } from '../../history/verdict.ts';

const printedSchema = summarySchema.extend({ verdicts: z.array(verdictSchema) });
const errorsSchema = z.strictObject({ errors: z.array(z.string()).min(1) });
const listSchema = z.array(z.strictObject({ name: z.string(), text: z.string().min(1) }));

/** What `run` and `judge` print with `--json`. */
export type Printed = z.infer<typeof printedSchema>;

export function printedIn(text: string): Printed {
  return printedSchema.parse(JSON.parse(text));
}

/** What ends with 64 prints with `--json`. */
export function errorsIn(text: string): readonly string[] {
  return errorsSchema.parse(JSON.parse(text)).errors;
}

/** What `list` prints with `--json`. */
export function listedIn(text: string): z.infer<typeof listSchema> {
  return listSchema.parse(JSON.parse(text));
}
