// Time limits and signals: who ends a wait, and that nothing stays behind.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sleep, unlessAborted, withTimeout } from '../../src/core/waits.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A signal that counts its listeners. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  vi.spyOn(signal, 'addEventListener').mockImplementation(
    (type: string, listener: EventListenerOrEventListenerObject, options?: unknown) => {
      listeners.add(listener);
      if (Object(options).once) add(type, () => listeners.delete(listener), { once: true });
      add(type, listener, Object(options));
    },
  );
  vi.spyOn(signal, 'removeEventListener').mockImplementation(
    (type: string, listener: EventListenerOrEventListenerObject) => {
      if (type === 'abort') listeners.delete(listener);
      remove(type, listener);
    },
  );
  return { controller, signal, listeners };
}

const forever = (): Promise<never> => new Promise(() => undefined);

/** The result of a promise, or its failure. */
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => error);

describe('unlessAborted', () => {
  test('leaves no listener on the signal after a result', async () => {
    const { signal, listeners } = countedSignal();
    expect(await unlessAborted(signal, async () => 'done')).toBe('done');
    await vi.advanceTimersByTimeAsync(0);
    expect(listeners.size).toBe(0);
  });
});

describe('withTimeout', () => {
  test('leaves no listener on the signal and no timer after a result', async () => {
    const { signal, listeners } = countedSignal();
    expect(await withTimeout(1_000, signal, 'It', async () => 'done')).toBe('done');
    expect([listeners.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('leaves no listener on the signal and no timer after a failure', async () => {
    const { signal, listeners } = countedSignal();
    const failing = withTimeout(1_000, signal, 'It', () => {
      throw new Error('broken');
    });
    expect(await outcomeOf(failing)).toEqual(new Error('broken'));
    expect([listeners.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('leaves no listener on the signal after a time-out, though the work never ends', async () => {
    const { signal, listeners } = countedSignal();
    const outcome = outcomeOf(withTimeout(1_000, signal, 'It', forever));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toMatchObject({ code: 'timed_out' });
    expect(listeners.size).toBe(0);
  });

  test('leaves no listener on the signal and no timer after an abort, though the work never ends', async () => {
    const { controller, signal, listeners } = countedSignal();
    const outcome = outcomeOf(withTimeout(1_000, signal, 'It', forever));
    controller.abort('left');
    expect(await outcome).toBe('left');
    expect([listeners.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('passes the abort and its reason on to the work', async () => {
    const { controller, signal } = countedSignal();
    const reasons: unknown[] = [];
    const work = (limited: AbortSignal): Promise<never> => {
      limited.addEventListener('abort', () => reasons.push(limited.reason));
      return forever();
    };
    const outcome = outcomeOf(withTimeout(1_000, signal, 'It', work));
    controller.abort('left');
    await outcome;
    expect(reasons).toEqual(['left']);
  });

  test('does not begin with a signal that has aborted', async () => {
    const work = vi.fn(forever);
    const outcome = outcomeOf(withTimeout(1_000, AbortSignal.abort('left'), 'It', work));
    expect(await outcome).toBe('left');
    expect(work).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('unlessAborted', () => {
  test('leaves no listener behind after an abort, though the work never ends', async () => {
    const { controller, signal, listeners } = countedSignal();
    const outcome = outcomeOf(unlessAborted(signal, forever));
    controller.abort('left');
    expect(await outcome).toBe('left');
    expect(listeners.size).toBe(0);
  });
});

describe('sleep', () => {
  test('ends early with its signal and leaves neither timer nor listener', async () => {
    const { controller, signal, listeners } = countedSignal();
    const asleep = sleep(10_000, signal);
    controller.abort();
    await asleep;
    expect([listeners.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('needs no signal', async () => {
    let awake = false;
    sleep(1_000).then(() => {
      awake = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(awake).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(awake).toBe(true);
  });
});
