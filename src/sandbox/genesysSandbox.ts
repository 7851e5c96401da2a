import { HttpResponse, http, type RequestHandler } from 'msw';
import { ConnectionCut } from './faults.ts';
import { createSandboxCloud, type SandboxCloud, type SandboxCloudOptions } from './sandboxCloud.ts';

export interface GenesysSandbox extends SandboxCloud {
  /** For `setupWorker` and `setupServer`: they answer everything on the sandbox's two hosts. */
  readonly handlers: readonly RequestHandler[];
}

/**
 * Genesys Cloud to test against: its login host, its visitor call, messages that demand a guest
 * token, authenticated web messaging, and faults to switch on.
 *
 * @example
 * const sandbox = genesysSandbox();
 * setupServer(...sandbox.handlers).listen();
 * sandbox.fault('visitor', { kind: 'rate-limited', seconds: 5 }, { times: 1 });
 */
export function genesysSandbox(options: SandboxCloudOptions = {}): GenesysSandbox {
  const cloud = createSandboxCloud(options);

  async function resolve({ request }: { request: Request }): Promise<Response> {
    try {
      return await cloud.fetch(request);
    } catch (error) {
      // MSW's word for a connection that broke; an abort has been reported to the caller already
      if (error instanceof ConnectionCut || request.signal.aborted) return HttpResponse.error();
      throw error;
    }
  }

  const handlers = [cloud.loginUrl, cloud.apiUrl].map((url) => http.all(`${url}/*`, resolve));
  return Object.assign(cloud, { handlers });
}
