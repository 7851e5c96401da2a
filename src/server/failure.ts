import { toGuestTokenError } from '../core/classify.ts';
import { GuestTokenError, isGuestTokenError } from '../core/errors.ts';
import type { BrokerEvent } from './events.ts';
import { nameOfError, reasonOf, statusOf } from './problem.ts';

/** The error that a request is answered with, whatever was thrown. */
export function toAnswerable(thrown: unknown): GuestTokenError {
  const error = toGuestTokenError(thrown, 'The broker');
  // Our client takes `aborted` for its own doing; here somebody else's call was given up.
  return error.code === 'aborted'
    ? new GuestTokenError('unavailable', 'A call of the broker was given up.')
    : error;
}

export function failedEvent(
  request: Request,
  error: GuestTokenError,
  thrown: unknown,
): BrokerEvent {
  const { code, contextId } = error;
  const reason = reasonOf(error);
  return {
    type: 'failed',
    code,
    status: statusOf(error),
    reason,
    origin: reason === 'foreign_origin' ? originOf(request) : undefined,
    contextId,
    thrown: nameOf(thrown),
  };
}

/** As the browser names it, where it is a URL at all: anything else is noise in a log. */
function originOf({ headers }: Request): string | undefined {
  const origin = headers.get('Origin') ?? '';
  return URL.canParse(origin) ? new URL(origin).origin : undefined;
}

/** The cause of an error that is ours, and only its name: its message may hold anything. */
function nameOf(thrown: unknown): string | undefined {
  return nameOfError(isGuestTokenError(thrown) ? thrown.cause : thrown);
}
