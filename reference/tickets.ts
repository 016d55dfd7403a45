import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Session } from './model.ts';
import { Refusal } from './refusal.ts';

/** A short-lived stand-in for a token, fit for an address. */
export interface Ticket {
  readonly id: string;
  readonly session: Session;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly singleUse: boolean;
}

const TICKETS_MAX = 50_000;

/** All tickets that are still worth something. */
export class Tickets {
  private readonly clock: Clock;
  private readonly tickets = new Map<string, Ticket>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  issue(session: Session, lifeSeconds: number, singleUse: boolean): Ticket {
    this.forgetOldest();
    const createdAt = this.clock.now();
    const ticket: Ticket = {
      id: `ticket_${randomBytes(24).toString('base64url')}`,
      session,
      createdAt,
      expiresAt: createdAt + lifeSeconds * 1_000,
      singleUse,
    };
    this.tickets.set(ticket.id, ticket);
    return ticket;
  }

  /** Returns the session behind a ticket and uses it up if it works once; 401 if it is worthless. */
  redeem(id: string): Session {
    const ticket = this.tickets.get(id);
    if (ticket === undefined || ticket.expiresAt <= this.clock.now()) {
      throw new Refusal(401, 'Invalid or expired ticket');
    }
    if (ticket.singleUse) this.tickets.delete(id);
    return ticket.session;
  }

  private forgetOldest(): void {
    if (this.tickets.size < TICKETS_MAX) return;
    const [oldest] = this.tickets.keys();
    if (oldest !== undefined) this.tickets.delete(oldest);
  }
}
