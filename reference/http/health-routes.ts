import type { FastifyInstance } from 'fastify';
import { isoTime } from '../clock.ts';
import type { World } from '../world.ts';

/** Adds the health probes. Each answers 200 on a clean target. */
export function addHealthRoutes(app: FastifyInstance, world: World): void {
  app.get('/health', (_request, reply) => {
    if (world.hooks.healthy()) return { status: 'ok' };
    void reply.code(503);
    return { status: 'unhealthy', reason: 'unavailable' };
  });
  app.get('/health/ready', () => ({ status: 'ready' }));
  app.get('/auth/health', () => ({
    status: 'healthy',
    service: 'auth-service',
    version: '1.0.0',
    timestamp: isoTime(world.clock.now()),
    database_status: 'connected',
  }));
  app.get('/ws/health', () => ({
    status: 'healthy',
    timestamp: isoTime(world.clock.now()),
    mode: 'reference',
    components: { manager: true, message_router: true, connection_monitor: true },
  }));
}
