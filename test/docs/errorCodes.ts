import type { GuestTokenErrorCode } from '../../src/core/index.ts';
import type { ProblemReason } from '../../src/server/problem.ts';

// Held to the types by the compiler: whoever adds a code or a reason has to add it here, and then a page.

export const errorCodes = namesOf<GuestTokenErrorCode>({
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
});

export const reasons = namesOf<ProblemReason>({
  address_limit: true,
  authorize_failed: true,
  body_already_read: true,
  body_incomplete: true,
  body_too_long: true,
  body_too_slow: true,
  channel_not_allowed: true,
  circuit_open: true,
  foreign_origin: true,
  invalid_field: true,
  new_visitors_limit: true,
  not_json: true,
  other_visitor: true,
  pool_unavailable: true,
  reauthenticate: true,
  redirected: true,
  signed_out: true,
  upstream_limit: true,
  visitor_limit: true,
  wrong_method: true,
  wrong_visitor: true,
});

function namesOf<Name extends string>(names: Record<Name, true>): Name[] {
  return Object.keys(names) as Name[];
}
