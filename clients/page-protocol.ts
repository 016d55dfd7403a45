/** The part of the DevTools protocol that recording reads. Times are seconds on the browser's clocks. */

export type Headers = Readonly<Record<string, string>>;

interface Timed {
  readonly requestId: string;
  /** Seconds on the browser's monotonic clock. */
  readonly timestamp: number;
}

export interface ResponseFacts {
  readonly url: string;
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Headers;
  readonly mimeType: string;
  readonly fromDiskCache?: boolean;
  readonly fromServiceWorker?: boolean;
  readonly fromPrefetchCache?: boolean;
  /** Absent where the network was not asked. */
  readonly timing?: ResourceTiming;
}

/** When the network did what for a request: milliseconds since `requestTime`, -1 for what was not needed. */
export interface ResourceTiming {
  /** Seconds on the browser's monotonic clock. */
  readonly requestTime: number;
  readonly dnsStart: number;
  readonly connectStart: number;
  readonly sendStart: number;
}

export interface RequestSent extends Timed {
  /** Unix seconds of the same moment. */
  readonly wallTime: number;
  readonly type?: string;
  readonly frameId?: string;
  readonly redirectResponse?: ResponseFacts;
  readonly redirectHasExtraInfo?: boolean;
  readonly request: {
    readonly url: string;
    readonly method: string;
    readonly headers: Headers;
    readonly postData?: string;
    readonly hasPostData?: boolean;
  };
}

export interface ResponseReceived extends Timed {
  readonly type?: string;
  readonly response: ResponseFacts;
  readonly hasExtraInfo?: boolean;
}

export interface SocketFrame extends Timed {
  readonly response: {
    /** 1: text; 2: bytes, and then `payloadData` is base64. */
    readonly opcode: number;
    readonly payloadData: string;
  };
}

/** A value of the page as the protocol tells of it. */
export interface RemoteValue {
  readonly type: string;
  readonly subtype?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
  readonly description?: string;
  readonly objectId?: string;
  /** The first few members of an object, as they were then. */
  readonly preview?: {
    readonly properties: readonly {
      readonly name: string;
      readonly type: string;
      readonly value?: string;
    }[];
  };
}

interface Thrown {
  readonly text: string;
  readonly url?: string;
  readonly exception?: RemoteValue;
}

export interface TargetFacts {
  readonly targetId: string;
  readonly type: string;
  readonly url: string;
  readonly browserContextId?: string;
  /** Of a window: the page that opened it, and whether its scripts reach that. */
  readonly openerId?: string;
  readonly canAccessOpener?: boolean;
}

/** Something a page wrote to its localStorage or sessionStorage. */
export interface StorageWrite {
  readonly storageId: {
    readonly securityOrigin?: string;
    /** The origin, and behind a caret the site in whose pages it is kept apart. */
    readonly storageKey?: string;
    readonly isLocalStorage: boolean;
  };
  readonly key: string;
  readonly newValue: string;
}

/** Events by name. */
export interface DevToolsEvents {
  'Network.requestWillBeSent': RequestSent;
  'Network.requestWillBeSentExtraInfo': { readonly requestId: string; readonly headers: Headers };
  'Network.responseReceived': ResponseReceived;
  'Network.responseReceivedExtraInfo': {
    readonly requestId: string;
    readonly headers: Headers;
    readonly statusCode: number;
  };
  'Network.requestServedFromCache': { readonly requestId: string };
  /** `data` only of what is followed, base64; `dataLength` its bytes without any packing. */
  'Network.dataReceived': Timed & { readonly dataLength: number; readonly data?: string };
  'Network.loadingFinished': Timed & { readonly encodedDataLength: number };
  'Network.loadingFailed': Timed & { readonly errorText: string; readonly canceled?: boolean };
  'Network.eventSourceMessageReceived': Timed & {
    readonly eventName: string;
    readonly eventId: string;
    readonly data: string;
  };
  'Network.webSocketCreated': { readonly requestId: string; readonly url: string };
  'Network.webSocketWillSendHandshakeRequest': Timed & {
    readonly wallTime: number;
    readonly request: { readonly headers: Headers };
  };
  'Network.webSocketHandshakeResponseReceived': Timed & {
    readonly response: { readonly status: number; readonly headers: Headers };
  };
  'Network.webSocketFrameReceived': SocketFrame;
  'Network.webSocketFrameSent': SocketFrame;
  'Network.webSocketFrameError': Timed & { readonly errorMessage: string };
  'Network.webSocketClosed': Timed;
  'Network.webTransportConnectionEstablished': { readonly transportId: string };
  'Page.frameNavigated': {
    readonly frame: { readonly id: string; readonly parentId?: string; readonly url: string };
  };
  'Page.navigatedWithinDocument': { readonly frameId: string; readonly url: string };
  'Runtime.bindingCalled': { readonly name: string; readonly payload: string };
  'Runtime.consoleAPICalled': {
    readonly type: string;
    readonly args: readonly RemoteValue[];
    readonly timestamp: number;
  };
  'Runtime.exceptionThrown': { readonly timestamp: number; readonly exceptionDetails: Thrown };
  'Runtime.executionContextCreated': {
    readonly context: {
      readonly id: number;
      /** Of a world of its own; empty for the page's. */
      readonly name: string;
      readonly auxData?: { readonly isDefault?: boolean; readonly frameId?: string };
    };
  };
  'Runtime.executionContextDestroyed': { readonly executionContextId: number };
  'Runtime.executionContextsCleared': Readonly<Record<string, never>>;
  'Log.entryAdded': {
    readonly entry: {
      readonly source: string;
      readonly level: string;
      readonly text: string;
      readonly timestamp: number;
      readonly url?: string;
    };
  };
  'Debugger.scriptParsed': { readonly scriptId: string; readonly url: string };
  'DOMStorage.domStorageItemAdded': StorageWrite;
  'DOMStorage.domStorageItemUpdated': StorageWrite & { readonly oldValue: string };
  'Inspector.targetCrashed': Readonly<Record<string, never>>;
  'Target.attachedToTarget': {
    readonly sessionId: string;
    readonly targetInfo: TargetFacts;
    readonly waitingForDebugger: boolean;
  };
  'Target.detachedFromTarget': { readonly sessionId: string };
  'Target.receivedMessageFromTarget': { readonly sessionId: string; readonly message: string };
  'Target.targetCreated': { readonly targetInfo: TargetFacts };
}

/** Answers of commands by name; what is not listed answers nothing of interest. */
export interface DevToolsAnswers {
  'Network.getResponseBody': { readonly body: string; readonly base64Encoded: boolean };
  'Network.getRequestPostData': { readonly postData: string };
  'Network.streamResourceContent': { readonly bufferedData: string };
  'Runtime.evaluate': { readonly result: RemoteValue; readonly exceptionDetails?: Thrown };
  'Runtime.callFunctionOn': { readonly result: RemoteValue };
  'Debugger.getScriptSource': { readonly scriptSource: string };
  'Page.createIsolatedWorld': { readonly executionContextId: number };
  'Page.getFrameTree': { readonly frameTree: FrameTree };
  'Target.getTargetInfo': { readonly targetInfo: TargetFacts };
  'Target.attachToTarget': { readonly sessionId: string };
}

export interface FrameTree {
  readonly frame: { readonly id: string; readonly url: string; readonly securityOrigin: string };
  readonly childFrames?: readonly FrameTree[];
}
