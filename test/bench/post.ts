// A lean HTTP client: Node's own, with connections that are kept.
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface PostReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Poster {
  post(url: string, body: string, headers?: Record<string, string>): Promise<PostReply>;
  close(): void;
}

/** Posts JSON over `connections` at most. */
export function createPoster(connections: number): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return {
    post: (url, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const length = String(Buffer.byteLength(body));
        const call = request(
          url,
          {
            agent,
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'Content-Length': length, ...headers },
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => {
              text += chunk;
            });
            response.on('error', reject);
            response.on('end', () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
            );
          },
        );
        call.on('error', reject);
        call.end(body);
      }),
    close: () => agent.destroy(),
  };
}
