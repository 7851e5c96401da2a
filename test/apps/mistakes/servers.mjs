// The servers around an app whose author has made a mistake. Each prints what it sees.
import { createServer } from 'node:http';
import { createGuestTokenBroker, webchatVisitors } from 'react-guest-token/server';
import { serve } from 'srvx';

const listening = (server) => server.ready().then(() => server.url.replace(/\/$/, ''));

function brokerWith(authorize) {
  return createGuestTokenBroker({
    issuer: webchatVisitors({ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' }),
    authorize,
    onEvent: (event) => console.log(JSON.stringify(event)),
  });
}
const routes = {
  '/nobody': brokerWith(async () => null),
  '/bob': brokerWith(async () => ({ externalId: 'bob' })),
  // What a single-page app's server answers on every path.
  '/html': () =>
    new Response('<!doctype html><title>Shop</title>', {
      headers: { 'Content-Type': 'text/html' },
    }),
};
const own = serve({
  port: 0,
  hostname: '127.0.0.1',
  silent: true,
  fetch: (request) => routes[new URL(request.url).pathname](request),
});

/** An API on an origin of its own, which takes a JWT and nothing else. */
const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
const api = serve({
  port: 0,
  hostname: '127.0.0.1',
  silent: true,
  fetch({ method, headers }) {
    if (method === 'OPTIONS') return new Response(null, { headers: cors });
    const sent = headers.get('Authorization') ?? 'nothing';
    console.log(`The API was sent ${sent.startsWith('Bearer ey') ? 'a token' : sent}.`);
    return new Response(null, { status: sent.startsWith('Bearer ey') ? 204 : 401, headers: cors });
  },
});

// A port that nobody listens on.
const closed = createServer().listen(0, '127.0.0.1', async () => {
  const { port } = closed.address();
  closed.close();
  const urls = {
    own: await listening(own),
    api: await listening(api),
    closed: `http://127.0.0.1:${port}`,
  };
  console.log(`Listening: ${JSON.stringify(urls)}.`);
});
