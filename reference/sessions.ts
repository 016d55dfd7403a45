import { randomUUID } from 'node:crypto';
import type { Connections } from './connections.ts';
import type { HookChain } from './hooks.ts';
import type { Origin, Session, User } from './model.ts';
import { Refusal } from './refusal.ts';
import type { Claims, TokenPair, Tokens } from './tokens.ts';
import type { Truth } from './truth.ts';
import type { Users } from './users.ts';

/** What the sessions need from the rest of the target. */
export interface SessionsParts {
  readonly users: Users;
  readonly tokens: Tokens;
  readonly hooks: HookChain;
  readonly connections: Connections;
  readonly truth: Truth;
  /** Life of an access token in seconds, unless a sign-in asks for another. */
  readonly lifeSeconds: number;
}

/** A fresh sign-in. */
export interface SignIn {
  readonly user: User;
  readonly from: Origin;
  /** Life of the access token in seconds, or null for the usual one. */
  readonly lifeSeconds: number | null;
}

/** Who is signed in: hands out tokens, accepts them and takes them back. */
export class Sessions {
  private readonly parts: SessionsParts;
  /** Ids of all sessions that were begun, by the e-mail of their user. */
  private readonly begun = new Map<string, Set<string>>();

  constructor(parts: SessionsParts) {
    this.parts = parts;
  }

  async begin(signIn: SignIn): Promise<TokenPair> {
    const { user, from } = signIn;
    this.parts.hooks.signedIn(user, from);
    return this.issue(user, signIn.lifeSeconds ?? this.parts.lifeSeconds);
  }

  /** Returns the session of a valid access token; 401 for any other. */
  async accept(accessToken: string, from: Origin): Promise<Session> {
    const claims = await this.claimsOf(accessToken);
    const user = this.parts.users.byId(claims.userId);
    const signedIn = this.parts.users.find(claims.email);
    if (user === undefined || signedIn === undefined) throw new Refusal(401, 'Unknown user');
    return this.identify({ signedIn, user, sessionId: claims.sessionId }, from);
  }

  /** Returns the session again, for a ticket; 401 if it ended meanwhile. */
  renew(session: Session, from: Origin): Session {
    if (this.parts.tokens.hasEnded(session.sessionId)) throw new Refusal(401, 'Signed out');
    return this.identify(session, from);
  }

  /** Exchanges a refresh token, which works once, for a new pair. */
  async refresh(refreshToken: string): Promise<{ readonly user: User; readonly pair: TokenPair }> {
    const claims = await this.parts.tokens.redeem(refreshToken);
    const holder = this.parts.users.find(claims.email);
    if (holder === undefined) throw new Refusal(401, 'Unknown user');
    const user = this.parts.hooks.refreshed(holder);
    return { user, pair: await this.issue(user, this.parts.lifeSeconds, claims.sessionId) };
  }

  /** Makes every token of a session worthless and closes the sockets of its holder. */
  end(session: Session): void {
    this.parts.tokens.end(session.sessionId);
    if (this.parts.hooks.keepsSockets(session.signedIn)) return;
    this.parts.connections.signOut(session.signedIn);
  }

  /** Makes every token of every session of a user worthless and closes all sockets of theirs. */
  revoke(session: Session): void {
    const { tokens, hooks, connections } = this.parts;
    const user = session.signedIn;
    for (const sessionId of this.begun.get(user.email) ?? []) tokens.end(sessionId);
    if (hooks.keepsRevokedSockets(user)) return;
    connections.signOut(user, 'Revoked');
  }

  private async claimsOf(accessToken: string): Promise<Claims> {
    const { tokens, hooks, truth } = this.parts;
    try {
      return await tokens.verify(accessToken, 'access');
    } catch (error) {
      const excused = await hooks.excused(accessToken);
      if (excused === null) throw error;
      const { claims, deviation } = excused;
      const { fault, owner, how } = deviation;
      truth.write({ fault, observer: claims.email, owner, run: null, event: null, how });
      return claims;
    }
  }

  private async issue(
    user: User,
    lifeSeconds: number,
    sessionId: string = randomUUID(),
  ): Promise<TokenPair> {
    const sessions = this.begun.get(user.email) ?? new Set<string>();
    this.begun.set(user.email, sessions.add(sessionId));
    const pair = await this.parts.tokens.issue(user, lifeSeconds, sessionId);
    user.lastToken = pair.access;
    return pair;
  }

  private identify(session: Session, from: Origin): Session {
    return this.parts.hooks.identity(session, from);
  }
}
