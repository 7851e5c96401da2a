import { createHash } from 'node:crypto';
import { acquire } from '../core/acquire.ts';
import { errorOfStatus } from '../core/classify.ts';
import { DEFAULT_ENDPOINT } from '../core/defaults.ts';
import { GuestTokenError, type GuestTokenErrorCode, isGuestTokenError } from '../core/errors.ts';
import { asRecord, isText } from '../core/json.ts';
import { retryPolicy } from '../core/retryPolicy.ts';
import { sleep } from '../core/waits.ts';
import { createGuestTokenBroker } from '../server/createGuestTokenBroker.ts';
import { listen } from './httpServer.ts';
import { makeIssuer } from './makeIssuer.ts';
import type { SandboxServer } from './sandboxServer.ts';
import type { GenesysSettings } from './settings/settings.ts';

/** One visitor for all checks, so that checking often does not fill the organisation with visitors. */
const EXTERNAL_ID = 'guest-token-broker-check';

/** Longer than the broker itself ever waits for Genesys. */
const TIMEOUT_MS = 120_000;

/**
 * Asks for a token twice, as a browser would: over HTTP, from a broker that is started for it. A 429
 * or a passing failure is tried again as a browser would too. Prints what came, never the token.
 *
 * @returns the exit code: 0, or 1 when there is no token or the second one is another
 */
export async function check(
  settings: GenesysSettings,
  sandbox: SandboxServer | undefined,
): Promise<0 | 1> {
  const broker = createGuestTokenBroker({
    issuer: makeIssuer(settings, sandbox),
    authorize: async () => ({ externalId: EXTERNAL_ID }),
  });
  const server = await listen({ port: 0, hostname: '127.0.0.1' }, broker);
  try {
    const { channelId, environment } = settings;
    const where = sandbox ? 'the sandbox' : (settings.apiUrl ?? environment);
    console.log(`Asking ${where} for a guest token of channel ${channelId} …`);
    const first = await askPatiently(server.url, channelId);
    console.log(`visitor:     ${first.id}`);
    console.log(`fingerprint: ${fingerprint(first.token)}`);
    console.log(`expires:     ${expiry(first.expiresInSeconds)}`);
    const second = await askPatiently(server.url, channelId);
    const match = second.token === first.token;
    console.log(`match: ${match}`);
    if (match) return 0;
    console.error('The second request got another token: check how long the tokens live.');
    return 1;
  } catch (error) {
    if (!isGuestTokenError(error)) throw error;
    explain(error, sandbox !== undefined);
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

/** @throws GuestTokenError what the last attempt failed with */
function askPatiently(url: string, channelId: string): Promise<Acquired> {
  const policy = retryPolicy();
  return acquire(
    policy,
    async () => undefined,
    () => ask(url, channelId),
    async (attempt, { code }, delayMs) => {
      if (delayMs > 0) {
        const seconds = Math.ceil(delayMs / 1000);
        const next = `attempt ${attempt + 1} of ${policy.attempts}`;
        console.log(`${code}: waiting ${seconds} s before ${next} …`);
      }
      await sleep(delayMs, new AbortController().signal);
    },
  );
}

async function ask(url: string, channelId: string): Promise<Acquired> {
  const response = await fetch(url + DEFAULT_ENDPOINT, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channelId, externalId: EXTERNAL_ID, attributes: {} }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { status, headers } = response;
  const body = asRecord(await response.json());
  const { id, token, expires_in: expiresInSeconds, detail, hint } = body;
  if (response.ok && isText(id) && isText(token)) {
    return { id, token, expiresInSeconds: Number(expiresInSeconds) };
  }
  const { code, retryAtMs, contextId } = errorOfStatus(status, 'The broker', headers, body);
  const problem = isText(detail) ? detail : `The broker answered ${status}.`;
  const known = { status, retryAtMs, contextId };
  throw new GuestTokenError(code, problem, isText(hint) ? { ...known, hint } : known);
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

const GENESYS_FAILS =
  'Genesys Cloud fails on its side, your settings are not the cause. Look at https://status.mypurecloud.com and run check again in a few minutes.';
const NO_WAY =
  'Check GENESYS_ENVIRONMENT, and that a firewall or proxy lets this machine reach the hosts login.… and api.… of that region.';

/** What to do where the broker's own hint is meant for the author of a widget. */
const fixes: Partial<Record<GuestTokenErrorCode, string>> = {
  unavailable: GENESYS_FAILS,
  unreachable: NO_WAY,
  timed_out: NO_WAY,
};

function explain(error: GuestTokenError, isSandbox: boolean): void {
  const { code, hint, contextId, retryAtMs } = error;
  const seconds = retryAtMs && Math.max(1, Math.ceil((retryAtMs - Date.now()) / 1000));
  console.error(`failed (${code}): ${error.message.replace(` ${hint}`, '')}`);
  if (code === 'rate_limited' && seconds) {
    console.error(
      `fix: Run check again in ${seconds} s; Genesys limits how often it can be asked.`,
    );
  } else console.error(`fix: ${fixes[code] ?? hint}`);
  if (contextId !== undefined) console.error(`Genesys' correlation id: ${contextId}`);
  if (isSandbox && code === 'unauthorized') {
    console.error("(The sandbox's own client is sandbox-client with the secret sandbox-secret.)");
  }
}
