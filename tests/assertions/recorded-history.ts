import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { HistoryBuilder } from './history-builder.ts';
import { endOf } from './history-language.ts';

/** Path of a complete history on disk, as it would have been recorded; it is gone with the test. */
export function recorded({ header, lines }: HistoryBuilder): string {
  const dir = mkdtempSync(join(tmpdir(), 'crosstalk-history-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'history.ndjson');
  const texts = lines.map(({ line: _line, contentKind, content, ...fields }) => {
    const head = JSON.stringify(fields).slice(0, -1);
    return contentKind === 'frame' ? `${head},"frame":${content ?? ''}}` : `${head}}`;
  });
  const rows = [JSON.stringify(header), ...texts, JSON.stringify(endOf(lines)), ''];
  writeFileSync(path, rows.join('\n'));
  return path;
}
