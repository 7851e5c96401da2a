import { toGuestTokenError } from '../core/classify.ts';
import { GuestTokenError, misconfigured } from '../core/errors.ts';
import { inTime } from './inTime.ts';
import type { IssueRequest } from './issuers/issuer.ts';
import { HttpProblem, type ProblemReason } from './problem.ts';
import type { TokenRequestBody } from './requestBody.ts';

/** Who a request comes from, as the server knows. */
export interface AuthorizedVisitor {
  readonly externalId: string;
  /** Added to those that the browser sends, and stronger than they. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** True: the browser can't know the id, so whatever it names is ignored. Default false. */
  readonly anonymous?: boolean | undefined;
  /** A cookie to set along with the answer, whether or not there is a token in it. */
  readonly setCookie?: string | undefined;
  /**
   * True: the id was made up for this request, which brought none. Such visitors count against
   * `limits.newVisitorsPerIp`, and get `setCookie` only within it. Default false.
   */
  readonly isNew?: boolean | undefined;
}

/**
 * Decides who the visitor is; null: nobody that may have a token. The request's body has been read
 * by then. What it throws is answered by 503, or by the `status` that it has, and never shown; no
 * answer within 8 s by 504.
 */
export type Authorize = (request: Request) => Promise<AuthorizedVisitor | null>;

/** Less than the 10 s that our client gives an attempt. */
const AUTHORIZE_TIMEOUT_MS = 8_000;

/**
 * Asks `authorize` who the visitor is, and checks what it yields.
 *
 * @throws HttpProblem 401 `signed_out` for null
 * @throws GuestTokenError for an `authorize` that throws, or yields something else
 */
export async function authorizeVisitor(
  authorize: Authorize,
  request: Request,
): Promise<AuthorizedVisitor> {
  let visitor: AuthorizedVisitor | null;
  try {
    // async, so that a mistake before its first await is caught as well
    const asking = (async () => authorize(request))();
    visitor = await inTime(asking, AUTHORIZE_TIMEOUT_MS, tooSlow);
  } catch (thrown) {
    throw authorizeFailed(thrown);
  }
  if (visitor === null) {
    throw new HttpProblem({
      status: 401,
      code: 'unauthorized',
      reason: 'signed_out',
      message: 'Nobody is signed in.',
      hint: 'Sign in to the site again; onUnauthorized of endpointTokenSource can do it.',
    });
  }
  if (typeof visitor?.externalId !== 'string' || visitor.externalId === '') {
    throw misconfigured('authorize', 'must yield { externalId } or null');
  }
  if (visitor.setCookie !== undefined && !/^[\x20-\x7e]+$/.test(visitor.setCookie)) {
    throw misconfigured('authorize', 'yielded a setCookie that can be no header');
  }
  return visitor;
}

function tooSlow(): GuestTokenError {
  const message = `The function authorize took over ${AUTHORIZE_TIMEOUT_MS} ms.`;
  return new GuestTokenError('timed_out', message, {
    reason: 'authorize_failed' satisfies ProblemReason,
    hint: 'Give what it waits for a time limit of its own.',
  });
}

/** A TypeError is a mistake in it more often than a network that is down, which it may say by a `status`. */
function authorizeFailed(thrown: unknown): GuestTokenError {
  const error = toGuestTokenError(thrown, 'The function authorize');
  if (error === thrown) return error;
  const { status, contextId, retryAtMs, cause } = error;
  const code = error.code === 'unreachable' ? 'unavailable' : error.code;
  return new GuestTokenError(code, 'The function authorize failed.', {
    ...{ status, contextId, retryAtMs, cause },
    reason: 'authorize_failed' satisfies ProblemReason,
  });
}

/**
 * What is to be issued: the server decides for whom.
 *
 * @throws HttpProblem 403 `other_visitor` for a body that names another visitor
 */
export function reconcile(
  { externalId, attributes, anonymous = false }: AuthorizedVisitor,
  body: Pick<TokenRequestBody, 'externalId' | 'attributes'>,
  channelId: string,
): IssueRequest {
  if (!anonymous && body.externalId !== undefined && body.externalId !== externalId) {
    throw new HttpProblem({
      status: 403,
      code: 'identity_mismatch',
      reason: 'other_visitor',
      message: 'The request names another visitor than the one who is signed in.',
      hint: 'Give the provider the externalId that authorize yields, and null after sign-out.',
    });
  }
  return {
    externalId,
    channelId,
    attributes: { ...body.attributes, ...attributes },
  };
}
