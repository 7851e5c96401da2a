// server.ts
import fastify from 'fastify';
import { NodeRequest, sendNodeResponse } from 'srvx/node';
import { broker } from './broker.ts';

export const app = fastify();

app.register(async (scope) => {
  // The broker reads the body itself. The parsers of your other routes aren't affected.
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
  scope.all('/api/guest-token', async ({ raw: req }, reply) => {
    const { raw: res } = reply.hijack();
    await sendNodeResponse(res, await broker(new NodeRequest({ req, res })));
  });
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
