/**
 * What runs in every page before its own first script, and tells what the page shows as it changes. The
 * class is sent to the page as its source, so it must stand alone: nothing from outside it but types.
 */
/* oxlint-disable typescript/no-unsafe-type-assertion, typescript/unbound-method -- a page's own objects
   are known by their looks, and its functions are put back where they came from */
import type { PageOutlet } from './page-outlet-script.ts';
import type { PageShownWatcher } from './page-shown-script.ts';

/** What a page tells, in the order in which it happened. */
export type PageRecord =
  | {
      readonly kind: 'text';
      /** Where, in CSS-like words. */
      readonly place: string;
      readonly text: string;
      /** Characters left out. */
      readonly cut?: number;
      /** Unix milliseconds. */
      readonly at: number;
    }
  | {
      /** What a page keeps, writes as a cookie, or got over a channel that no network tells of. */
      readonly kind: 'kept' | 'cookie' | 'message';
      readonly place: string;
      readonly text: string;
      readonly at: number;
    }
  | { readonly kind: 'notification'; readonly text: string; readonly at: number }
  | {
      readonly kind: 'close';
      readonly url: string;
      readonly code: number;
      readonly reason: string;
      readonly byPage: boolean;
      readonly at: number;
    }
  | { readonly kind: 'broken'; readonly text: string; readonly at: number };

export interface TextScriptSettings {
  /** Name under which the watcher can be asked to report again. */
  readonly handle: string;
  readonly textCharactersMax: number;
  /** Characters of text one document may tell in all. */
  readonly documentCharactersMax: number;
}

/** What watches beside the texts, and is asked whenever they are. */
export interface FurtherWatcher {
  start(put: (record: PageRecord) => void): void;
  look(): void;
  again(): void;
}

type TextRecord = Extract<PageRecord, { kind: 'text' }>;
/** Where text can be: a block of the page, and whether something of it may be new. */
type Root = Document | ShadowRoot;

/** What the watcher of texts works with, each sent to the page beside it. */
export interface WatcherParts {
  readonly outlet: PageOutlet;
  readonly deeds: FurtherWatcher;
  readonly canvas: FurtherWatcher;
  readonly shown: PageShownWatcher;
}

