import type { SandboxOperation } from './faults.ts';

/** One request, or one frame on a socket, that reached the sandbox. */
export interface SandboxRequest {
  readonly operation: SandboxOperation;
  /** The HTTP method; `"SOCKET"` for a frame. */
  readonly method: string;
  readonly path: string;
  /** Epoch ms, on the sandbox's clock. */
  readonly atMs: number;
  readonly headers: Headers;
  /** The parsed JSON or form; undefined where there was none. */
  readonly body: unknown;
  /** The status, or the frame's code, of the answer; undefined before there is one, and for a cut connection. */
  readonly status: number | undefined;
}

export interface RequestLog {
  /** @returns sets the status, once there is an answer */
  add(request: Omit<SandboxRequest, 'status'>): (status: number) => void;
  count(operation?: SandboxOperation): number;
  clear(): void;
  /** The latest 1,000, oldest first. */
  readonly requests: readonly SandboxRequest[];
}

const LOG_LENGTH = 1000;

export function createRequestLog(): RequestLog {
  const counts = new Map<SandboxOperation, number>();
  let requests: SandboxRequest[] = [];
  return {
    add(request) {
      const entry: SandboxRequest & { status: number | undefined } = {
        ...request,
        status: undefined,
      };
      requests.push(entry);
      if (requests.length > LOG_LENGTH) requests.shift();
      counts.set(request.operation, (counts.get(request.operation) ?? 0) + 1);
      return (status) => {
        entry.status = status;
      };
    },
    count(operation) {
      if (operation) return counts.get(operation) ?? 0;
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    },
    clear() {
      counts.clear();
      requests = [];
    },
    get requests() {
      return requests;
    },
  };
}
