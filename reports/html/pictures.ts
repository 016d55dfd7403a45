import { readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Finding } from '../../history/verdict.ts';
import type { JudgedTrial } from '../judged-trial.ts';
import type { Picture } from './trial-view.ts';

/** All pictures of a page together: with the rest it stays below two megabytes. */
const BYTES_MAX = 900 * 1024;
const PNG_HEAD = Buffer.from('89504e470d0a1a0a', 'hex');

/** Hands out the page's budget for pictures, in the order of what is shown first. */
export class PictureBudget {
  #left = BYTES_MAX;

  /** The pictures of these findings by their paths. */
  picturesOf(trial: JudgedTrial, findings: readonly Finding[]): Map<string, Picture> {
    const pictures = new Map<string, Picture>();
    for (const finding of findings) {
      const { screenshot } = finding;
      if (screenshot === null || pictures.has(screenshot)) continue;
      const dataUri = this.#take(dirname(trial.history), screenshot);
      pictures.set(
        screenshot,
        dataUri === undefined ? { kind: 'named' } : { kind: 'inlined', dataUri, card: finding },
      );
    }
    return pictures;
  }

  #take(dir: string, screenshot: string): string | undefined {
    if (normalize(screenshot).startsWith('..')) return undefined;
    const path = join(dir, screenshot);
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? Infinity;
    if (size > this.#left) return undefined;
    const bytes = readPng(path);
    if (bytes === undefined) return undefined;
    this.#left -= bytes.length;
    return `data:image/png;base64,${bytes.toString('base64')}`;
  }
}

/** The file's bytes, if it can be read and is a PNG. */
function readPng(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.subarray(0, PNG_HEAD.length).equals(PNG_HEAD) ? bytes : undefined;
  } catch {
    return undefined; // The picture is then named only: a report without it is still a report.
  }
}
