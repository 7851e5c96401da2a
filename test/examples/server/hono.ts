// server.ts
import { Hono } from 'hono';
import { serve } from 'srvx';
import { broker } from './broker.ts';

const app = new Hono();

app.all('/api/guest-token', ({ req }) => broker(req.raw));

// On Node; elsewhere `export default app`.
export const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
