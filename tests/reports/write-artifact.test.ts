import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonText } from '../../reports/json-text.ts';
import {
  ArtifactNotWritten,
  writeArtifact,
  writeJsonArtifact,
} from '../../reports/write-artifact.ts';
import { showUntrusted } from '../../reports/untrusted.ts';
import { HOSTILE } from './verdicts.ts';

describe('writing an artifact', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'crosstalk-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('makes directories on the way and a file for its owner alone', () => {
    const path = join(directory, 'a', 'b', 'verdict.json');
    writeJsonArtifact(path, { schema: 1 });
    expect(readFileSync(path, 'utf8')).toBe('{\n  "schema": 1\n}\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('replaces a file whole and leaves no temporary file, not even when it fails', () => {
    const path = join(directory, 'summary.md');
    writeArtifact(path, 'old');
    writeArtifact(path, 'new');
    expect(() => writeArtifact(directory, 'a directory has this name')).toThrow(ArtifactNotWritten);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readdirSync(directory)).toEqual(['summary.md']);
  });

  it('holds nothing that a terminal obeys or hides, and the same values', () => {
    const value = { [HOSTILE]: [HOSTILE, 'é → 測試 🙂', '\ud800'] };
    const text = jsonText(value);
    expect(JSON.parse(text)).toEqual(value);
    expect(text).toContain('é → 測試 🙂');
    expect(showUntrusted(text.replaceAll('\n', ''))).toBe(text.replaceAll('\n', ''));
  });
});
