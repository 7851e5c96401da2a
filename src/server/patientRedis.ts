import { misconfigured } from '../core/errors.ts';

/** A Redis that does not answer in this time is not waited for. */
const PATIENCE_MS = 250;

/** The time is counted in turns of the event loop: a process that is busy for long must not take Redis for slow. */
const TURN_MS = 25;

/** After a failure Redis is left alone for so long, so that an outage costs no request much. */
const REST_MS = 1_000;

/** Thrown without asking Redis, which has failed a moment ago. */
export class RedisRests extends Error {
  constructor() {
    super('Redis has failed a moment ago.');
  }
}

/** Runs a command of a client of the package `redis`. */
export type AskRedis = <Result>(command: () => Promise<Result>) => Promise<Result>;

interface Asked {
  turns: number;
  giveUp(): void;
}

/**
 * Asks Redis, and gives up early.
 *
 * @throws RedisRests, or the failure itself: one for each time that Redis fails
 */
export function patientRedis(client: object): AskRedis {
  const waiting = new Set<Asked>();
  let turning = false;
  let restsUntilMs = 0;

  // One timer for all: a timer for each command would cost more than the command.
  function turn(): void {
    for (const asked of waiting) {
      asked.turns++;
      if (asked.turns > PATIENCE_MS / TURN_MS) asked.giveUp();
    }
    turning = waiting.size > 0;
    if (turning) setTimeout(turn, TURN_MS);
  }

  function failed(error: unknown): unknown {
    if (restsUntilMs > Date.now()) return new RedisRests();
    restsUntilMs = Date.now() + REST_MS;
    return error;
  }

  return (command) =>
    new Promise((resolve, reject) => {
      if (restsUntilMs > Date.now()) return reject(new RedisRests());
      // Without a connection the client would keep the command for later.
      if ('isReady' in client && client.isReady === false) {
        return reject(failed(new Error('Redis is not connected.')));
      }
      const asked: Asked = {
        turns: 0,
        giveUp() {
          waiting.delete(asked);
          reject(failed(new Error(`Redis did not answer in ${PATIENCE_MS} ms.`)));
        },
      };
      waiting.add(asked);
      if (!turning) setTimeout(turn, TURN_MS);
      turning = true;
      Promise.resolve()
        .then(command)
        .then(
          (result) => {
            waiting.delete(asked);
            resolve(result);
          },
          (error) => {
            // when given up before, nobody hears it any more
            if (waiting.delete(asked)) reject(failed(error));
          },
        );
    });
}

/**
 * The client that the limiter's library gets, which would wait for ever itself. It runs scripts and
 * needs nothing else.
 *
 * @param option its name, for the error
 *
 * @throws GuestTokenError `misconfigured`
 */
export function patientScripts(client: object, option: string): object {
  if (!('eval' in client) || typeof client.eval !== 'function') {
    throw misconfigured(option, 'must be a client of the package redis');
  }
  const ask = patientRedis(client);
  const run = client.eval.bind(client);
  return { eval: (...args: unknown[]) => ask(() => run(...args)) };
}
