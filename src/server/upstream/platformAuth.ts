import * as oauth from 'oauth4webapi';
import { errorOfStatus } from '../../core/classify.ts';
import { type Deadline, deadlineIn, untilMs } from '../../core/clock.ts';
import { GuestTokenError, isGuestTokenError } from '../../core/errors.ts';
import { unlessAborted, withTimeout } from '../../core/waits.ts';
import type { IssueContext } from '../issuers/issuer.ts';
import { redirected, sendBounded } from './callUpstream.ts';
import { timedFetch } from './timedFetch.ts';
import { isHeaderWord, isLoopback } from './upstreamOptions.ts';

export interface PlatformAuth {
  /**
   * The access token that all calls share.
   *
   * @param refused the token that Genesys has just refused, to be replaced unless it has been already
   */
  accessToken(context: IssueContext, refused?: string): Promise<string>;
}

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly loginUrl: string;
  readonly fetch: typeof fetch | undefined;
}

const WHAT = "Genesys' login";

/** A login alone may not take longer; the broker gives the whole call some more. */
const LOGIN_TIMEOUT_MS = 8_000;

const never = new AbortController().signal;

/** Renewed this long before its end; a fifth of its life where that is less. */
const MARGIN_MS = 60_000;

/** What Genesys issues where the reply does not say: its default of a day. */
const DEFAULT_LIFE_S = 86_400;

/** How long a login that was refused is not tried again; doubled each time. */
const REFUSED_PAUSE_MS = 5_000;
const MAX_REFUSED_PAUSE_MS = 300_000;

interface RefusedLogin {
  readonly error: GuestTokenError;
  readonly pauseMs: number;
  readonly ends: Deadline;
}

/** OAuth client credentials: one access token, asked for by one request however many wait for it. */
export function createPlatformAuth(credentials: ClientCredentials): PlatformAuth {
  let current: { readonly token: string; readonly fresh: Deadline } | undefined;
  let refused: RefusedLogin | undefined;
  const login = shared(async ({ turn, onCall }) => {
    await turn?.();
    const send = timedFetch(credentials.fetch, 'login', onCall);
    const { token, lifeMs } = await requestAccessToken({ ...credentials, fetch: send }).catch(
      (error: unknown) => {
        refused = afterRefusal(error, refused);
        throw error;
      },
    );
    refused = undefined;
    const freshMs = lifeMs - Math.min(MARGIN_MS, lifeMs / 5);
    current = { token, fresh: deadlineIn(freshMs) };
    return token;
  });

  return {
    async accessToken(context, refusedToken) {
      // Nobody else should try with it, and a readiness check should notice.
      if (current?.token === refusedToken) current = undefined;
      if (current && untilMs(current.fresh) > 0) return current.token;
      if (refused && untilMs(refused.ends) > 0) throw refused.error;
      return login(context);
    },
  };
}

/** A secret that is wrong stays wrong for a while; any other failure is worth the next try. */
function afterRefusal(error: unknown, before: RefusedLogin | undefined): RefusedLogin | undefined {
  if (!isGuestTokenError(error) || !/^(unauthorized|rejected)$/.test(error.code)) return undefined;
  const pauseMs = before ? Math.min(before.pauseMs * 2, MAX_REFUSED_PAUSE_MS) : REFUSED_PAUSE_MS;
  return { error, pauseMs, ends: deadlineIn(pauseMs) };
}

/** Work that is under way once at a time, for all who ask meanwhile; each of them may give up alone. */
function shared<Result>(
  work: (context: IssueContext) => Promise<Result>,
): (context: IssueContext) => Promise<Result> {
  let flight: Promise<Result> | undefined;
  return (context) =>
    unlessAborted(context.signal, () => {
      flight ??= work(context).finally(() => {
        flight = undefined;
      });
      return flight;
    });
}

/**
 * Yields an access token. Called for each token that is issued, so keep what you have; `refused`:
 * Genesys has just refused that one, so get another.
 */
export type YourAccessToken = (context: { readonly refused: boolean }) => string | Promise<string>;

/** A function of yours in the OAuth client's place; of many that are refused one asks for another. */
export function createSharedAccess(yours: YourAccessToken): PlatformAuth {
  // Bounded, or else one that hangs would be shared by everybody who comes later.
  const renew = shared(() => withTimeout(LOGIN_TIMEOUT_MS, never, 'accessToken', () => ask(true)));

  async function ask(refused: boolean): Promise<string> {
    const token = await yours({ refused });
    if (isHeaderWord(token)) return token;
    throw new GuestTokenError('unauthorized', 'The function accessToken yielded no token.', {
      hint: 'Have accessToken yield a string.',
    });
  }

  return {
    async accessToken(context, refused) {
      const token = await ask(false);
      // another request may have had it replaced meanwhile
      return token === refused ? renew(context) : token;
    },
  };
}

function requestAccessToken({
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

  /** The library would read a reply of any length. */
  async function sendLogin(url: string, init: RequestInit): Promise<Response> {
    const { status, headers, isRedirect, text } = await sendBounded(send, url, init);
    if (isRedirect) throw redirected(WHAT);
    if (text === undefined) throw malformed();
    return new Response(text || null, { status, headers });
  }

  async function login(signal: AbortSignal): Promise<{ token: string; lifeMs: number }> {
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      basic,
      {},
      {
        [oauth.customFetch]: sendLogin,
        [oauth.allowInsecureRequests]: isLoopback(new URL(loginUrl)),
        signal,
      },
    );
    if (response.status === 429 || response.status >= 500) {
      throw errorOfStatus(response.status, WHAT, response.headers);
    }
    const reply = await oauth.processClientCredentialsResponse(server, client, response);
    if (!isHeaderWord(reply.access_token)) throw malformed();
    return { token: reply.access_token, lifeMs: (reply.expires_in ?? DEFAULT_LIFE_S) * 1000 };
  }

  // Also where a fetch does not heed its signal: everybody's later login would wait for this one.
  return withTimeout(LOGIN_TIMEOUT_MS, never, WHAT, login).catch((error: unknown) => {
    throw loginError(error);
  });
}

function malformed(): GuestTokenError {
  return new GuestTokenError('malformed_reply', `${WHAT} answered something else than a token.`, {
    hint: 'Check loginUrl and GENESYS_ENVIRONMENT.',
  });
}

/** Only what kind of failure it was gets out: the library's errors carry requests and replies. */
function loginError(error: unknown): GuestTokenError {
  if (error instanceof GuestTokenError) return error;
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
  const isReplyOfAnotherKind =
    error instanceof oauth.OperationProcessingError ||
    error instanceof oauth.UnsupportedOperationError;
  if (isReplyOfAnotherKind) return malformed();
  return new GuestTokenError('unreachable', `${WHAT} could not be reached.`, {
    hint: 'Check GENESYS_ENVIRONMENT and the network of the server.',
  });
}
