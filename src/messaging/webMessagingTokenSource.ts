import { assertOption } from '../core/errors.ts';
import type { GuestTokenSource } from '../core/tokenSource.ts';
import { getJwt, type WebMessagingTokenSourceOptions } from './getJwt.ts';
import { readJwt } from './readJwt.ts';

/**
 * A source of the one-minute JWT with which the history and the attachments of a Web Messaging
 * conversation are read over REST. It sends `getJwt` on your open socket, ignores everything but the
 * reply, and asks only when it is asked: use it with `keepFresh="on-demand"`.
 *
 * It fails with
 * - `unreachable`: no socket was open
 * - `timed_out`: no reply came
 * - `rate_limited`, with `retryAtMs`
 * - `unauthorized`: configure the session again with a new token
 * - `forbidden`, whose `reason` is `reauthenticate`: the visitor must sign in again
 * - `rejected`, whose `reason` may be `session_expired` or `session_not_found`: configure a new session
 * - `malformed_reply`: there is no JWT, or its `exp` is not in seconds
 * - `no_progress`: the JWT is over
 *
 * @throws GuestTokenError `misconfigured` at construction, naming the option
 *
 * @example
 * const source = webMessagingTokenSource({ socket: () => messenger.socket, token: sessionId });
 */
export function webMessagingTokenSource(options: WebMessagingTokenSourceOptions): GuestTokenSource {
  const { socket, token } = options;
  assertOption('socket', typeof socket === 'function', 'must be a function');
  assertOption('token', !!token, 'must be a UUID');
  let before: Promise<unknown> = Promise.resolve();

  const source: GuestTokenSource = async ({ externalId }, { signal }) => {
    // One at a time, whoever asks.
    const reply = before.then(() => getJwt(options, signal));
    before = reply.catch(() => undefined);
    return { id: externalId, ...readJwt(await reply) };
  };
  // Part of the identity, so that no conversation gets another one's JWT. Only the end of the UUID:
  // whoever knows all of it can take the conversation over.
  return Object.assign(source, { key: `web-messaging:${token.slice(-12)}` });
}
