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
  private readonly used = new Map<string, Ticket>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  issue(session: Session, lifeSeconds: number, singleUse: boolean): Ticket {
    forgetOldest(this.tickets);
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

  /**
   * Returns the session behind a ticket and uses it up if it works once; 401 if it is worthless.
   * @param mayReuse whether a ticket that was used up works once more; only faults are that careless.
   */
  redeem(id: string, mayReuse: (session: Session) => boolean): Session {
    const spent = this.used.get(id);
    const ticket = spent !== undefined && mayReuse(spent.session) ? spent : this.tickets.get(id);
    if (ticket === undefined || ticket.expiresAt <= this.clock.now()) {
      throw new Refusal(401, 'Invalid or expired ticket');
    }
    if (ticket.singleUse) {
      this.tickets.delete(id);
      this.used.set(id, ticket);
      forgetOldest(this.used);
    }
    return ticket.session;
  }
}

function forgetOldest(tickets: Map<string, Ticket>): void {
  if (tickets.size < TICKETS_MAX) return;
  const [oldest] = tickets.keys();
  if (oldest !== undefined) tickets.delete(oldest);
}
