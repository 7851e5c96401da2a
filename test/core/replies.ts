// Replies that a well-behaved server would not send.

/** A token that looks like a JWT and has this text as its payload, JSON or not. */
export function jwtOf(payload: string): string {
  const part = (text: string): string => Buffer.from(text).toString('base64url');
  return [part('{"alg":"HS256","typ":"JWT"}'), part(payload), 'signature'].join('.');
}
