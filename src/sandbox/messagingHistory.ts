import type { MessagingSessions } from './messagingSessions.ts';
import { badRequest, genesysError, notAuthenticated } from './replies.ts';
import type { SandboxSettings } from './settings.ts';
import type { GuestTokens } from './tokens.ts';

/** A page of what was said in a session, newest first, as `GET /api/v2/webmessaging/messages` answers. */
export function readHistory(
  { sessions, historyTokens }: { sessions: MessagingSessions; historyTokens: GuestTokens },
  call: { headers: Headers; query: URLSearchParams; settings: SandboxSettings; nowMs: number },
): Response {
  const { headers, query, settings, nowMs } = call;
  const reader = historyTokens.check(headers.get('Authorization'), nowMs);
  if (reader instanceof Response) return reader;
  const session = sessions.find(reader.externalId);
  if (!session) return notAuthenticated('bad.credentials');
  const waitMs = settings.messagingLimits ? session.historyLimit(nowMs) : 0;
  if (waitMs > 0) return tooManyReads(Math.ceil(waitMs / 1000));
  const pageSize = Number(query.get('pageSize') ?? 25);
  const pageNumber = Number(query.get('pageNumber') ?? 1);
  if (![pageSize, pageNumber].every((given) => Number.isInteger(given) && given > 0)) {
    return badRequest('"pageSize" and "pageNumber" must be whole numbers above 0.');
  }
  const total = session.messages.length;
  const start = (pageNumber - 1) * pageSize;
  return Response.json({
    entities: session.messages.toReversed().slice(start, start + pageSize),
    pageSize,
    pageNumber,
    total,
    pageCount: Math.ceil(total / pageSize),
  });
}

function tooManyReads(seconds: number): Response {
  return genesysError(
    429,
    'too.many.requests.retry.after',
    `Rate limit exceeded the maximum. Retry the request in [${seconds}] seconds`,
    { headers: { 'Retry-After': String(seconds) } },
  );
}
