import { measureThroughput } from './throughput.ts';
import { startRedis } from '../redis/redisServer.ts';
const r = await startRedis();
console.table(await measureThroughput({ bare: ['bare'], memory: ['memory'], redis: ['redis', r.url] }));
await r.close();
process.exit();
