import { createHandler } from './handler.ts';

declare const Deno: {
  readonly env: { toObject(): Record<string, string> };
  serve(
    options: { port: number; hostname: string; onListen(address: { port: number }): void },
    handler: (request: Request) => Promise<Response>,
  ): unknown;
};

const { LOGIN_URL = '', API_URL = '', REDIRECTING_URL = '' } = Deno.env.toObject();

Deno.serve(
  {
    port: 0,
    hostname: '127.0.0.1',
    onListen: ({ port }) => console.log(`listening at http://127.0.0.1:${port} `),
  },
  createHandler({ LOGIN_URL, API_URL, REDIRECTING_URL }),
);
