import { createHandler } from './handler.ts';

declare const Bun: {
  serve(options: { port: number; hostname: string; fetch(request: Request): Promise<Response> }): {
    readonly port: number;
  };
};

const { LOGIN_URL = '', API_URL = '', REDIRECTING_URL = '' } = process.env;

const { port } = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: createHandler({ LOGIN_URL, API_URL, REDIRECTING_URL }),
});
console.log(`listening at http://127.0.0.1:${port} `);
