import * as React from 'react';
import { GuestTokenError } from '../core/errors.ts';

/** What Vitest's, Jest's and Sinon's fake timers have in common, since all are made of the last. */
interface FakeClock {
  setSystemTime(epochMs: number): void;
  tickAsync(ms: number): Promise<unknown>;
}

/** The clock behind the fake timers that are installed. */
function installedClock(): FakeClock | undefined {
  const { clock } = Date as { clock?: FakeClock };
  return clock;
}

function fakeClock(caller: string): FakeClock {
  const clock = installedClock();
  if (clock) return clock;
  throw new GuestTokenError('misconfigured', `${caller}() needs fake timers, also of Date.`, {
    hint: 'Call vi.useFakeTimers() or jest.useFakeTimers() first.',
  });
}

/**
 * Lets fake time pass. Timers run when they are due, and React renders what follows.
 *
 * @throws GuestTokenError `misconfigured` without fake timers
 */
export async function passTime(ms: number): Promise<void> {
  const clock = fakeClock('passTime');
  await inAct(() => clock.tickAsync(ms));
}

/**
 * The machine sleeps: the wall clock goes on, but no timer runs and `performance.now()` stands still.
 * The page notices on its next event, such as `focusPage()`, or 30 s later at most.
 *
 * @throws GuestTokenError `misconfigured` without fake timers
 */
export function sleepMachine(ms: number): void {
  fakeClock('sleepMachine').setSystemTime(Date.now() + ms);
}

/** Does something, and waits until what follows from it at once is done and rendered. */
export async function settle(work: () => void): Promise<void> {
  await inAct(async () => {
    work();
    const clock = installedClock();
    if (clock) await clock.tickAsync(0);
    else await new Promise((resolve) => setTimeout(resolve));
  });
}

/** In React's `act`, so that everything is rendered afterwards, as Testing Library does it. */
async function inAct(work: () => Promise<unknown>): Promise<void> {
  // Neither React before 18.3 nor a production build has it.
  const { act } = React as Partial<typeof React>;
  if (!act) {
    await work();
    return;
  }
  const environment = globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean | undefined };
  const { IS_REACT_ACT_ENVIRONMENT: before } = environment;
  environment.IS_REACT_ACT_ENVIRONMENT = true;
  try {
    await act(async () => {
      await work();
    });
  } finally {
    environment.IS_REACT_ACT_ENVIRONMENT = before;
  }
}
