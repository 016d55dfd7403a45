import type { DecodedFields, OwnedIds } from '../history/observation.ts';
import type { ProfileData } from '../history/profile-data.ts';
import type { Framing } from './framing.ts';

/** The addresses of a system under test that a profile may name (`--address NAME=URL`). */
export const ADDRESS_NAMES = ['api', 'auth', 'socket', 'page'] as const;
export type AddressName = (typeof ADDRESS_NAMES)[number];
/** Resolved base URLs without a trailing slash; `socket` is `ws:` or `wss:`. */
export type Addresses = Readonly<Record<AddressName, string>>;

/** How a simulated user signs in (`--sign-in METHOD`). */
export const SIGN_IN_METHODS = ['register', 'password', 'e2e-key', 'token', 'page'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

/** Who a simulated user wants to be: made by a persona, or read from a users file. */
export interface Account {
  readonly email: string;
  /** Display name; holds the user's name marker. */
  readonly name: string;
  readonly password?: string | undefined;
  /** A ready access token (`--sign-in token`). */
  readonly token?: string | undefined;
  readonly refreshToken?: string | undefined;
  /** Expected user id where a users file states it. */
  readonly userId?: string | undefined;
}

/** Result of a sign-in. */
export interface Session {
  readonly userId: string;
  /** The identity the target says this is, where it says so. */
  readonly email?: string | undefined;
  readonly token: string;
  readonly refreshToken?: string | undefined;
  /** The cookies that the sign-in set, as a `Cookie` header carries them. */
  readonly cookies?: string | undefined;
  /** Every secret of this session that must never enter an artifact (tokens, cookies). */
  readonly secrets: readonly string[];
}

export interface HttpRequest {
  readonly address: AddressName;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Begins with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON when present. */
  readonly json?: unknown;
  /** Sent as a page's form sends it (`application/x-www-form-urlencoded`), where there is no `json`. */
  readonly form?: Readonly<Record<string, string>> | undefined;
  readonly purpose: 'sign-in' | 'whoami' | 'api' | 'health' | 'refusal-probe';
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body as JSON, or undefined when it is none. Narrow it with a schema. */
  readonly json: unknown;
}

/**
 * What a profile talks HTTP through. Every exchange is recorded in the history of the user it is made
 * for; a profile never opens connections itself.
 */
export interface TargetHttp {
  /** Resolves for every status; rejects only when no reply came (refused, reset, timed out). */
  request(request: HttpRequest): Promise<HttpReply>;
}

/** A step the target answered, but not as agreed; the message says what came and what was expected. */
export class TargetRefusal extends Error {
  override readonly name = 'TargetRefusal';
  readonly status: number | null;
  constructor(message: string, status: number | null = null) {
    super(message);
    this.status = status;
  }
}

/** Whether an error is one. Told by its name: a profile may have loaded its own copy of the class. */
export function isTargetRefusal(error: unknown): error is TargetRefusal {
  return error instanceof Error && error.name === 'TargetRefusal';
}

/** What a frame is to the harness, beside its canonical fields. */
export interface DecodedFrame extends DecodedFields {
  /**
   * `agent`: an event of a run (known or not). `handshake`, `ack`, `pong`, `heartbeat`, `error`: as
   * named. `other`: recognised as none of these.
   */
  readonly role: 'agent' | 'handshake' | 'ack' | 'pong' | 'heartbeat' | 'error' | 'other';
  /** `pong`: the client time that came back (Unix ms), if any. `sentAt` holds the target's time. */
  readonly echoedAt?: number | undefined;
  /**
   * What of a frame with several events is this event, from the second on (see {@link SocketWire.decodeAll}): a
   * JSON value, which is judged as a frame of its own.
   */
  readonly part?: unknown;
}

/** Where a connection's handshake stands after a frame. */
export interface HandshakeStep {
  /** Own ids this frame made known (authoritative). */
  readonly ids?: OwnedIds | undefined;
  /** Identity the handshake shows when it is not the expected one (full id or shown prefix). */
  readonly shown?: string | undefined;
  /** What the target gave this connection to be known by, and nobody else may receive. */
  readonly secrets?: readonly string[] | undefined;
  /** Frames to send in answer, as JSON values. */
  readonly send?: readonly unknown[] | undefined;
  /**
   * `waiting`: more must come. `ready`: a question may be asked once `settleMs` has passed without a
   * frame that changes this (0 = at once).
   */
  readonly state: 'waiting' | 'ready';
  readonly settleMs?: number | undefined;
}

/** One connection's handshake, as a small state machine over its first frames. */
export interface Handshake {
  /**
   * Called once, when the socket has opened and before any frame came: for targets that greet with
   * nothing (`ready`) or want a first message from us (`send`). Absent: `waiting`.
   */
  opened?(): HandshakeStep;
  /**
   * How this connection asks, where its handshake decides that (a target with two generations of a
   * protocol). When present it is used instead of {@link SocketWire.ask}.
   */
  ask?(question: Question): AskFrame;
  receive(frame: unknown, decoded: DecodedFrame): HandshakeStep;
}

/** How to open a socket for a session. */
export interface SocketRequest {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Secrets beyond the session's own in this request (a ticket). */
  readonly secrets?: readonly string[] | undefined;
}

export interface Question {
  readonly content: string;
  readonly thread: string | undefined;
  /** A run id made by the harness; used only where the target accepts one. */
  readonly run: string;
  /** Unix ms. */
  readonly now: number;
  /** True for the first question of its thread. */
  readonly first: boolean;
}

/** What to send to ask a question; `run` is set when the target takes the run id from us. */
export interface AskFrame {
  readonly frame: unknown;
  readonly run?: string | undefined;
}

/** Whose run it is that is stopped or gone on with, and the conversation it is in, where that is known. */
export interface RunContext {
  readonly session: Session;
  readonly thread?: string | undefined;
}

export interface SocketWire {
  open(session: Session, addresses: Addresses, http: TargetHttp): Promise<SocketRequest>;
  /** A fresh handshake for one connection of a user with this session. */
  handshake(session: Session): Handshake;
  /** The frame that asks. `run` is set when the target takes the run id from us. */
  ask(question: Question): AskFrame;
  /** The frame that stops a run; `run` is empty on a target whose events name none. */
  stop?(run: string, context: RunContext): unknown;
  /** The frame that goes on with a run on a new connection, after the event with this sequence number; see {@link stop}. */
  resume?(run: string, after: number, context: RunContext): unknown;
  /** An application-level ping; its pong is decoded as role `pong`. */
  ping?(nowUnixMs: number): unknown;
  /** Canonical fields of one parsed frame. Must never throw, whatever the frame is. */
  decode(frame: unknown): DecodedFrame;
  /**
   * For targets that put several events into one frame. The first entry equals `decode(frame)` and goes
   * with the frame's own history line; every further entry is recorded as an extra line of kind `frame`
   * with the same time and with its {@link DecodedFrame.part} as content: what an event says of which none is
   * given is not read as its answer or its echo. Never empty, never throws. Absent: `[decode(frame)]`.
   */
  decodeAll?(frame: unknown): readonly DecodedFrame[];
  /**
   * `prefixed`: a message is JSON behind some characters, as `42["event",{…}]` of Socket.IO, or nothing but
   * such characters. Frames are then lists of both wherever a profile gets or gives one, `["42",["event",{…}]]`
   * and `["2"]`, and stand like that in the history. `records`, `lines`: a message holds any number of JSON
   * values, each of which ends with U+001E (SignalR) or a line break; each is a frame. Default: `json`.
   */
  readonly framing?: Framing | undefined;
  /**
   * The frame that must be sent back at once for one that came, at any time: the answer to a ping of the
   * target's own protocol. Undefined for all others. A page answers by itself.
   */
  reply?(frame: unknown): unknown;
  /** Protocol-level ping interval in ms, or null. */
  readonly pingEveryMs: number | null;
  /** Stands where a target with a {@link Target.stream} has no socket; set by `defineTarget` alone. */
  readonly absent?: true | undefined;
}

/**
 * The events of a target that has no socket: server-sent events, or lines of JSON, in the reply to a question or
 * in a stream of their own. Users of such a target act through its page.
 */
export interface StreamWire {
  /**
   * Canonical fields of one event, which is `{ event, id, retry, comment, data }` with what the stream said of
   * these; `data` is the value where it is a JSON object or list, else the text. Must never throw.
   */
  decode(event: unknown): DecodedFrame;
}

/** Threads and notes over HTTP, where the target has them. */
export interface ThreadWire {
  create?(call: {
    http: TargetHttp;
    session: Session;
    title: string;
    members: readonly string[];
  }): Promise<string>;
  /**
   * Lists the user's threads. Resolves to their ids where these are too short or too plain to be found in a reply
   * by themselves (`42`): then it has to be said that they are ids.
   */
  list?(call: { http: TargetHttp; session: Session }): Promise<readonly string[] | void>;
  /** Reads one thread's messages. */
  read?(call: { http: TargetHttp; session: Session; thread: string }): Promise<void>;
  /** Stores a private text of the user that the agent's tool reads. */
  note?(call: { http: TargetHttp; session: Session; text: string }): Promise<void>;
}

/**
 * Where something is on a page: a Playwright selector such as `data-testid=send-button`,
 * `role=button[name="Send message"]`, or CSS. Roles and test ids outlive a redesign; prefer them.
 */
export type Selector = string;

/** A form of the page that signs a person in, or makes one. */
export interface PageForm {
  /** Path of the page that has it, on the address `page`. */
  readonly path: string;
  readonly email: Selector;
  readonly password: Selector;
  /** Display name, where the form asks for one. */
  readonly name?: Selector | undefined;
  readonly submit: Selector;
  /** Visible when the form was refused; its text says why. */
  readonly refusal?: Selector | undefined;
}

/** How a person comes to be signed in on a page. At least one of `forms` and `entries` is there. */
export interface PageSignIn {
  /** The page's own forms: `password` for people who exist, `register` to make one. */
  readonly forms?: {
    readonly password?: PageForm | undefined;
    readonly register?: PageForm | undefined;
  };
  /**
   * localStorage of a page on which this session is signed in. Where a page's own sign-in is a third
   * party's, the harness signs in over the API and puts these in place before the first script runs.
   */
  readonly entries?: ((session: Session) => Readonly<Record<string, string>>) | undefined;
  /**
   * The session that a signed-in page keeps, in its localStorage or in cookies; undefined while it keeps
   * none. Asked again and again until there is one.
   */
  readonly session: (
    entries: Readonly<Record<string, string>>,
    page: KeptByPage,
  ) => Session | undefined | Promise<Session | undefined>;
}

/** What a browser keeps for a page beside its localStorage. */
export interface KeptByPage {
  /** All cookies of the page's address as a `Cookie` header carries them, those that scripts cannot read too. */
  readonly cookies: string | undefined;
  /** To ask the target whose session that is, where a cookie does not say it. */
  readonly http: TargetHttp;
}

/** The browser page of a target (DESIGN §4.6): where to look and what to press. */
export interface PageWire {
  readonly signIn: PageSignIn;
  /** Path of the chat, on the address `page`. */
  readonly chatPath: string;
  /** Visible once a question may be asked. */
  readonly ready: Selector;
  /** Longest wait for {@link ready} after the chat was opened, milliseconds. */
  readonly readyMsMax: number;
  /** Shows who is signed in. */
  readonly signedInUser?: Selector | undefined;
  /** Begins a new conversation, where the page does not begin with one. */
  readonly newChat?: Selector | undefined;
  /** Where the question is typed. */
  readonly composer: Selector;
  /** Sends the question; null: the Enter key does. */
  readonly send: Selector | null;
  /** Every answer of the agent in the open conversation, in the order in which they are drawn. */
  readonly answer: Selector;
  /** Every message that tells of an error instead of an answer. */
  readonly error?: Selector | undefined;
  /** Per canonical event, what shows that it happened; several elements after several runs. */
  readonly events?: Readonly<Record<string, Selector>> | undefined;
  /** Visible while a run is under way. */
  readonly busy?: Selector | undefined;
  /** Stops the run under way. */
  readonly stop?: Selector | undefined;
  /** Signs out, and what is visible when that is done. */
  readonly signOut?: { readonly press: Selector; readonly done: Selector } | undefined;
  /**
   * What a frame that the page itself sent asks; undefined for every other frame. A call of the page to the
   * target is the frame `{ method, path, body }`, `body` the value where it is JSON. Never throws.
   */
  readonly asked: (
    frame: unknown,
  ) => { readonly run?: string | undefined; readonly thread?: string | undefined } | undefined;
  /** Further events after which the page counts a run as over (`final_report`). */
  readonly endedBy?: readonly string[] | undefined;
}

/** Ids that a probe tries: the prober's own as control, another user's to see them refused. */
export interface ProbedIds {
  readonly thread?: string | undefined;
  readonly run?: string | undefined;
}

/** Something over HTTP that only the owner of an id, or only somebody who is signed in, may do. */
export interface HttpProbe {
  /** As reports name it: `GET /api/threads/{id}`. */
  readonly verb: string;
  /** `nothing`: it takes no id, and is about whoever asks. */
  readonly needs: 'thread' | 'run' | 'nothing';
  /** It takes away what it names: tried last, and believed when its owner can read that no more. */
  readonly deletes?: boolean | undefined;
  request(
    ids: ProbedIds,
    session: Session,
  ): Pick<HttpRequest, 'address' | 'method' | 'path' | 'headers' | 'json' | 'form'>;
}

/** Something over the socket that only the owner of an id may do. */
export interface SocketProbe {
  /** As reports name it: `resume`. */
  readonly verb: string;
  readonly needs: 'thread' | 'run';
  /** The frame that tries it. `content` is a question for verbs that ask, `run` a fresh run id. */
  frame(ids: ProbedIds, fresh: { readonly content: string; readonly run: string }): unknown;
  /** Canonical events with which the target does what was asked; an error frame refuses. */
  readonly accepted: readonly string[];
}

/** What a target must refuse, and how to try it (DESIGN §3.5, §6). Only our own users are probed. */
export interface ProbeWire {
  readonly http: readonly HttpProbe[];
  readonly socket: readonly SocketProbe[];
  /** Opens a socket with the browser cookie of a session alone, as a page of this origin would. */
  cookieOpen?(session: Session, addresses: Addresses): SocketRequest | undefined;
  /** Gets a ticket that works once, and says how to open a socket with nothing but it. */
  ticketOpen?(session: Session, addresses: Addresses, http: TargetHttp): Promise<SocketRequest>;
  /** A second session of the same account whose token lives so many seconds. */
  shortLived?(call: SignInCall, seconds: number): Promise<Session>;
}

export interface SignInCall {
  readonly http: TargetHttp;
  readonly account: Account;
  /** Environment the profile may read its keys from. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One address of a profile. */
export interface AddressSpec {
  /** Default base URL; absent when it must be given. */
  readonly url?: string | undefined;
  /** Environment variable that overrides it. */
  readonly env?: string | undefined;
  /** Path appended to `--url` for this address (`socket`: `/ws`), with the scheme adapted. */
  readonly path?: string | undefined;
}

/** A system under test: everything the harness knows about it (DESIGN §4.6). */
export interface Target {
  readonly name: string;
  /** One sentence for `crosstalk list targets`. */
  readonly text: string;
  /** Refused without `--allow-production`. */
  readonly production: boolean;
  /** Whether these addresses lead to production although the profile as such does not. */
  readonly isProduction?: ((addresses: Addresses) => boolean) | undefined;
  /** True only for the embedded target, which the harness starts itself when no URL is given. */
  readonly embedded: boolean;
  readonly addresses: Readonly<Record<AddressName, AddressSpec>>;
  /** Extra headers by environment variable (gateways), name to variable. */
  readonly headersFromEnv: Readonly<Record<string, string>>;
  /** Environment variable with any number of extra headers, one `NAME=VALUE` a line. */
  readonly headersVariable?: string | undefined;
  /** Headers (lower-case parts of their names) that would change what is measured; refused. */
  readonly forbiddenHeaders?: readonly string[] | undefined;
  readonly health: readonly { readonly address: AddressName; readonly path: string }[];
  readonly signIn: Readonly<Partial<Record<SignInMethod, (call: SignInCall) => Promise<Session>>>>;
  /** Methods in the order of preference; the first is the default. */
  readonly signInOrder: readonly SignInMethod[];
  readonly whoAmI?:
    | ((call: {
        http: TargetHttp;
        session: Session;
      }) => Promise<{ userId: string; email?: string }>)
    | undefined;
  /** Ends a session: afterwards its token must be refused and its sockets closed. */
  readonly signOut?: ((call: { http: TargetHttp; session: Session }) => Promise<void>) | undefined;
  /** Ends all sessions of a session's user, wherever they are: their tokens and sockets with them. */
  readonly revoke?: ((call: { http: TargetHttp; session: Session }) => Promise<void>) | undefined;
  /**
   * Exchanges a session's refresh token for new tokens of the same user. Users who work for longer than their
   * tokens live have it done in time, where a token says when it ends and the session has a refresh token.
   */
  readonly refresh?:
    ((call: { http: TargetHttp; session: Session }) => Promise<Session>) | undefined;
  readonly probes?: ProbeWire | undefined;
  /** A word that makes a tool of the agent fail when a question holds it. */
  readonly failWord?: string | undefined;
  /** Where a target has no socket, its `decode` is that of {@link stream}, and nothing else of it is used. */
  readonly socket: SocketWire;
  /** Present instead of a socket: agent events come in streams that the page reads. */
  readonly stream?: StreamWire | undefined;
  /** The browser page; absent where the target has none that the harness knows. */
  readonly page?: PageWire | undefined;
  readonly threads: ThreadWire;
  /** Shape of user names the target accepts; the persona builder keeps to it. */
  readonly names: {
    /** Mail domain of users the harness makes. */
    readonly mailDomain: string;
    /** Words (lower case) that must not occur in names, titles or questions. */
    readonly avoidWords: readonly string[];
  };
  readonly limits: {
    readonly usersMax: number;
    /** Sign-ins, connections and questions started per second at most; null = unlimited. */
    readonly startsPerSecondMax: number | null;
    /**
     * Questions per campaign at most; null = unlimited. Held against what all of its trials will ask at
     * least (users × rounds each) before it starts; scenarios that last stop asking there.
     */
    readonly questionsMax: number | null;
    /** Phases: sign-ins under way at once. */
    readonly concurrentSignInsMax: number;
    readonly handshakeMsMax: number;
  };
  /** WebSocket close codes (RFC 6455) to what they mean on this target, for reports. */
  readonly closeCodes?: Readonly<Record<number, string>> | undefined;
  /** What judging needs, as data; goes into every history's first line. */
  readonly judging: ProfileData;
}
