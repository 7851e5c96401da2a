import { createHash } from 'node:crypto';
import { DEFAULT_ENDPOINT } from '../core/defaults.ts';
import { listen } from './httpServer.ts';
import { makeBroker } from './makeBroker.ts';
import type { SandboxServer } from './sandboxServer.ts';
import type { GenesysSettings } from './settings.ts';

/** One visitor for all checks, so that checking often does not fill the organisation with visitors. */
const EXTERNAL_ID = 'guest-token-broker-check';

/** Longer than the broker itself ever waits for Genesys. */
const TIMEOUT_MS = 120_000;

/**
 * Asks for a token twice, as a browser would: over HTTP, from a broker that is started for it.
 * Prints what came, never the token.
 *
 * @returns the exit code: 0, or 1 when there is no token or the second one is another
 */
export async function check(
  genesys: GenesysSettings,
  sandbox: SandboxServer | undefined,
): Promise<0 | 1> {
  const broker = makeBroker(genesys, sandbox, {
    authorize: async () => ({ externalId: EXTERNAL_ID }),
  });
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
  try {
    const { channelId } = genesys;
    const where = sandbox ? 'the sandbox' : genesys.environment;
    console.log(`Asking ${where} for a guest token of channel ${channelId} …`);
    const first = await ask(server.url, channelId);
    if ('problem' in first) return fail(first.problem, sandbox);
    console.log(`visitor:     ${first.id}`);
    console.log(`fingerprint: ${fingerprint(first.token)}`);
    console.log(`expires:     ${expiry(first.expiresInSeconds)}`);
    const second = await ask(server.url, channelId);
    if ('problem' in second) return fail(second.problem, sandbox);
    const match = second.token === first.token;
    console.log(`match: ${match}`);
    if (match) return 0;
    console.error('The second request got another token: check how long the tokens live.');
    return 1;
  } finally {
    await server.close();
  }
}

interface Acquired {
  readonly id: string;
  readonly token: string;
  readonly expiresInSeconds: number;
}

type Problem = Readonly<Record<string, unknown>>;

async function ask(url: string, channelId: string): Promise<Acquired | { problem: Problem }> {
  const response = await fetch(url + DEFAULT_ENDPOINT, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channelId, externalId: EXTERNAL_ID, attributes: {} }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body: unknown = await response.json();
  const reply: Problem = typeof body === 'object' && body !== null ? { ...body } : {};
  const { id, token, expires_in: expiresInSeconds } = reply;
  if (response.ok && typeof id === 'string' && typeof token === 'string') {
    return { id, token, expiresInSeconds: Number(expiresInSeconds) };
  }
  return { problem: reply };
}

/** Tells tokens apart without telling them: 48 bits of a hash. */
function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 12);
}

function expiry(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const life = seconds < 120 ? `${Math.round(seconds)} s` : `${minutes} min`;
  return `${new Date(Date.now() + seconds * 1000).toISOString()} (in ${life})`;
}

function fail(problem: Problem, sandbox: SandboxServer | undefined): 1 {
  const { code = 'unavailable', detail, title, hint, contextId } = problem;
  console.error(`failed (${code}): ${detail ?? title ?? 'the broker did not say why'}`);
  if (hint !== undefined) console.error(`fix: ${hint}`);
  if (contextId !== undefined) console.error(`Genesys' correlation id: ${contextId}`);
  if (sandbox && code === 'unauthorized') {
    console.error("(The sandbox's own client is sandbox-client with the secret sandbox-secret.)");
  }
  return 1;
}
