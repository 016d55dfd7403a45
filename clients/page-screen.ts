import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import { join } from 'node:path';
import type { BrowserContext, Dialog, Download, Page } from 'playwright';
import { messageOf } from '../history/message-of.ts';
import type { PagePen } from './page-pen.ts';
import { within } from './waiting.ts';

const PICTURE_MS_MAX = 8_000;
const DOWNLOAD_MS_MAX = 15_000;
const PICTURES = 'screenshots';

/** Records what a browser shows beside its pages: dialogs, downloads; and takes pictures of pages. */
export class PageScreen {
  readonly #pen: PagePen;
  readonly #downloadBytesMax: number;
  readonly #outstanding = new Set<Promise<void>>();
  readonly #pictures = new Map<string, number>();

  constructor(pen: PagePen, downloadBytesMax: number) {
    this.#pen = pen;
    this.#downloadBytesMax = downloadBytesMax;
  }

  attach(context: BrowserContext): void {
    context.on('dialog', (dialog) => this.#keep(this.#dismiss(dialog)));
    context.on('page', (page) => {
      page.on('download', (download) => this.#keep(this.#download(download)));
    });
  }

  /** Waits a bounded time for downloads that are under way. */
  async flush(ms: number): Promise<void> {
    await within(Promise.all(this.#outstanding), ms, () => undefined);
  }

  /** @param dir the trial's directory; pictures go to `screenshots/` below it. */
  async picture(page: Page, dir: string): Promise<void> {
    try {
      const shot = page.screenshot({ timeout: PICTURE_MS_MAX });
      const bytes = await within(shot, PICTURE_MS_MAX, () => undefined);
      if (bytes === undefined) throw new Error('no answer');
      const url = `${PICTURES}/${this.#nextName()}`;
      mkdirSync(join(dir, PICTURES), { recursive: true });
      writeFileSync(join(dir, url), bytes, { mode: 0o600 });
      this.#pen.line({ surface: 'screen', dir: 'act', kind: 'screenshot', url }, undefined);
    } catch (error) {
      this.#pen.recorder.remark(
        this.#pen.observer(),
        `no picture of the page: ${messageOf(error)}`,
      );
    }
  }

  /** `u03.png`, and `u03-2.png` for the second one of that user. */
  #nextName(): string {
    const user = this.#pen.owner?.name ?? 'nobody';
    const count = (this.#pictures.get(user) ?? 0) + 1;
    this.#pictures.set(user, count);
    return count === 1 ? `${user}.png` : `${user}-${count}.png`;
  }

  async #dismiss(dialog: Dialog): Promise<void> {
    const type = dialog.type();
    const text = [dialog.message(), dialog.defaultValue()].filter((part) => part !== '').join('\n');
    this.#pen.text({ surface: 'screen', place: `dialog.${type}`, text });
    // Somebody else may have answered it, or the page is gone; staying on a page is nobody's wish.
    await (type === 'beforeunload' ? dialog.accept() : dialog.dismiss()).catch(() => undefined);
  }

  async #download(download: Download): Promise<void> {
    const { vault } = this.#pen.recorder;
    const name = download.suggestedFilename();
    const url = download.url();
    const isInline = /^(?:data|blob):/.test(url);
    const body = await this.#textOf(download);
    this.#pen.line(
      {
        surface: 'screen',
        dir: 'in',
        kind: 'text',
        place: 'download',
        url: isInline ? undefined : vault.redact(url),
        message: body.problem,
      },
      { kind: 'text', text: vault.redact(`${name}\n${body.text}`), cut: body.cut },
    );
  }

  async #textOf(
    download: Download,
  ): Promise<{ readonly text: string; readonly cut?: number; readonly problem?: string }> {
    try {
      const path = await within(download.path(), DOWNLOAD_MS_MAX, () => {
        throw new Error('it did not end in time');
      });
      const file = await open(path);
      try {
        const { size } = await file.stat();
        const bytes = Buffer.alloc(Math.min(size, this.#downloadBytesMax));
        await file.read(bytes, 0, bytes.length, 0);
        const cut = size - bytes.length;
        if (!isUtf8(bytes) && cut === 0) return { text: '', cut: size, problem: 'bytes, no text' };
        return { text: bytes.toString('utf8'), ...(cut > 0 ? { cut } : {}) };
      } finally {
        await file.close();
      }
    } catch (error) {
      const reason = messageOf(error);
      this.#pen.blind('screen', 'a download could not be read');
      return { text: '', problem: this.#pen.recorder.short(reason) };
    }
  }

  #keep(work: Promise<void>): void {
    const settled = work.finally(() => this.#outstanding.delete(settled));
    this.#outstanding.add(settled);
  }
}
