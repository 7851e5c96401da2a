import {
  GuestTokenError,
  type GuestTokenErrorCode,
  type GuestTokenErrorDetails,
} from '../core/errors.ts';
import type { GuestTokenReply } from '../core/guestToken.ts';
import type { GuestTokenRequest, GuestTokenSource } from '../core/tokenSource.ts';
import { fakeGuestToken } from './fakeGuestToken.ts';
import { focusPage } from './fakePage.ts';
import { sleepMachine } from './fakeTime.ts';

export interface FakeTokenSourceOptions {
  /** Seconds that each token lives. Default 3600. */
  readonly lifeSeconds?: number;
  /** Ms until each answer. Default 0: at once, without a timer. */
  readonly delayMs?: number;
}

export interface FakeTokenSource extends GuestTokenSource {
  /** What was asked, oldest first. */
  readonly requests: readonly GuestTokenRequest[];
  /** What was issued, oldest first. */
  readonly tokens: readonly string[];
  /** From now on each request fails with this code, until `recover()`. */
  fail(code: GuestTokenErrorCode, details?: GuestTokenErrorDetails): void;
  /** Ends `fail()`: the next request gets a token. */
  recover(): void;
  /**
   * The token in hand expires while the machine sleeps, then the visitor comes back.
   *
   * @throws GuestTokenError `misconfigured` without fake timers
   */
  expireToken(): Promise<void>;
  /** From now on `checkToken` refuses every token that was issued so far. */
  rejectTokens(): void;
  /**
   * For the server that your test plays: a 401 where the request carries no token that is accepted.
   *
   * @example
   * http.post('*\/messages', ({ request }) => source.checkToken(request) ?? HttpResponse.json({}));
   */
  checkToken(request: Request): Response | undefined;
}

let sources = 0;

/**
 * A token source for the real `GuestTokenProvider`, which issues token after token without a network.
 * Each is a source of its own, so no test sees the token or the failures of another.
 *
 * @example
 * const source = fakeTokenSource();
 * render(<GuestTokenProvider externalId="ada" source={source}><ChatWidget /></GuestTokenProvider>);
 * source.fail('unavailable');
 * await source.expireToken();
 */
export function fakeTokenSource(options: FakeTokenSourceOptions = {}): FakeTokenSource {
  const { lifeSeconds = 3600, delayMs = 0 } = options;
  const requests: GuestTokenRequest[] = [];
  const tokens: string[] = [];
  const accepted = new Set<string>();
  let failure: GuestTokenError | undefined;

  async function source(
    request: GuestTokenRequest,
    { signal }: { signal: AbortSignal },
  ): Promise<GuestTokenReply> {
    requests.push(request);
    if (delayMs > 0) await delay(delayMs, signal);
    if (failure) throw failure;
    const jti = String(tokens.length + 1);
    const token = fakeGuestToken({ sub: request.externalId, lifeSeconds, jti });
    tokens.push(token);
    accepted.add(`Bearer ${token}`);
    return { id: `visitor-of-${request.externalId}`, token, expires_in: lifeSeconds };
  }

  return Object.assign(source, {
    key: `fake-${++sources}`,
    requests,
    tokens,
    fail(code: GuestTokenErrorCode, details?: GuestTokenErrorDetails) {
      failure = new GuestTokenError(
        code,
        'The fake token source fails, as the test wants.',
        details,
      );
    },
    recover() {
      failure = undefined;
    },
    async expireToken() {
      sleepMachine(lifeSeconds * 1_000);
      await focusPage();
    },
    rejectTokens: () => accepted.clear(),
    checkToken: ({ headers }: Request) =>
      accepted.has(headers.get('Authorization') ?? '')
        ? undefined
        : new Response(null, { status: 401 }),
  });
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
