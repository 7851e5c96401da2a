// server.ts
import express from 'express';
import { NodeRequest, sendNodeResponse } from 'srvx/node';
import { broker } from './broker.ts';

const app = express();

// Mount it before express.json(), which would read the body.
app.all('/api/guest-token', async (req, res) => {
  await sendNodeResponse(res, await broker(new NodeRequest({ req, res })));
});

export const server = app.listen(Number(process.env.PORT ?? 3000));
