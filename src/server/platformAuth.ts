import * as oauth from 'oauth4webapi';
import { errorOfStatus } from '../core/classify.ts';
import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import { GuestTokenError } from '../core/errors.ts';

export interface PlatformAuth {
  /**
   * The access token that all calls share.
   *
   * @param refused the token that Genesys has just refused, to be replaced unless it has been already
   */
  accessToken(signal: AbortSignal, refused?: string): Promise<string>;
}

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly loginUrl: string;
  readonly fetch: typeof fetch | undefined;
}

const WHAT = "Genesys' login";

/** Renewed this long before its end; a fifth of its life where that is less. */
const MARGIN_MS = 60_000;

/** What Genesys issues where the reply does not say: its default of a day. */
const DEFAULT_LIFE_S = 86_400;

/** OAuth client credentials: one access token, asked for by one request however many wait for it. */
export function createPlatformAuth(credentials: ClientCredentials): PlatformAuth {
  let current: { readonly token: string; readonly fresh: Deadline } | undefined;
  let flight: Promise<string> | undefined;

  async function login(): Promise<string> {
    const { token, lifeMs } = await requestAccessToken(credentials);
    const freshMs = lifeMs - Math.min(MARGIN_MS, lifeMs / 5);
    current = { token, fresh: deadlineIn(freshMs) };
    return token;
  }

  return {
    async accessToken(signal, refused) {
      const usable = current && untilMs(current.fresh) > 0 && current.token !== refused;
      if (current && usable) return current.token;
      flight ??= login().finally(() => {
        flight = undefined;
      });
      return orAborted(flight, signal);
    },
  };
}

/** The caller's time may be over before the request's, which others wait for too. */
function orAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new GuestTokenError('timed_out', `${WHAT} took too long.`));
    signal.addEventListener('abort', stop);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** A login alone may not take longer; the broker gives the whole call some more. */
const LOGIN_TIMEOUT_MS = 8_000;

async function requestAccessToken({
  clientId,
  clientSecret,
  loginUrl,
  fetch: send,
}: ClientCredentials): Promise<{ token: string; lifeMs: number }> {
  const server = { issuer: loginUrl, token_endpoint: `${loginUrl}/oauth/token` };
  const client = { client_id: clientId };
  // Not oauth4webapi's own: it percent-encodes the dashes of a client id, as RFC 6749 says and
  // Genesys does not expect.
  const basic: oauth.ClientAuth = (_server, _client, _body, headers) =>
    headers.set('Authorization', `Basic ${btoa(`${clientId}:${clientSecret}`)}`);
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), LOGIN_TIMEOUT_MS);
  try {
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      basic,
      {},
      {
        [oauth.customFetch]: send ?? ((url, init) => globalThis.fetch(url, init)),
        [oauth.allowInsecureRequests]: isLoopback(loginUrl),
        signal: end.signal,
      },
    );
    if (response.status === 429 || response.status >= 500) {
      throw errorOfStatus(response.status, WHAT, response.headers);
    }
    const reply = await oauth.processClientCredentialsResponse(server, client, response);
    return { token: reply.access_token, lifeMs: (reply.expires_in ?? DEFAULT_LIFE_S) * 1000 };
  } catch (error) {
    throw loginError(error, end.signal.aborted);
  } finally {
    clearTimeout(timer);
  }
}

/** Only what kind of failure it was gets out: the library's errors carry requests and replies. */
function loginError(error: unknown, timedOut: boolean): GuestTokenError {
  if (error instanceof GuestTokenError) return error;
  if (timedOut) return new GuestTokenError('timed_out', `${WHAT} took too long.`);
  if (error instanceof oauth.ResponseBodyError) {
    const { status, error: reason } = error;
    const refused = status === 401 || /^(invalid|unauthorized)_client$/.test(reason);
    return new GuestTokenError(
      refused ? 'unauthorized' : 'rejected',
      `${WHAT} refused the OAuth client.`,
      {
        status,
        hint: 'Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET, that GENESYS_ENVIRONMENT is the region of the client, and that its grant type is Client Credentials.',
      },
    );
  }
  if (error instanceof oauth.WWWAuthenticateChallengeError) {
    return new GuestTokenError('unauthorized', `${WHAT} refused the OAuth client.`, {
      status: error.status,
      hint: 'Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET.',
    });
  }
  if (error instanceof oauth.OperationProcessingError) {
    return new GuestTokenError('malformed_reply', `${WHAT} answered something else than a token.`, {
      hint: 'Check loginUrl and GENESYS_ENVIRONMENT.',
    });
  }
  return new GuestTokenError('unreachable', `${WHAT} could not be reached.`, {
    hint: 'Check GENESYS_ENVIRONMENT and the network of the server.',
  });
}

/** Plain http is for the sandbox and tests on this machine only. */
function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}
