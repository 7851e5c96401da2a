// A process of its own (with --expose-gc): prints how much the heap holds after so many visitors.
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { memoryTokenPool } from '../../src/server/pool/memoryTokenPool.ts';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';

const [max = '', ...counts] = process.argv.slice(2);

const broker = createGuestTokenBroker({
  issuer: {
    issue: async ({ externalId }) => ({
      id: `visitor-${externalId}`,
      token: fakeGuestToken({ sub: externalId, jti: crypto.randomUUID(), lifeSeconds: 3600 }),
      created_time: new Date().toISOString(),
      state: 'active',
      external_id: externalId,
      channel_id: 'webchat-default',
    }),
  },
  authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
  pool: memoryTokenPool({ max: Number(max) }),
  limits: { upstream: Number.POSITIVE_INFINITY },
});

async function visit(index: number): Promise<void> {
  const response = await broker(
    new Request('http://127.0.0.1/', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Visitor': `visitor ${index}` },
      body: '{}',
    }),
  );
  if (response.status !== 200) throw new Error(`visitor ${index} got ${response.status}`);
  await response.arrayBuffer();
}

/** What the platform frees by finalizers (of requests, of signals) is gone after a turn or two only. */
async function heapBytes(): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
  return process.memoryUsage().heapUsed;
}

const baseBytes = await heapBytes();
let visitors = 0;
const heapMegabytes: Record<string, number> = {};
for (const count of counts.map(Number)) {
  while (visitors < count) await visit(visitors++);
  heapMegabytes[count] = ((await heapBytes()) - baseBytes) / 1e6;
}
process.send?.(heapMegabytes);
