import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Origin, Session } from '../model.ts';
import { Refusal } from '../refusal.ts';
import type { World } from '../world.ts';

/** A request whose sender is known. */
export interface Call {
  readonly session: Session;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

// Which session a request came with, for the headers of its reply.
const sessions = new WeakMap<FastifyRequest, Session>();

/** Makes a route that answers only requests with a valid bearer token; 401 to all others. */
export function signedIn<Answer>(
  world: World,
  answer: (call: Call) => Answer,
): (request: FastifyRequest, reply: FastifyReply) => Promise<Answer> {
  return async (request, reply) => {
    const token = bearerToken(request.headers.authorization);
    if (token === null) throw new Refusal(401, 'Missing bearer token');
    const session = await world.sessions.accept(token, originOf(request));
    sessions.set(request, session);
    return answer({ session, request, reply });
  };
}

/** Returns the session of a request that passed `signedIn`, or null. */
export function knownCaller(request: FastifyRequest): Session | null {
  return sessions.get(request) ?? null;
}

/** Where a request came from. */
export function originOf(request: FastifyRequest): Origin {
  return { address: request.ip, userAgent: request.headers['user-agent'] ?? '' };
}

/** Reads the token out of an `Authorization` header. */
export function bearerToken(header: string | undefined): string | null {
  return /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}

/** Narrows what came in from outside; 422 with every mistake if it has another shape. */
export function readInput<Shape extends z.ZodType>(shape: Shape, input: unknown): z.infer<Shape> {
  const outcome = shape.safeParse(input ?? {});
  if (outcome.success) return outcome.data;
  throw new Refusal(422, z.prettifyError(outcome.error));
}
