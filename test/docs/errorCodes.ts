import type { GuestTokenErrorCode } from '../../src/core/index.ts';

/** Held to the type by the compiler: whoever adds a code has to add it here, and then to the docs. */
export const errorCodes: Record<GuestTokenErrorCode, true> = {
  unreachable: true,
  timed_out: true,
  rate_limited: true,
  unauthorized: true,
  forbidden: true,
  rejected: true,
  unavailable: true,
  malformed_reply: true,
  unknown_expiry: true,
  no_progress: true,
  expired: true,
  identity_mismatch: true,
  misconfigured: true,
  aborted: true,
};

export function isErrorCode(code: string): code is GuestTokenErrorCode {
  return Object.hasOwn(errorCodes, code);
}
