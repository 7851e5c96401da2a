import { isGuestTokenError, misconfigured } from '../../core/errors.ts';
import { asReply, type GuestTokenReply } from '../../core/guestToken.ts';
import { asRecord } from '../../core/json.ts';
import { callUpstream, okBody, type UpstreamReply } from '../upstream/callUpstream.ts';
import {
  createPlatformAuth,
  createSharedAccess,
  type YourAccessToken,
} from '../upstream/platformAuth.ts';
import { timedFetch } from '../upstream/timedFetch.ts';
import { baseUrl, required, scopeOf } from '../upstream/upstreamOptions.ts';
import type { GuestTokenIssuer, IssueContext, IssueRequest } from './issuer.ts';

export interface WebchatVisitorsOptions {
  /**
   * The OAuth client, with the grant type Client Credentials. With `accessToken` it is optional, and
   * tells organisations apart that share a pool.
   */
  clientId?: string | undefined;
  /** Not needed with `accessToken`. */
  clientSecret?: string | undefined;
  /** The region's domain, e.g. `mypurecloud.ie`. Default `mypurecloud.com`. */
  environment?: string | undefined;
  /** For requests that name none. Default `webchat-default` (the reference's). */
  channelId?: string | undefined;
  /** Default `https://api.{environment}`. */
  apiUrl?: string | undefined;
  /** Default `https://login.{environment}`. */
  loginUrl?: string | undefined;
  /** Default `/api/v2/webchat/visitors`. */
  path?: string | undefined;
  /** What is posted. Default `{ channelId, externalId, attributes }`. */
  toBody?: ((request: IssueRequest) => unknown) | undefined;
  /** Reads what Genesys answers. Default: as it is. */
  fromReply?: ((reply: unknown) => GuestTokenReply) | undefined;
  /** Yields an access token in place of the OAuth client, e.g. from Genesys' own SDK. */
  accessToken?: YourAccessToken | undefined;
  /** Default: the global one, looked up at each call. */
  fetch?: typeof fetch | undefined;
}

const WHAT = "Genesys' visitor call";

/** 401s that a new access token helps against; of the others none does (`ip.not.authorized`). */
const staleAccess = new Set(['authentication.required', 'bad.credentials', 'credentials.expired']);

/**
 * Guest tokens by `POST /api/v2/webchat/visitors`.
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 */
export function webchatVisitors(options: WebchatVisitorsOptions): GuestTokenIssuer {
  const { environment = 'mypurecloud.com', path = '/api/v2/webchat/visitors' } = options;
  const apiUrl = baseUrl('apiUrl', options.apiUrl, 'api', environment);
  const accessToken = accessTokens(options, environment);

  async function post(
    body: unknown,
    token: string,
    { signal, turn, onCall }: IssueContext,
  ): Promise<UpstreamReply> {
    await turn?.();
    const send = timedFetch(options.fetch, 'visitor', onCall);
    return callUpstream(send, WHAT, apiUrl + path, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        Accept: 'application/json',
      },
      body: JSON.stringify(body),
      signal,
    });
  }

  return {
    scope: scopeOf(apiUrl, path, options.clientId ?? ''),
    channelId: options.channelId,
    async ready(context: IssueContext) {
      await accessToken(context);
    },
    async issue(request: IssueRequest, context: IssueContext) {
      const { channelId, externalId, attributes } = request;
      const body = yours('toBody', () => options.toBody?.(request)) ?? {
        channelId,
        externalId,
        attributes,
      };
      const token = await accessToken(context);
      let answer = await post(body, token, context);
      if (answer.status === 401 && staleAccess.has(String(asRecord(answer.body).code))) {
        answer = await post(body, await accessToken(context, token), context);
      }
      const reply = okBody(answer, WHAT);
      const { fromReply } = options;
      return asReply(fromReply ? yours('fromReply', () => fromReply(reply)) : reply, WHAT);
    },
  };
}

/** Runs a function of yours: a mistake in it is no failure of Genesys. */
function yours<Result>(option: string, run: () => Result): Result {
  try {
    return run();
  } catch (thrown) {
    if (isGuestTokenError(thrown)) throw thrown;
    throw misconfigured(option, 'has failed');
  }
}

function accessTokens(
  { accessToken: ownAccess, clientId, clientSecret, loginUrl, fetch: send }: WebchatVisitorsOptions,
  environment: string,
): (context: IssueContext, refused?: string) => Promise<string> {
  if (ownAccess) return createSharedAccess(ownAccess).accessToken;
  const auth = createPlatformAuth({
    clientId: required('clientId', clientId),
    clientSecret: required('clientSecret', clientSecret),
    loginUrl: baseUrl('loginUrl', loginUrl, 'login', environment),
    fetch: send,
  });
  return auth.accessToken;
}
