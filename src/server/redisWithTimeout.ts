import { type Deadline, deadlineIn, untilMs } from '../core/clock.ts';

/** How long a command may take. */
const TIMEOUT_MS = 250;

/** The time is counted in turns of the event loop, so that a busy process does not take Redis for slow. */
const TURN_MS = 25;

/** How long Redis is left alone after a failure, so that an outage slows down few requests. */
const PAUSE_MS = 1_000;

/** Thrown without asking Redis, which failed a moment ago. */
export class RedisUnavailable extends Error {
  constructor() {
    super('Redis failed a moment ago.');
  }
}

/** Runs a command of a client of the package `redis`. */
export type AskRedis = <Result>(command: () => Promise<Result>) => Promise<Result>;

interface Command {
  turns: number;
  timeOut(): void;
}

/**
 * Runs commands of a Redis client with a time-out of 250 ms.
 *
 * @throws RedisUnavailable, or the failure itself: once for each outage and second
 */
export function redisWithTimeout(client: object): AskRedis {
  const pending = new Set<Command>();
  let isTicking = false;
  let pauseEnds: Deadline | undefined;
  const isPaused = (): boolean => pauseEnds !== undefined && untilMs(pauseEnds) > 0;

  // One timer for all: a timer for each command would cost more than the command.
  function tick(): void {
    for (const command of pending) {
      command.turns++;
      if (command.turns > TIMEOUT_MS / TURN_MS) command.timeOut();
    }
    isTicking = pending.size > 0;
    if (isTicking) setTimeout(tick, TURN_MS);
  }

  function failed(error: unknown): unknown {
    // One key that holds something else says nothing about Redis.
    if (isWrongType(error)) return error;
    if (isPaused()) return new RedisUnavailable();
    pauseEnds = deadlineIn(PAUSE_MS);
    return error;
  }

  return (run) =>
    new Promise((resolve, reject) => {
      if (isPaused()) return reject(new RedisUnavailable());
      // Without a connection the client would keep the command for later.
      if ('isReady' in client && client.isReady === false) {
        return reject(failed(new Error('Redis is not connected.')));
      }
      const command: Command = {
        turns: 0,
        timeOut() {
          pending.delete(command);
          reject(failed(new Error(`Redis did not answer in ${TIMEOUT_MS} ms.`)));
        },
      };
      pending.add(command);
      if (!isTicking) setTimeout(tick, TURN_MS);
      isTicking = true;
      Promise.resolve()
        .then(run)
        .then(
          (result) => {
            pending.delete(command);
            resolve(result);
          },
          (error) => {
            // after a time-out nobody listens any more
            if (pending.delete(command)) reject(failed(error));
          },
        );
    });
}

function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE');
}
