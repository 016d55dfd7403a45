/**
 * What runs in every page beside its text watcher, and tells what the page shows its user where no document
 * holds it: notifications, words that are spoken, captions, complaints of controls, texts that style sheets draw.
 * The class is sent to the page as its source, so it must stand alone: nothing from outside it but types.
 */
/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/unbound-method -- a page's own objects
   are known by their looks, and its functions are put back where they came from */
import type { PageLedger } from './page-ledger-script.ts';
import type { FurtherWatcher, PageRecord } from './page-text-script.ts';

/** Watches what one page shows beside its document; see the file's head. */
export class PageShownWatcher implements FurtherWatcher {
  /** A page that repeats itself must not fill the disk. */
  readonly #ledger: PageLedger;
  readonly #stringify = JSON.stringify;
  #put: (record: PageRecord) => void = () => undefined;

  constructor(ledger: PageLedger) {
    this.#ledger = ledger;
  }

  start(put: (record: PageRecord) => void): void {
    this.#put = put;
    this.#ledger.start(put);
    this.#hookNotifications();
    this.#hookVoices();
    this.#hookControls();
    this.#hookStyles();
  }

  /** Everything is told as it happens. */
  look(): void {}

  /**
   * What was said is over; what sheets draw stays, and may have been changed since. So does what a document holds
   * without showing it, such as the data that a server sent for its scripts: the next user has no business with it.
   */
  again(): void {
    this.#ledger.forget();
    this.#tellHeld();
    for (const sheet of [...document.styleSheets, ...document.adoptedStyleSheets])
      try {
        for (const { cssText } of sheet.cssRules) this.#tell('style', this.drawnBy(cssText));
      } catch {
        // One of another site, whose reply is recorded.
      }
  }

  /** Texts that a style sheet draws; those of icons are too short to name anybody. */
  drawnBy(css: string): string {
    const drawn = /(?<![\w-])(?:content|--[\w-]+)\s*:[^;{}"']{0,1000}(?:"[^"]{6,}"|'[^']{6,}')/gi;
    return css.match(drawn)?.join('\n') ?? '';
  }

  #tellHeld(): void {
    for (const held of document.querySelectorAll('script:not([src]), noscript, template')) {
      const text = held instanceof HTMLTemplateElement ? held.innerHTML : held.textContent;
      this.#tell(`${held.localName} (not shown)`, text);
    }
    const comments = document.createNodeIterator(document, NodeFilter.SHOW_COMMENT);
    for (let held = comments.nextNode(); held !== null; held = comments.nextNode())
      this.#tell('comment', held.nodeValue);
  }

  #hookNotifications(): void {
    if (typeof Notification === 'undefined') return;
    const shown = (title: unknown, options: NotificationOptions | undefined): void =>
      this.#put({
        kind: 'notification',
        text: [title, options?.body, options?.tag, this.#furtherOf(options)]
          .filter((part) => part !== undefined && part !== '')
          .join('\n'),
        at: performance.timeOrigin + performance.now(),
      });
    globalThis.Notification = new Proxy(Notification, {
      construct(target, parameters: [string, NotificationOptions?], newTarget) {
        shown(...parameters);
        return Reflect.construct(target, parameters, newTarget) as Notification;
      },
    });
    if (typeof ServiceWorkerRegistration === 'undefined') return;
    const show = ServiceWorkerRegistration.prototype.showNotification;
    ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
      shown(title, options);
      return show.call(this, title, options);
    };
  }

  /** What a notification carries beside its texts. */
  #furtherOf(options: NotificationOptions | undefined): string {
    const { title: _title, body: _body, tag: _tag, ...further } = { title: '', ...options };
    try {
      return Object.keys(further).length === 0 ? '' : this.#stringify(further);
    } catch {
      return ''; // A ring has no text.
    }
  }

  /** What is read aloud, and what stands below a film. */
  #hookVoices(): void {
    if (typeof SpeechSynthesis !== 'undefined')
      this.#hook(SpeechSynthesis.prototype, 'speak', (said) =>
        this.#tell('speech', (said as SpeechSynthesisUtterance).text),
      );
    this.#hook(TextTrack.prototype, 'addCue', (cue) =>
      this.#tell('caption', (cue as { readonly text?: unknown }).text),
    );
  }

  /** What a control complains of, and what is told of it to those who do not see it. */
  #hookControls(): void {
    const validities = [HTMLInputElement, HTMLTextAreaElement, HTMLSelectElement];
    for (const { prototype } of validities)
      this.#hook(prototype, 'setCustomValidity', (text) => this.#tell('validity', text));
    const tell = (value: unknown): void => this.#tell('aria', value);
    for (const name of ['ariaLabel', 'ariaDescription', 'ariaPlaceholder', 'ariaValueText']) {
      const own = Object.getOwnPropertyDescriptor(ElementInternals.prototype, name);
      const set = own?.set;
      if (own === undefined || set === undefined) continue;
      Object.defineProperty(ElementInternals.prototype, name, {
        ...own,
        set(this: ElementInternals, value: unknown) {
          set.call(this, value);
          tell(value);
        },
      });
    }
  }

  /** Sheets that scripts make are part of no document, and rules that they add are not in its text. */
  #hookStyles(): void {
    const tell = (css: unknown): void => this.#tell('style', this.drawnBy(String(css)));
    for (const verb of ['insertRule', 'replace', 'replaceSync'])
      this.#hook(CSSStyleSheet.prototype, verb, tell);
    this.#hook(CSSGroupingRule.prototype, 'insertRule', tell);
  }

  /** From now on a function of the page's tells its first parameter. */
  #hook(owner: object, verb: string, tell: (first: unknown) => void): void {
    const own: unknown = Reflect.get(owner, verb);
    if (typeof own !== 'function') return;
    const watched = function (this: unknown, ...parameters: unknown[]): unknown {
      const result: unknown = Reflect.apply(own, this, parameters);
      tell(parameters[0]);
      return result;
    };
    Reflect.set(owner, verb, watched);
  }

  #tell(place: string, said: unknown): void {
    if (typeof said === 'string' && said.length >= 6) this.#ledger.tell('text', place, said);
  }
}
