import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';

/** A page that needs nothing but itself. */
export interface SelfContainedPage {
  readonly title: string;
  /** The one style sheet, which becomes part of the page. */
  readonly style: URL;
  readonly body: ComponentChildren;
}

/**
 * An HTML document that loads, sends and runs nothing: there is no script, the style sheet is known by
 * its hash, and pictures are part of the page. Texts in the body are escaped by the renderer.
 */
export function renderSelfContainedPage({ title, style, body }: SelfContainedPage): string {
  const sheet = readFileSync(style, 'utf8');
  const policy = [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(sheet).digest('base64')}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={policy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <link rel="icon" href="data:," />
        <title>{title}</title>
        {/* The style sheet is ours; as a child it would be escaped, and its selectors with it. */}
        <style dangerouslySetInnerHTML={{ __html: sheet }} />
      </head>
      <body>{body}</body>
    </html>
  );
  return `<!doctype html>\n${renderToString(page)}\n`;
}
