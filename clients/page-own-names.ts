/**
 * Statements that stand before our classes in a page: to them names mean what they meant before the page's first
 * script. A page that has a `class Node` of its own, or stops the clock, would be read as one without text.
 */
export const OWN_NAMES = `
  const { Blob, JSON, Map, Math, Object, Proxy, Reflect, Set, String, TextDecoder, URL, WeakMap, WeakRef, WeakSet,
    Document, Element, MutationObserver, Node, ShadowRoot, History, Notification, WebSocket, RTCPeerConnection,
    HTMLInputElement, HTMLSelectElement, HTMLTemplateElement, HTMLTextAreaElement, ElementInternals, NodeFilter,
    CSSGroupingRule, CSSStyleSheet, CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D,
    SpeechSynthesis, TextTrack, ServiceWorkerRegistration } = globalThis;
  // Workers have no styles.
  const CSS = { escape: globalThis.CSS?.escape };
  const addEventListener = globalThis.addEventListener.bind(globalThis);
  const performance = ((own) => ({ now: own.now.bind(own), timeOrigin: own.timeOrigin }))(globalThis.performance);
  // Names given by a compiler's helper; the page has no such helper.
  const __name = (named) => named;`;
