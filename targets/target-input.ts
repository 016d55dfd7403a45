import type { JudgingInput } from './judging.ts';
import type {
  AddressName,
  Addresses,
  AddressSpec,
  Handshake,
  PageWire,
  Session,
  SignInMethod,
  SocketWire,
  StreamWire,
  Target,
  ThreadWire,
} from './target.ts';

/** What a profile must say about its socket; handshake and pings have defaults. */
export interface SocketInput extends Omit<SocketWire, 'handshake' | 'pingEveryMs'> {
  /** Default: the target greets with nothing, a question may be asked as soon as the socket is open. */
  handshake?(session: Session): Handshake;
  /** Default: null, no protocol-level pings. */
  readonly pingEveryMs?: number | null | undefined;
}

/** What a profile says about its page; a page that takes longer than 15 s to be ready says so. */
export interface PageInput extends Omit<PageWire, 'readyMsMax'> {
  readonly readyMsMax?: number | undefined;
}

/**
 * A profile as its author writes it. `name`, `production`, `addresses`, `signIn`, and either `socket` or
 * `stream` with `page` are required; everything else has the default that {@link defineTarget} documents.
 */
export interface TargetInput {
  readonly name: string;
  readonly text?: string | undefined;
  readonly production: boolean;
  readonly isProduction?: ((addresses: Addresses) => boolean) | undefined;
  readonly embedded?: boolean | undefined;
  readonly addresses: Readonly<Partial<Record<AddressName, AddressSpec>>>;
  readonly headersFromEnv?: Readonly<Record<string, string>> | undefined;
  readonly headersVariable?: string | undefined;
  readonly forbiddenHeaders?: readonly string[] | undefined;
  readonly health?: Target['health'] | undefined;
  readonly signIn: Target['signIn'];
  readonly signInOrder?: readonly SignInMethod[] | undefined;
  readonly whoAmI?: Target['whoAmI'];
  readonly signOut?: Target['signOut'];
  readonly revoke?: Target['revoke'];
  readonly refresh?: Target['refresh'];
  readonly probes?: Target['probes'];
  readonly failWord?: string | undefined;
  readonly socket?: SocketInput | undefined;
  readonly stream?: StreamWire | undefined;
  readonly page?: PageInput | undefined;
  readonly threads?: ThreadWire | undefined;
  readonly names?: Partial<Target['names']> | undefined;
  readonly limits?: Partial<Target['limits']> | undefined;
  readonly closeCodes?: Target['closeCodes'];
  readonly judging?: JudgingInput | undefined;
}
