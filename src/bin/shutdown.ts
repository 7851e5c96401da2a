import type { Log } from './log.ts';

export interface Shutdown {
  /** Between "not ready" and closing, so that whoever sends requests has noticed. Ctrl-C skips it. */
  readonly drainMs: number;
  /** What requests under way get. */
  readonly shutdownMs: number;
  /** Says that nothing new should be sent here. */
  readonly drain: () => void;
  /** Takes nothing new, and resolves when all is answered. */
  readonly close: () => Promise<void>;
}

/** For log lines that a slow reader has not taken yet. */
const FLUSH_MS = 500;

/** Ends the process on SIGTERM or SIGINT, with code 0 when all was answered; on a second signal at once. */
export function closeOnSignals(log: Log, { drainMs, shutdownMs, drain, close }: Shutdown): void {
  let isClosing = false;

  async function exit(code: number, event: string, detail: object): Promise<void> {
    log.write(code === 0 ? 'info' : 'error', event, detail);
    await log.flush(FLUSH_MS);
    process.exit(code);
  }

  async function onSignal(signal: NodeJS.Signals): Promise<void> {
    if (isClosing) {
      log.write('error', 'killed', { signal });
      void log.flush(0);
      process.exit(1);
    }
    isClosing = true;
    drain();
    if (signal === 'SIGTERM' && drainMs > 0) {
      log.write('info', 'draining', { signal, drainMs });
      await new Promise((resolve) => setTimeout(resolve, drainMs));
    }
    log.write('info', 'closing', { signal });
    setTimeout(() => exit(1, 'cut-off', { afterMs: shutdownMs }), shutdownMs).unref();
    await close();
    await exit(0, 'closed', {});
  }

  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
