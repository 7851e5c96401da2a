import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';
import { isGuestTokenError } from '../core/errors.ts';
import { sleep } from '../core/waits.ts';

/** Probes give up after a second. */
const MAX_WAIT_MS = 800;

/** How long a login that worked, or failed, is taken for the present state. */
const LOGIN_AGE_MS = 10_000;

export interface HealthSources {
  /** Events of the broker so far, by type. */
  readonly counts: Readonly<Record<string, number>>;
  /** Logs in, or throws a GuestTokenError. */
  readonly login: () => Promise<void>;
  readonly isCircuitOpen: () => boolean;
  /** Undefined where there is no Redis. */
  readonly isRedisReady: (() => boolean) | undefined;
}

export interface Health {
  /** Whether the process runs: 200. Never asks Genesys. */
  alive(): object;
  /** Whether requests should be sent here. */
  ready(): Promise<{ readonly isReady: boolean } & object>;
  /** A login of the broker has failed: the state that is known is out of date. */
  loginFailed(): void;
  /** From now on not ready, so that nothing new is sent here. */
  drain(): void;
}

/**
 * What the health checks answer. A login that fails makes the process unready, since no visitor can
 * get a token. A Redis that is away or an open circuit is only told: tokens are still handed out.
 */
export function createHealth({
  counts,
  login,
  isCircuitOpen,
  isRedisReady,
}: HealthSources): Health {
  const startedAtMs = performance.now();
  const checkLogin = createLoginCheck(login);
  let isDraining = false;
  const redis = (): object => (isRedisReady ? { redis: isRedisReady() ? 'ok' : 'away' } : {});

  return {
    alive() {
      const upSeconds = Math.round((performance.now() - startedAtMs) / 1000);
      return { status: 'ok', upSeconds, counts, ...redis() };
    },
    async ready() {
      const loginState = isDraining ? 'not checked' : await checkLogin.state();
      const isReady = !isDraining && loginState === 'ok';
      return {
        isReady,
        status: isDraining ? 'draining' : isReady ? 'ready' : 'not ready',
        login: loginState,
        circuit: isCircuitOpen() ? 'open' : 'closed',
        ...redis(),
      };
    },
    loginFailed: checkLogin.again,
    drain() {
      isDraining = true;
    },
  };
}

interface LoginCheck {
  /** `"ok"`, `"pending"` for a login that takes its time, or the code of its failure. */
  state(): Promise<string>;
  /** Forgets the state. */
  again(): void;
}

function createLoginCheck(login: () => Promise<void>): LoginCheck {
  let state = 'pending';
  let fresh: Deadline | undefined;
  let underWay: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      await login();
      state = 'ok';
    } catch (error) {
      state = isGuestTokenError(error) ? error.code : 'unavailable';
    }
    fresh = deadlineIn(LOGIN_AGE_MS);
    underWay = undefined;
  }

  return {
    async state() {
      if (untilMs(fresh) <= 0) underWay ??= look();
      if (state === 'pending' && underWay) await within(MAX_WAIT_MS, underWay);
      return state;
    },
    again() {
      state = 'pending';
      fresh = undefined;
    },
  };
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(ms, done.signal)]);
  done.abort();
}

export type Probe = '/healthz' | '/readyz';

/** Probes come every few seconds, and name the process by its address. */
export function isProbe(path: string): path is Probe {
  return path === '/healthz' || path === '/readyz';
}

/** 200, or 503 for a process that is not ready. */
export async function answerProbe(
  { method }: Request,
  path: Probe,
  health: Health,
): Promise<Response> {
  if (method !== 'GET' && method !== 'HEAD') {
    return new Response(null, { status: 405, headers: { Allow: 'GET, HEAD' } });
  }
  const headers = { 'Cache-Control': 'no-store' };
  if (path === '/healthz') return Response.json(health.alive(), { headers });
  const { isReady, ...state } = await health.ready();
  return Response.json(state, { status: isReady ? 200 : 503, headers });
}
