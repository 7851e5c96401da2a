import type { SandboxFault } from './faults.ts';

/** An error as Genesys' API answers it; every field is optional there, and all are sent here. */
export function genesysError(
  status: number,
  code: string,
  message: string,
  extra: { headers?: Record<string, string>; body?: Record<string, unknown> } = {},
): Response {
  const contextId = randomId();
  return Response.json(
    {
      message,
      code,
      status,
      contextId,
      messageWithParams: message,
      messageParams: {},
      details: [],
      errors: [],
      ...extra.body,
    },
    { status, headers: { 'ININ-Correlation-Id': contextId, ...extra.headers } },
  );
}

/** An error as the login host answers it: OAuth's shape (RFC 6749, 5.2), with Genesys' `description`. */
export function oauthError(status: number, error: string, description: string): Response {
  const headers = status === 401 ? { 'WWW-Authenticate': 'Basic realm="login"' } : {};
  return Response.json(
    { error, description, error_description: description },
    { status, headers: { 'ININ-Correlation-Id': randomId(), ...headers } },
  );
}

export function notAuthenticated(code: string): Response {
  const messages: Record<string, string> = {
    'authentication.required': 'No authentication bearer token specified in authorization header.',
    'bad.credentials': 'Invalid login credentials.',
    'credentials.expired': 'The supplied credentials are expired.',
  };
  return genesysError(401, code, messages[code] ?? 'Not authorized.');
}

export function badRequest(message: string): Response {
  return genesysError(400, 'bad.request', message);
}

/** Genesys' own wording, with the seconds in brackets. */
export function tooManyRequests(
  fault: Extract<SandboxFault, { kind: 'rate-limited' }>,
  serverNowMs: number,
): Response {
  const { seconds = 2, retryAfter = 'seconds' } = fault;
  const headerOf = {
    seconds: String(seconds),
    'http-date': new Date(serverNowMs + seconds * 1000).toUTCString(),
    junk: 'soon, honestly',
    body: undefined,
    none: undefined,
  };
  const header = headerOf[retryAfter];
  const said = retryAfter === 'seconds' || retryAfter === 'body';
  return genesysError(
    429,
    said ? 'too.many.requests.retry.after' : 'too.many.requests',
    said
      ? `Rate limit exceeded the maximum. Retry the request in [${seconds}] seconds`
      : 'Rate limit exceeded the maximum.',
    {
      headers: header === undefined ? {} : { 'Retry-After': header },
      body: retryAfter === 'body' ? { retryAfter: seconds } : {},
    },
  );
}

export function htmlPage(status: number): Response {
  return new Response('<!doctype html><title>Welcome</title><h1>Please accept our terms</h1>', {
    status,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
  });
}

/** 32 random hex digits in a UUID's form; `crypto.randomUUID` is missing on plain-http pages. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
