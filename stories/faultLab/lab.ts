import { delay, HttpResponse, http } from 'msw';
import type { SandboxFaultInput } from '../../src/sandbox/index.ts';
import { openScene, type Scene } from '../support/scene.ts';

/** What can go wrong, as the controls have it. */
export interface Faults {
  /** Seconds that a token lives. */
  lifeSeconds: number;
  /** Hours that Genesys' clock is ahead of the visitor's; negative: behind. */
  clockAheadHours: number;
  /** Ms that each answer of the broker takes. */
  latencyMs: number;
  /** How requests fail, where they do. */
  failure: keyof typeof failures;
  /** Percent of the requests that fail, evenly spread. */
  failureRate: number;
  /** Seconds that a 429 asks to wait. */
  retryAfterSeconds: number;
  /** Tokens that are no JWTs, as for some of Genesys' channels. */
  opaqueTokens: boolean;
}

export const noFaults: Faults = {
  lifeSeconds: 3_600,
  clockAheadHours: 0,
  latencyMs: 0,
  failure: 'none',
  failureRate: 100,
  retryAfterSeconds: 60,
  opaqueTokens: false,
};

/** At Genesys, behind the real broker; or the broker itself can't be reached, or isn't there. */
export const failures = {
  none: undefined,
  'server error (503)': () => 'unavailable',
  'too many requests (429)': ({ retryAfterSeconds: seconds }) => ({
    kind: 'rate-limited',
    seconds,
  }),
  'wrong client secret (401)': () => 'unauthorized',
  'missing role (403)': () => 'forbidden',
  'no answer': () => 'hang',
  'connection lost': 'lost',
  'wrong URL (404)': 'wrong-url',
  'HTML in place of JSON': () => 'html',
  'empty token': () => 'empty-token',
  'expired token': () => 'expired-token',
} satisfies Record<string, Failure>;

type Failure = undefined | 'lost' | 'wrong-url' | ((faults: Faults) => SandboxFaultInput);

export interface Lab extends Scene {
  /** Changes what goes wrong from now on. */
  set(faults: Faults): void;
}

/** A scene whose requests for tokens go wrong as they are told. */
export function openLab(): Lab {
  const scene = openScene();
  const { sandbox } = scene;
  let faults = noFaults;
  let owed = 0;

  /** How the next request fails, if it does. */
  function next(): Failure {
    owed += faults.failureRate;
    if (owed < 100) return undefined;
    owed -= 100;
    return failures[faults.failure];
  }

  const spoiled = http.post('*/api/guest-token', async () => {
    await delay(faults.latencyMs);
    const failure = next();
    if (failure === 'lost') return HttpResponse.error();
    if (failure === 'wrong-url') return new HttpResponse('Not here.', { status: 404 });
    sandbox.clear('visitor');
    if (failure) sandbox.fault('visitor', failure(faults));
    else if (faults.opaqueTokens) sandbox.fault('visitor', opaque(faults));
    // the scene's own handler answers
    return undefined;
  });
  return {
    ...scene,
    handlers: [spoiled, ...scene.handlers],
    set(changed) {
      faults = changed;
      sandbox.configure({
        tokenLifeSeconds: changed.lifeSeconds,
        clockOffsetMs: changed.clockAheadHours * 3_600_000,
      });
    },
  };
}

function opaque({ lifeSeconds }: Faults): SandboxFaultInput {
  return { kind: 'opaque-token', lifeSeconds };
}
