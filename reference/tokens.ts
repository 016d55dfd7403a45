import { randomBytes, randomUUID, webcrypto } from 'node:crypto';
import { SignJWT, decodeJwt, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import type { Clock } from './clock.ts';
import type { User } from './model.ts';
import { Refusal } from './refusal.ts';

/** The two tokens of one sign-in. */
export interface TokenPair {
  readonly access: string;
  readonly refresh: string;
  /** Life of the access token in seconds. */
  readonly expiresIn: number;
}

/** What a valid token says. */
export interface Claims {
  readonly userId: string;
  readonly email: string;
  readonly tokenId: string;
  /** Shared by all tokens of one sign-in. */
  readonly sessionId: string;
}

type TokenType = 'access' | 'refresh';

const ISSUER = 'netra-auth-service';
const AUDIENCE = 'netra-platform';
const REFRESH_LIFE_SECONDS = 14 * 24 * 3_600;
const AGE_SECONDS_MAX = 24 * 3_600;

const FOREVER_SECONDS = 10 * 365 * 24 * 3_600;

/** Every check but the type and the end of the session. */
const CHECKS = {
  algorithms: ['HS256'],
  issuer: ISSUER,
  audience: AUDIENCE,
  maxTokenAge: AGE_SECONDS_MAX,
  requiredClaims: ['sub', 'email', 'jti', 'sid', 'exp'],
};

/**
 * Issues and checks tokens: HS256 with the claims of the first customer's system. The key is random
 * and lives as long as the process, so nobody but this target can make one.
 */
export class Tokens {
  private readonly clock: Clock;
  private readonly key: webcrypto.CryptoKey;
  private readonly usedRefreshTokens = new Set<string>();
  private readonly endedSessions = new Set<string>();

  constructor(clock: Clock, key: webcrypto.CryptoKey) {
    this.clock = clock;
    this.key = key;
  }

  static async create(clock: Clock): Promise<Tokens> {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' };
    const key = await webcrypto.subtle.importKey('raw', randomBytes(32), algorithm, false, [
      'sign',
      'verify',
    ]);
    return new Tokens(clock, key);
  }

  /** Issues a pair whose access token lives this many seconds, for a new session unless one is given. */
  async issue(
    user: User,
    lifeSeconds: number,
    sessionId: string = randomUUID(),
  ): Promise<TokenPair> {
    const [access, refresh] = await Promise.all([
      this.sign(user, { sessionId, type: 'access', lifeSeconds }),
      this.sign(user, { sessionId, type: 'refresh', lifeSeconds: REFRESH_LIFE_SECONDS }),
    ]);
    return { access, refresh, expiresIn: lifeSeconds };
  }

  /** Returns the claims of a valid token of this type; 401 for any other. */
  async verify(token: string, type: TokenType): Promise<Claims> {
    const claims = this.claimsIn(await this.read(token), type);
    if (claims === null) throw invalid();
    return claims;
  }

  /**
   * Returns the claims of an access token without a look at its expiry or at its signature; null if
   * anything else is wrong with it. Only faults are that careless.
   */
  async readCarelessly(token: string, ignored: 'expiry' | 'signature'): Promise<Claims | null> {
    try {
      const payload =
        ignored === 'signature'
          ? this.withoutSignature(token)
          : (await jwtVerify(token, this.key, { ...CHECKS, clockTolerance: FOREVER_SECONDS }))
              .payload;
      return this.claimsIn(payload, 'access');
    } catch {
      // What is no token at all has no claims.
      return null;
    }
  }

  /** True for the session of somebody who signed out. */
  hasEnded(sessionId: string): boolean {
    return this.endedSessions.has(sessionId);
  }

  /** Ends a session: all its tokens are worthless from now on. */
  end(sessionId: string): void {
    this.endedSessions.add(sessionId);
  }

  /** Uses up a refresh token; it works once. */
  async redeem(refreshToken: string): Promise<Claims> {
    const claims = await this.verify(refreshToken, 'refresh');
    if (this.usedRefreshTokens.has(claims.tokenId)) throw invalid();
    this.usedRefreshTokens.add(claims.tokenId);
    return claims;
  }

  private claimsIn(payload: JWTPayload, type: TokenType): Claims | null {
    const { sub, jti, sid, email, token_type: actual } = payload;
    const complete = sub !== undefined && jti !== undefined && typeof email === 'string';
    if (!complete || typeof sid !== 'string') return null;
    if (actual !== type || this.hasEnded(sid)) return null;
    return { userId: sub, email, tokenId: jti, sessionId: sid };
  }

  private async read(token: string): Promise<JWTPayload> {
    try {
      return (await jwtVerify(token, this.key, CHECKS)).payload;
    } catch {
      // Which check failed is nobody's business but the owner's, who can decode the token.
      throw invalid();
    }
  }

  private withoutSignature(token: string): JWTPayload {
    const payload = decodeJwt(token);
    const current = (payload.exp ?? 0) * 1_000 > this.clock.now();
    if (!current || payload.iss !== ISSUER || payload.aud !== AUDIENCE) throw invalid();
    return payload;
  }

  private async sign(
    user: User,
    token: { readonly sessionId: string; readonly type: TokenType; readonly lifeSeconds: number },
  ): Promise<string> {
    const nowSeconds = this.clock.now() / 1_000;
    return new SignJWT({
      email: user.email,
      sid: token.sessionId,
      permissions: [...user.permissions],
      token_type: token.type,
      type: token.type,
      env: 'test',
      svc_id: 'crosstalk-reference',
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(user.id)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setJti(randomUUID())
      .setIssuedAt(Math.floor(nowSeconds))
      .setExpirationTime(Math.ceil(nowSeconds + token.lifeSeconds))
      .sign(this.key);
  }
}

function invalid(): Refusal {
  return new Refusal(401, 'Invalid or expired token');
}
