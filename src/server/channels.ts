import { misconfigured } from '../core/errors.ts';
import { HttpProblem } from './problem.ts';

/**
 * Chooses the channel of a request.
 *
 * @throws HttpProblem 400 `channel_not_allowed`
 */
export type ChooseChannel = (named: string | undefined) => string;

/**
 * @param allowed undefined: any
 * @param fallback for requests that name none
 *
 * @throws GuestTokenError `misconfigured`
 */
export function createChannelChoice(
  allowed: readonly string[] | undefined,
  fallback: string,
): ChooseChannel {
  if (allowed === undefined) return (named = fallback) => named;
  if (!Array.isArray(allowed) || !allowed.includes(fallback)) {
    throw misconfigured(
      'allowedChannels',
      `must be a list that holds the issuer's channel, "${fallback}"`,
    );
  }
  const channels = new Set(allowed);
  return (named = fallback) => {
    if (channels.has(named)) return named;
    throw new HttpProblem({
      status: 400,
      code: 'rejected',
      reason: 'channel_not_allowed',
      message: 'The request names a channel that is not allowed.',
      hint: 'Correct channelId, or add the channel to allowedChannels of the broker.',
    });
  };
}
