import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedDocs } from '../../cli/generated-docs.ts';

describe('documents made from the code', () => {
  it.each(generatedDocs())('$path is in step (else: npm run schemas)', ({ path, text }) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text);
  });
});
