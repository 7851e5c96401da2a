// Vitest's global set-up: what is skipped for want of a Redis is not skipped silently.
import { canStartRedis, hasRedis } from './redisServer.ts';

export function setup(): void {
  if (canStartRedis) return;
  const which = hasRedis ? 'that stop a Redis' : 'that need a Redis';
  console.log(
    `Tests ${which} are skipped: install redis-server (Debian: apt-get install redis-server)${hasRedis ? '' : ', or set REDIS_URL,'} to have them run.`,
  );
}
