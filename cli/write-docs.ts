import { writeFileSync } from 'node:fs';
import { generatedDocs } from './generated-docs.ts';

/** `npm run schemas`: writes the JSON Schemas and the documents that are made from the code. */
for (const { path, text } of generatedDocs())
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
