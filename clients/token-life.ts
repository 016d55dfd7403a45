import { unixMsOf } from '../targets/frames.ts';
import type { Session } from '../targets/target.ts';
import { claimsOf } from '../targets/token-claims.ts';

/** New tokens are asked for when so much of a token's life is left, but not so long before its end. */
const MARGIN_SHARE = 0.2;
const MARGIN_MS_MAX = 60_000;

/**
 * How long a session's token goes on, as it says itself (`exp`, `iat`, RFC 7519 §4.1). Of one that says nothing
 * the end is not known: it is used until the target refuses it.
 */
export class TokenLife {
  readonly #endsAt: number;
  readonly #marginMs: number;

  /**
   * @param obtainedAt when it was had, Unix milliseconds.
   * @param isFresh it was made at that moment, so that its life counts from there, whatever the target's clock.
   */
  constructor(
    { token }: Pick<Session, 'token'>,
    { obtainedAt, isFresh }: { readonly obtainedAt: number; readonly isFresh: boolean },
  ) {
    const claims = claimsOf(token);
    const saysEnd = unixMsOf(claims, 'exp') ?? Infinity;
    const lastsMs = saysEnd - (unixMsOf(claims, 'iat') ?? obtainedAt);
    const endsIfFresh = obtainedAt + lastsMs;
    this.#endsAt = isFresh ? endsIfFresh : Math.min(saysEnd, endsIfFresh);
    this.#marginMs = Math.min(lastsMs * MARGIN_SHARE, MARGIN_MS_MAX);
  }

  /** Whether it ends soon, or has ended. */
  isEnding(nowUnixMs: number): boolean {
    return nowUnixMs >= this.#endsAt - this.#marginMs;
  }
}
