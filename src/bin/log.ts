import type { Writable } from 'node:stream';
import { currentRequest } from './requestContext.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

export interface Log {
  /** Writes one line of JSON, unless its level is below the log's. Never waits and never throws. */
  write(level: LogLevel, event: string, detail?: object): void;
  /** Lines that were left out because nobody read the output fast enough. */
  readonly droppedLines: number;
  /** Writes what is pending; resolves when the reader has it, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/** What is not read waits in memory, and no more than this. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** A pipe takes this much in one piece, so that lines of several processes do not mix. */
const MAX_LINE_BYTES = 4096;

const MAX_TEXT_CHARACTERS = 512;

/**
 * Lines of JSON, each with time, level and the id of the request that it belongs to.
 *
 * @param output a reader that is slow costs lines and no memory; one that is gone costs nothing else
 */
export function createLog(lowest: LogLevel, output: Writable = process.stdout): Log {
  const shown = new Set(logLevels.slice(logLevels.indexOf(lowest)));
  let isGone = false;
  let pending = '';
  let droppedLines = 0;
  let unreported = 0;
  // without a listener an error of the output would end the process
  output.on('error', () => {
    isGone = true;
  });

  function writePending(): void {
    if (pending !== '' && !isGone) output.write(pending);
    pending = '';
  }

  /** The lines of one turn of the event loop are written together: each write costs more than a line. */
  function put(line: string): void {
    if (pending === '') setImmediate(writePending);
    pending += line;
  }

  return {
    write(level, event, detail = {}) {
      if (!shown.has(level)) return;
      if (isGone || output.writableLength + pending.length > MAX_WAITING_BYTES) {
        droppedLines++;
        unreported++;
        return;
      }
      if (unreported > 0) put(lineOf('warn', 'log-dropped', { lines: unreported }));
      unreported = 0;
      put(lineOf(level, event, detail));
    },
    get droppedLines() {
      return droppedLines;
    },
    async flush(timeoutMs) {
      writePending();
      const endsAtMs = performance.now() + timeoutMs;
      while (!isGone && output.writableLength > 0 && performance.now() < endsAtMs) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

function lineOf(level: LogLevel, event: string, detail: object): string {
  const requestId = currentRequest()?.id;
  const head = { time: new Date().toISOString(), level, ...(requestId && { requestId }), event };
  const line = JSON.stringify({ ...head, ...detail });
  // A character has four bytes at most.
  if (line.length * 4 < MAX_LINE_BYTES) return `${line}\n`;
  const shorter = JSON.stringify({ ...head, ...detail }, shorten);
  if (Buffer.byteLength(shorter) < MAX_LINE_BYTES) return `${shorter}\n`;
  return `${JSON.stringify({ ...head, isCut: true })}\n`;
}

function shorten(_key: string, value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= MAX_TEXT_CHARACTERS) return value;
  return `${value.slice(0, MAX_TEXT_CHARACTERS)}…`;
}
