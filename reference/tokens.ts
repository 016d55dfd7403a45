import { randomBytes, randomUUID, webcrypto } from 'node:crypto';
import { SignJWT, jwtVerify } from 'jose';
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
}

type TokenType = 'access' | 'refresh';

const ISSUER = 'netra-auth-service';
const AUDIENCE = 'netra-platform';
const REFRESH_LIFE_SECONDS = 14 * 24 * 3_600;
const AGE_SECONDS_MAX = 24 * 3_600;

/**
 * Issues and checks tokens: HS256 with the claims of the first customer's system. The key is random
 * and lives as long as the process, so nobody but this target can make one.
 */
export class Tokens {
  private readonly clock: Clock;
  private readonly key: webcrypto.CryptoKey;
  // Refresh tokens are revoked by use, access tokens by sign-out.
  private readonly revoked = new Set<string>();

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

  /** Issues a pair whose access token lives this many seconds. */
  async issue(user: User, lifeSeconds: number): Promise<TokenPair> {
    const tokenId = randomUUID();
    const [access, refresh] = await Promise.all([
      this.sign(user, { tokenId, type: 'access', lifeSeconds }),
      this.sign(user, {
        tokenId: refreshIdOf(tokenId),
        type: 'refresh',
        lifeSeconds: REFRESH_LIFE_SECONDS,
      }),
    ]);
    return { access, refresh, expiresIn: lifeSeconds };
  }

  /** Returns the claims of a valid token of this type; 401 for any other. */
  async verify(token: string, type: TokenType): Promise<Claims> {
    const claims = await this.read(token);
    const { sub, jti, email, token_type: actual } = claims;
    const revoked = jti === undefined || this.revoked.has(jti);
    if (revoked || sub === undefined || typeof email !== 'string' || actual !== type) {
      throw new Refusal(401, 'Invalid or expired token');
    }
    return { userId: sub, email, tokenId: jti };
  }

  isRevoked(tokenId: string): boolean {
    return this.revoked.has(tokenId);
  }

  /** Ends a session: its access token and the refresh token issued beside it. */
  revoke(tokenId: string): void {
    this.revoked.add(tokenId);
    this.revoked.add(refreshIdOf(tokenId));
  }

  /** Uses up a refresh token; it works once. */
  async redeem(refreshToken: string): Promise<Claims> {
    const claims = await this.verify(refreshToken, 'refresh');
    this.revoked.add(claims.tokenId);
    return claims;
  }

  private async read(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.key, {
        algorithms: ['HS256'],
        issuer: ISSUER,
        audience: AUDIENCE,
        maxTokenAge: AGE_SECONDS_MAX,
        requiredClaims: ['sub', 'email', 'jti', 'exp'],
      });
      return payload;
    } catch {
      // Which check failed is nobody's business but the owner's, who can decode the token.
      throw new Refusal(401, 'Invalid or expired token');
    }
  }

  private async sign(
    user: User,
    token: { readonly tokenId: string; readonly type: TokenType; readonly lifeSeconds: number },
  ): Promise<string> {
    const nowSeconds = this.clock.now() / 1_000;
    return new SignJWT({
      email: user.email,
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
      .setJti(token.tokenId)
      .setIssuedAt(Math.floor(nowSeconds))
      .setExpirationTime(Math.ceil(nowSeconds + token.lifeSeconds))
      .sign(this.key);
  }
}

function refreshIdOf(tokenId: string): string {
  return `${tokenId}.refresh`;
}
