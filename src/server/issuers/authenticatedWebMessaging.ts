import { GuestTokenError } from '../../core/errors.ts';
import { asRecord } from '../../core/json.ts';
import type { ProblemReason } from '../problem.ts';
import { callUpstream, okBody, type UpstreamReply } from '../upstream/callUpstream.ts';
import { timedFetch } from '../upstream/timedFetch.ts';
import { baseUrl, required, scopeOf } from '../upstream/upstreamOptions.ts';
import type { GuestTokenIssuer, IssueContext, IssuedToken, IssueRequest } from './issuer.ts';

/** What your identity provider gave for one sign-in; a code works once. */
export interface SignInGrant {
  /** Of the authorization code flow. */
  readonly code?: string | undefined;
  /** Of the implicit flow, in place of a code. */
  readonly idToken?: string | undefined;
  readonly redirectUri: string;
  /** PKCE (RFC 7636): what the code was asked for with. */
  readonly codeVerifier?: string | undefined;
  readonly nonce?: string | undefined;
  readonly maxAge?: number | undefined;
  readonly iss?: string | undefined;
}

export interface AuthenticatedWebMessagingOptions {
  /** The Web Messaging deployment, with authentication configured. */
  deploymentId: string;
  /** The region's domain. Default `mypurecloud.com`. */
  environment?: string | undefined;
  /** Default `https://api.{environment}`. */
  apiUrl?: string | undefined;
  /** The visitor's latest sign-in; null: there is none that has not been used. */
  grant: (request: IssueRequest) => SignInGrant | null | Promise<SignInGrant | null>;
  /** Seconds of life of a refresh token. Default 86,400 (Genesys'). */
  refreshLifeSeconds?: number | undefined;
  /** Default: the global one, looked up at each call. */
  fetch?: typeof fetch | undefined;
}

const PATH = '/api/v2/webdeployments/token';

const names = {
  exchange: "Genesys' code exchange",
  refresh: "Genesys' token refresh",
  revoke: "Genesys' token revocation",
};

/**
 * Tokens of authenticated Web Messaging, the flow that Genesys documents today: a one-time code is
 * exchanged for a JWT of 15 minutes and a refresh token, which stays in the broker's pool.
 *
 * When the refresh token is over, the visitor must sign in again: `unauthorized`, whose hint says so.
 * A network failure keeps it.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function authenticatedWebMessaging(
  options: AuthenticatedWebMessagingOptions,
): GuestTokenIssuer {
  const { environment = 'mypurecloud.com', grant } = options;
  const deploymentId = required('deploymentId', options.deploymentId);
  const apiUrl = baseUrl('apiUrl', options.apiUrl, 'api', environment);

  function call(
    operation: keyof typeof names,
    path: string,
    { signal, onCall }: IssueContext,
    init: { method?: string; body?: unknown; token?: string },
  ): Promise<UpstreamReply> {
    const send = timedFetch(options.fetch, operation, onCall);
    return callUpstream(send, names[operation], apiUrl + PATH + path, {
      method: init.method ?? 'POST',
      headers: {
        Accept: 'application/json',
        ...(init.body !== undefined && { 'Content-Type': 'application/json' }),
        ...(init.token !== undefined && { Authorization: `Bearer ${init.token}` }),
      },
      ...(init.body !== undefined && { body: JSON.stringify(init.body) }),
      signal,
    });
  }

  return {
    scope: scopeOf(apiUrl, PATH, deploymentId),
    ignoresAttributes: true,
    async issue(request, context) {
      const what = names.exchange;
      const oauth = await grant(request);
      if (oauth === null) throw signInAgain('There is no unused sign-in of this visitor.');
      const answer = await call('exchange', '/oauthcodegrantjwtexchange', context, {
        body: { deploymentId, oauth },
      });
      if (isRefused(answer)) throw signInAgain(`${what} refused the sign-in.`, answer.status);
      const { jwt, refreshToken } = asRecord(okBody(answer, what));
      return {
        ...asReply(request.externalId, jwt, what),
        ...(typeof refreshToken === 'string' && {
          refresh_token: refreshToken,
          refresh_expires_in: options.refreshLifeSeconds,
        }),
      };
    },
    async refresh(previous, context) {
      const what = names.refresh;
      const answer = await call('refresh', '/refresh', context, {
        body: { deploymentId, refreshToken: previous.refresh_token },
      });
      if (isRefused(answer)) throw signInAgain(`${what} refused the refresh token.`, answer.status);
      const { jwt } = asRecord(okBody(answer, what));
      // The reply has no new refresh token: the old one goes on.
      return { ...previous, expires_in: undefined, ...asReply(previous.id, jwt, what) };
    },
    async revoke(previous, context) {
      const answer = await call('revoke', '/revoke', context, {
        method: 'DELETE',
        token: previous.token,
      });
      // A token that is over is as good as revoked.
      if (answer.status !== 401 && answer.status !== 404 && answer.status >= 300) {
        okBody(answer, names.revoke);
      }
    },
  };
}

function isRefused({ status }: UpstreamReply): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Genesys answers nothing else; the visitor goes by the id that your sign-in gave them. */
function asReply(id: string, jwt: unknown, what: string): IssuedToken {
  if (typeof jwt !== 'string' || jwt === '') {
    throw new GuestTokenError('malformed_reply', `${what} answered without a jwt.`, {
      hint: 'Check the deployment and its region.',
    });
  }
  return { id, token: jwt };
}

function signInAgain(message: string, status?: number): GuestTokenError {
  return new GuestTokenError('unauthorized', message, {
    status,
    reason: 'reauthenticate' satisfies ProblemReason,
    hint: 'reauthenticate: the visitor must sign in again, for a new code. If that never helps, check deploymentId and redirectUri.',
  });
}