/** Watches one document and its shadow trees; see the file's head. */
export class PageTextWatcher {
  readonly #settings: TextScriptSettings;
  readonly #outlet: PageOutlet;
  readonly #further: readonly FurtherWatcher[];
  readonly #shown: PageShownWatcher;
  readonly #inline = new Set(
    'A ABBR B BDI BDO BR CITE CODE DATA DEL DFN EM FONT I INS KBD LABEL MARK Q S SAMP SMALL SPAN STRONG SUB SUP TIME TSPAN U VAR WBR'.split(
      ' ',
    ),
  );
  readonly #textless = new Set('SCRIPT STYLE NOSCRIPT TEMPLATE'.split(' '));
  readonly #dullAttributes = new Set(
    'd viewbox fill stroke stroke-width xmlns type rel width height points transform charset http-equiv tabindex integrity crossorigin nonce'.split(
      ' ',
    ),
  );
  /**
   * Attributes that change all the time and are full of names of the page's own, with what in them may be of
   * somebody: an id, a text that is drawn.
   */
  readonly #looksAttributes = new Map([
    ['class', /\S*(?:[a-z0-9]{16}|[0-9a-f]{8}-[0-9a-f]{4}-)\S*/gi],
    ['role', /[a-z0-9-]{16,}/gi],
    ['for', /[a-z0-9-]{16,}/gi],
    ['style', /--[\w-]+:[^;]*(?:["']|[a-z0-9]{16})[^;]*|url\([^)]*\)/gi],
  ]);
  /** Texts of blocks as they were told last. */
  readonly #told = new WeakMap<Node, string>();
  /** Places with their texts that were told; the oldest are forgotten. */
  readonly #known = new Set<string>();
  readonly #roots = new Set<WeakRef<Root>>();
  /** What holds blocks of a few letters each, of which some are new. */
  readonly #lettered = new Set<Node>();
  /** Equal elements of a root, and the places of nodes, looked up once per batch. */
  #equals = new Map<string, Element[]>();
  #places = new WeakMap<Node, string>();
  readonly #observer: MutationObserver;
  /** What places of a frame within a page begin with. */
  readonly #frame: string;
  /** A form is known by the names of its controls: they may stand before what all elements have. */
  readonly #attributesOf = this.#getterOf(Element.prototype, 'attributes');
  readonly #titleOf = this.#getterOf(Document.prototype, 'title');
  readonly #attributeOf = Element.prototype.getAttributeNS;
  /**
   * Nobody can reach into a window that no page opened, and its next document has a watcher of its own. Asked at the
   * beginning: whoever opened it may take that back.
   */
  readonly #isAlone = globalThis.top === globalThis.self && globalThis.opener === null;
  #title = '';
  #document: Document | undefined;
  #charactersLeft: number;
  #isLeaving = false;
  readonly #changed = (event: Event): void => this.#controlChanged(event);
  readonly #hidden = (): void => this.flush();
  readonly #cameBack = (event: PageTransitionEvent): void => {
    if (event.persisted) this.again();
  };

  constructor(settings: TextScriptSettings, { outlet, deeds, canvas, shown }: WatcherParts) {
    this.#settings = settings;
    this.#outlet = outlet;
    this.#further = [deeds, canvas, shown];
    this.#shown = shown;
    this.#frame =
      globalThis.top === globalThis.self ? '' : `frame(${location.origin}${location.pathname}) `;
    this.#charactersLeft = settings.documentCharactersMax;
    this.#observer = new MutationObserver((records) => this.#mutated(records));
  }

  start(): void {
    Object.defineProperty(globalThis, this.#settings.handle, { value: this, enumerable: false });
    this.#hookShadows();
    this.#hookWindows();
    this.#hookWriting();
    this.#hookSockets();
    this.#hookControls();
    for (const further of this.#further) further.start((record) => this.#outlet.put(record));
    this.#begin();
  }

  #begin(): void {
    this.#document = document;
    this.#known.clear();
    this.#title = '';
    this.#charactersLeft = this.#settings.documentCharactersMax;
    this.#forgetPlaces();
    this.#watch(document);
    this.#tellTree(document, false);
    this.#listen();
    this.#awaitLeaving();
    this.#outlet.find();
    if (document.URL === 'about:blank') this.#awaitDocument(0);
  }

  /** Listeners that are there already are not there twice; a document that is written anew has lost them. */
  #listen(): void {
    addEventListener('input', this.#changed, true);
    addEventListener('change', this.#changed, true);
    addEventListener('pagehide', this.#hidden, true);
    addEventListener('pageshow', this.#cameBack, true);
  }

  /** Once the next document is there nothing that this one tells is heard any more, not even as it is hidden. */
  #awaitLeaving(): void {
    const { navigation } = globalThis as { navigation?: EventTarget };
    navigation?.addEventListener('navigate', (event) => {
      const { destination } = event as Event & { destination: { sameDocument: boolean } };
      if (destination.sameDocument) return;
      this.flush();
      this.#isLeaving = true;
      // It may come to nothing, as a download does.
      this.#outlet.later(() => {
        this.#isLeaving = false;
      }, 2_000);
    });
  }

  /** A window that opens empty may be given its document later, and keeps this watcher. */
  #awaitDocument(tries: number): void {
    const often = this.#isAlone ? 25 : 1;
    this.#outlet.later(
      () => {
        if (document === this.#document) this.#awaitDocument(tries + 1);
        else this.#begin();
      },
      tries < 500 ? often : 100,
    );
  }

  /** Tells everything the page shows, also what was told before. */
  again(): void {
    this.#forgetPlaces();
    this.#known.clear();
    this.#title = '';
    this.#charactersLeft = this.#settings.documentCharactersMax;
    this.#tellTree(document, true);
    for (const root of this.#furtherRoots()) this.#tellTree(root, true);
    this.#tellTitle();
    for (const further of this.#further) further.again();
    this.flush();
  }

  /** Hands over what is pending, and what form controls hold. */
  flush(): void {
    if (document !== this.#document) this.#begin();
    this.#mutated(this.#observer.takeRecords());
    this.#forgetPlaces();
    this.#tellControls(document);
    for (const root of this.#furtherRoots()) this.#tellControls(root);
    for (const further of this.#further) further.look();
    this.#outlet.deliver();
  }

  #watch(root: Root): void {
    this.#observer.observe(root, {
      subtree: true,
      childList: true,
      characterData: true,
      characterDataOldValue: true,
      attributes: true,
      attributeOldValue: true,
    });
  }

  #furtherRoots(): Root[] {
    const alive: Root[] = [];
    for (const reference of this.#roots) {
      const root = reference.deref();
      if (root === undefined) this.#roots.delete(reference);
      else alive.push(root);
    }
    return alive;
  }

  #addRoot(root: Root): void {
    for (const known of this.#roots) if (known.deref() === root) return;
    this.#forgetPlaces();
    this.#roots.add(new WeakRef(root));
    this.#watch(root);
    this.#tellTree(root, false);
  }

  /** A frame in which no script may run has no watcher of its own; this page may write into it all the same. */
  #seeFrame(frame: HTMLIFrameElement): void {
    const { sandbox, ownerDocument } = frame;
    const isMute = sandbox.length > 0 && !sandbox.contains('allow-scripts');
    if (ownerDocument === document && !isMute) return;
    const look = (): void => {
      const inside = frame.contentDocument;
      if (inside !== null) this.#addRoot(inside);
    };
    look();
    frame.addEventListener('load', look);
  }

  #mutated(records: readonly MutationRecord[]): void {
    if (records.length === 0) return;
    try {
      const blocks = new Set<Node>();
      this.#forgetPlaces();
      for (const record of records) this.#take(record, blocks);
      for (const block of blocks) this.#tellBlock(block);
      this.#tellLetters();
      this.#tellTitle();
    } catch (error) {
      this.#outlet.put({ kind: 'broken', text: String(error), at: this.#now() });
    }
    // The next document may be there before a timer is.
    if (this.#isLeaving) this.#outlet.deliver();
  }

  /** The page has changed since they were looked up. */
  #forgetPlaces(): void {
    this.#equals = new Map();
    this.#places = new WeakMap();
  }

  /** One mutation: new trees are told at once, changed blocks once the batch is read. */
  #take(record: MutationRecord, blocks: Set<Node>): void {
    const { type, target, oldValue } = record;
    if (type === 'attributes') {
      if (this.#isElement(target)) this.#attributeChanged(target, record);
      return;
    }
    const block = this.#blockOf(target);
    if (type === 'characterData') {
      blocks.add(block);
      this.#tellOld(block, oldValue);
      return;
    }
    for (const node of record.addedNodes) {
      if (this.#isElement(node)) this.#tellTree(node, false);
      if (!this.#isElement(node) || this.#inline.has(node.tagName.toUpperCase())) blocks.add(block);
    }
    for (const node of record.removedNodes) {
      if (!this.#isElement(node) || this.#inline.has(node.tagName.toUpperCase())) blocks.add(block);
      this.#tellRemoved(node, target);
    }
  }

  /** Text that was replaced before anybody looked was there all the same. */
  #tellOld(block: Node, old: string | null): void {
    if (old === null || old.trim() === '') return;
    if ((this.#told.get(block) ?? '').includes(old.trim())) return;
    this.#tell(`${this.#place(block)} (replaced)`, old);
  }

  /** What came and went within one batch is told from what was taken away. */
  #tellRemoved(node: Node, parent: Node): void {
    if (this.#isElement(node)) {
      for (const [block, text] of this.#collect(node, true))
        if (this.#told.get(block) !== text && !(this.#told.get(parent) ?? '').includes(text)) {
          this.#told.set(block, text);
          this.#tell(`${this.#place(parent)} > ${this.#step(node)} (removed)`, text);
        }
      return;
    }
    const text = node.nodeType === Node.TEXT_NODE ? (node.nodeValue ?? '').trim() : '';
    if (text !== '') this.#tellRemovedText(text, parent);
  }

  #tellRemovedText(text: string, parent: Node): void {
    const isTold = this.#isTitle(parent)
      ? this.#known.has(this.#key('title', text))
      : this.#isTextless(parent);
    if (!isTold && !(this.#told.get(this.#blockOf(parent)) ?? '').includes(text))
      this.#tell(`${this.#place(parent)} (removed)`, text);
  }

  /** All texts and attributes of a tree. */
  #tellTree(root: Node, isAgain: boolean): void {
    for (const [block, text] of this.#collect(root, isAgain)) {
      if (!isAgain && this.#told.get(block) === text) continue;
      this.#told.set(block, text);
      this.#gather(block, text);
      this.#tell(this.#place(block), text);
    }
    this.#tellLetters();
  }

  /** The blocks of a tree with their own texts, nested blocks by themselves. */
  #collect(root: Node, isKnown: boolean): [Node, string][] {
    const blocks: [Node, string][] = [];
    const visit = (node: Node): void => {
      if (!this.#isElement(node)) return;
      this.#tellAttributes(node);
      if (isKnown) return;
      if (node.shadowRoot !== null) this.#addRoot(node.shadowRoot);
      if (node.localName === 'iframe') this.#seeFrame(node as HTMLIFrameElement);
    };
    // Without recursion: pages nest as deep as they like.
    const open: Node[] = [root];
    for (let block = open.pop(); block !== undefined; block = open.pop()) {
      if (this.#isTextless(block)) {
        this.#tellStyle(block);
        continue;
      }
      visit(block);
      const text = this.#textOf(block, { nested: open, visit });
      // A part of a line is told with its line.
      const isPart = block === root && this.#isInline(block) && block.isConnected;
      if (text !== '' && !isPart) blocks.push([block, text]);
    }
    return blocks;
  }

  /** A block's own text: parts of its lines, without the blocks inside it, which are handed over. */
  #textOf(
    block: Node,
    inside?: { readonly nested: Node[]; readonly visit: (node: Node) => void },
  ): string {
    let text = '';
    const open: Node[] = [block];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.nodeType === Node.TEXT_NODE) text += node.nodeValue ?? '';
      else if (node === block || this.#isInline(node)) {
        if (node !== block) inside?.visit(node);
        for (let child = node.lastChild; child !== null; child = child.previousSibling)
          open.push(child);
      } else if (node.nodeType === Node.ELEMENT_NODE) {
        text += '\n';
        inside?.nested.push(node);
      }
    }
    return text
      .replace(/(?<![ \t\r\f])[ \t\r\f]*\n\s*/g, '\n')
      .replace(/[ \t]{2,}/g, ' ')
      .trim();
  }

  #isTextless(node: Node): boolean {
    // The title is told by itself.
    if (this.#isTitle(node)) return true;
    return this.#isElement(node) && this.#textless.has(node.tagName.toUpperCase());
  }

  #isTitle(node: Node): boolean {
    const isTitle = this.#isElement(node) && node.localName === 'title';
    // Those of other documents are told as all their texts are.
    return isTitle && !('ownerSVGElement' in node) && node.ownerDocument === document;
  }

  /** Asked of the node itself: in a frame elements have another class of the same name. */
  #isElement(node: Node | null): node is Element {
    return node?.nodeType === Node.ELEMENT_NODE;
  }

  #isInline(node: Node): boolean {
    return (
      node.nodeType === Node.ELEMENT_NODE &&
      this.#inline.has((node as Element).tagName.toUpperCase())
    );
  }

  /** The block a node's text belongs to: the nearest ancestor that is not part of a line. */
  #blockOf(node: Node): Node {
    let block: Node = node;
    while (
      block.parentNode !== null &&
      (block.nodeType === Node.TEXT_NODE || this.#isInline(block))
    )
      block = block.parentNode;
    return block;
  }

  #tellBlock(block: Node): void {
    if (this.#isTextless(block)) {
      this.#tellStyle(block);
      return;
    }
    const text = this.#textOf(block);
    const before = this.#told.get(block);
    if (text === '' || before === text) return;
    this.#told.set(block, text);
    this.#gather(block, text);
    this.#tell(this.#place(block), text, before !== undefined && text.startsWith(before));
  }

  /** Texts that a sheet within the document draws. */
  #tellStyle(node: Node): void {
    if (!this.#isElement(node) || node.localName !== 'style') return;
    const drawn = this.#shown.drawnBy(node.textContent ?? '');
    if (drawn !== '') this.#tell(this.#place(node), drawn);
  }

  /** Pages that move letters one by one give each a block of its own; which they belong to is told with them. */
  #gather(block: Node, text: string): void {
    if (text.length > 4) return;
    let whole = block.parentNode;
    while (whole?.childNodes.length === 1) whole = whole.parentNode;
    if (whole !== null && whole.childNodes.length <= 1_000) this.#lettered.add(whole);
  }

  #tellLetters(): void {
    for (const whole of this.#lettered) {
      let row = '';
      const end = (): void => {
        if (row.length >= 12) this.#tell(`${this.#place(whole)} (in one)`, row, true);
        row = '';
      };
      for (let child = whole.firstChild; child !== null; child = child.nextSibling) {
        if (!this.#isElement(child)) continue;
        const text = this.#told.get(this.#within(child)) ?? '';
        if (text.length > 4) end();
        else row += text;
      }
      end();
    }
    this.#lettered.clear();
  }

  /** The block within all that does nothing but wrap it. */
  #within(wrapping: Node): Node {
    let block = wrapping;
    for (let only = block.firstChild; only !== null; only = block.firstChild) {
      if (only.nextSibling !== null || !this.#isElement(only) || this.#isInline(only)) break;
      block = only;
    }
    return block;
  }

  #tellAttributes(element: Element): void {
    const attributes = this.#attributesOf(element) as NamedNodeMap;
    for (let at = 0; at < attributes.length; at += 1) {
      const { name, value } = attributes[at] as Attr;
      this.#tellAttribute(element, name, value);
    }
  }

  /** The name in a record is the local one: asked by it alone, an element would not know `xlink:title`. */
  #attributeChanged(
    element: Element,
    { attributeName: name, attributeNamespace, oldValue: old }: MutationRecord,
  ): void {
    if (name === null) return;
    const value = this.#attributeOf.call(element, attributeNamespace, name);
    if (value !== null) this.#tellAttribute(element, name, value);
    if (old === null || old === value || this.#dullAttributes.has(name.toLowerCase())) return;
    if (this.#looksAttributes.has(name)) this.#tellAttribute(element, name, old);
    else {
      const place = `${this.#place(element)}@${name}`;
      if (!this.#known.has(this.#key(place, old))) this.#tellAttribute(element, name, old);
    }
  }

  /** Values too short to name anybody are left out, as are those that only draw. */
  #tellAttribute(element: Element, name: string, value: string): void {
    if (value.length < 6 || this.#dullAttributes.has(name.toLowerCase())) return;
    if (name === 'value' && (element as HTMLInputElement).type === 'password') return;
    const telling = this.#looksAttributes.get(name);
    const text = telling === undefined ? value : value.match(telling)?.join(' ');
    if (text !== undefined) this.#tell(`${this.#place(element)}@${name}`, text);
  }

  #tellControls(root: Root): void {
    for (const control of root.querySelectorAll('input, textarea, select'))
      this.#tellControl(control);
  }

  #controlChanged(event: Event): void {
    this.#forgetPlaces();
    for (const target of event.composedPath().slice(0, 1))
      if (target instanceof Element && target.matches('input, textarea, select, [contenteditable]'))
        this.#tellControl(target);
  }

  #tellControl(control: Element): void {
    const { type, value } = control as HTMLInputElement;
    if (typeof value !== 'string' || value === '' || type === 'password') return;
    this.#tell(`${this.#place(control)}@value`, value);
  }

  #tellTitle(): void {
    const title = this.#titleOf(document) as string;
    if (title === this.#title) return;
    this.#title = title;
    if (this.#title !== '') this.#tell('title', this.#title);
  }

  #key(place: string, text: string): string {
    return `${place}\n${text}`;
  }

  /** Queues a text unless it was told of this place before. */
  #tell(place: string, text: string, grew = false): void {
    const key = this.#key(place, text);
    if (this.#known.has(key)) return;
    this.#known.add(key);
    if (this.#known.size > 5_000)
      for (const oldest of this.#known) {
        this.#known.delete(oldest);
        break;
      }
    if (this.#charactersLeft < text.length) {
      if (this.#charactersLeft >= 0)
        this.#outlet.put({
          kind: 'broken',
          text: 'the page shows more text than is recorded',
          at: this.#now(),
        });
      this.#charactersLeft = -1;
      return;
    }
    this.#charactersLeft -= Math.min(text.length, this.#settings.textCharactersMax);
    this.#putText(place, text, grew);
  }

  /** A text that only grew replaces its shorter self while that has not left the page yet. */
  #putText(place: string, whole: string, grew: boolean): void {
    const { textCharactersMax } = this.#settings;
    const text = whole.slice(0, textCharactersMax);
    const cut = whole.length - text.length;
    const record: TextRecord = {
      kind: 'text',
      place: this.#frame + place,
      text,
      at: this.#now(),
      ...(cut > 0 ? { cut } : {}),
    };
    // Text that is still growing may wait: nothing of it is lost.
    const replaced = this.#outlet.putText(place, record, grew ? 200 : 20);
    this.#charactersLeft += replaced;
  }

  #now(): number {
    return performance.timeOrigin + performance.now();
  }

  #place(node: Node): string {
    let place = this.#places.get(node);
    if (place === undefined) {
      place = this.#placeOf(node);
      this.#places.set(node, place);
    }
    return place;
  }

  /** A readable place: the nearest element with a name of its own, and the way down from it. */
  #placeOf(node: Node): string {
    const steps: string[] = [];
    let current: Node | null = node;
    for (let depth = 0; depth < 5 && this.#isElement(current); depth += 1) {
      const name = this.#nameOf(current);
      steps.unshift(name ?? this.#step(current));
      if (name !== undefined) break;
      current = current.parentNode;
    }
    const root = node.getRootNode();
    const inside = steps.join(' > ') || 'document';
    const around = this.#aroundOf(root);
    return around === null ? inside : `${this.#place(around)} >> ${inside}`;
  }

  /** The element that a shadow tree, or a document watched from without, belongs to. */
  #aroundOf(root: Node): Element | null {
    if (root.nodeType === Node.DOCUMENT_FRAGMENT_NODE) return (root as ShadowRoot).host ?? null;
    return root === document ? null : ((root as Document).defaultView?.frameElement ?? null);
  }

  /** `[data-testid=x]`, `#x` or `[role=x]`, with its number where several are alike. */
  #nameOf(element: Element): string | undefined {
    for (const attribute of ['data-testid', 'id', 'role']) {
      const value = this.#attributeOf.call(element, null, attribute);
      if (value === null || value === '') continue;
      const name = attribute === 'id' ? `#${value}` : `[${attribute}=${value}]`;
      const equals = this.#equalsOf(element, attribute, value);
      const at = equals.indexOf(element);
      return equals.length > 1 && at >= 0 ? `${name}:nth(${at})` : name;
    }
    return undefined;
  }

  #equalsOf(element: Element, attribute: string, value: string): Element[] {
    const root = element.getRootNode();
    if (root.nodeType !== Node.DOCUMENT_NODE && this.#aroundOf(root) === null) return [];
    const within = root as Root;
    const key = `${attribute}=${value}`;
    const known = this.#equals.get(key);
    if (known?.includes(element) === true) return known;
    const found = [...within.querySelectorAll(`[${attribute}="${CSS.escape(value)}"]`)];
    this.#equals.set(key, found);
    return found;
  }

  /** `li:nth(2)`: the tag, with its number among the siblings of that tag. */
  #step(element: Element): string {
    const tag = element.tagName.toLowerCase();
    if (tag === 'html' || tag === 'head' || tag === 'body') return tag;
    let at = 0;
    for (
      let before = element.previousElementSibling;
      before !== null && at < 1_000;
      before = before.previousElementSibling
    )
      if (before.tagName === element.tagName) at += 1;
    return `${tag}:nth(${at})`;
  }

  /** Shadow trees are not part of the document; closed ones can be seen only when they are made. */
  #hookShadows(): void {
    const attach = Element.prototype.attachShadow;
    const add = (shadow: ShadowRoot): void => this.#addRoot(shadow);
    Element.prototype.attachShadow = function attachShadow(init) {
      const shadow = attach.call(this, init);
      add(shadow);
      return shadow;
    };
  }

  /** A window can be filled by who opened it, and closed, before it has a watcher of its own. */
  #hookWindows(): void {
    const see = (opened: Window | null): void => {
      try {
        if (opened !== null && opened.document !== document) this.#addRoot(opened.document);
      } catch {
        // It is of another origin: nobody but itself can fill it.
      }
    };
    const { open, close } = globalThis as unknown as Window;
    window.open = function (...parameters) {
      const opened = open.apply(window, parameters);
      see(opened);
      return opened;
    };
    // Nothing is heard of a window that is closed, not even that it is hidden.
    const flush = this.#hidden;
    window.close = function () {
      flush();
      close.call(window);
    };
  }

  #hookWriting(): void {
    const listen = (written: Document): void => {
      if (written === document) this.#listen();
    };
    for (const verb of ['open', 'write', 'writeln'] as const) {
      const own: (...parameters: never[]) => unknown = Document.prototype[verb];
      Reflect.set(
        Document.prototype,
        verb,
        function (this: Document, ...parameters: never[]): unknown {
          const result = own.apply(this, parameters);
          listen(this);
          return result;
        },
      );
    }
  }

  /** A value that scripts set, and clear again, leaves no trace in the document. */
  #hookControls(): void {
    const tell = (control: Element): void => {
      this.#forgetPlaces();
      this.#tellControl(control);
    };
    for (const { prototype } of [HTMLInputElement, HTMLTextAreaElement]) {
      const own = Object.getOwnPropertyDescriptor(prototype, 'value');
      const set = own?.set;
      if (own === undefined || set === undefined) continue;
      Object.defineProperty(prototype, 'value', {
        ...own,
        set(this: HTMLInputElement, value: unknown) {
          set.call(this, value);
          tell(this);
        },
      });
      const write = prototype.setRangeText as (...parameters: unknown[]) => void;
      prototype.setRangeText = function (this: Element, ...parameters: unknown[]) {
        write.apply(this, parameters);
        tell(this);
      };
    }
  }

  /** What all objects of a kind have, whatever one of them calls its own. */
  #getterOf(prototype: object, name: string): (of: Node) => unknown {
    const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
    return (of) => get?.call(of);
  }

  /** The browser tells that a socket closed, but only the page is told with which code. */
  #hookSockets(): void {
    const closed = (event: CloseEvent, byPage: boolean): void => {
      const { url } = event.target as WebSocket;
      const { code, reason } = event;
      this.#outlet.put({ kind: 'close', url, code, reason, byPage, at: this.#now() });
      this.#outlet.deliver();
    };
    const closing = new WeakSet<WebSocket>();
    const close = WebSocket.prototype.close;
    WebSocket.prototype.close = function (code, reason) {
      if (this.readyState < 2) closing.add(this);
      return close.call(this, code, reason);
    };
    const watched = new Proxy(WebSocket, {
      construct(target, parameters: [string | URL, (string | string[])?], newTarget) {
        const socket = Reflect.construct(target, parameters, newTarget) as WebSocket;
        socket.addEventListener('close', (event) => closed(event, closing.has(socket)));
        return socket;
      },
    });
    WebSocket.prototype.constructor = watched;
    globalThis.WebSocket = watched;
  }
}
