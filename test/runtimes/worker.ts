import { createHandler, type Upstreams } from './handler.ts';

let handler: ReturnType<typeof createHandler> | undefined;

export default {
  fetch(request: Request, env: Upstreams): Promise<Response> {
    handler ??= createHandler(env);
    return handler(request);
  },
};
