// The servers around an app whose author has made a mistake. Each prints what it sees.
// node servers.mjs URL-OF-A-SANDBOX
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import {
  anonymousVisitors,
  createGuestTokenBroker,
  webchatVisitors,
} from 'react-guest-token/server';
import { serve } from 'srvx';

const [, , sandbox] = process.argv;
const genesys = {
  clientId: 'sandbox-client',
  clientSecret: 'sandbox-secret',
  apiUrl: `${sandbox}/api`,
  loginUrl: `${sandbox}/login`,
};

function brokerWith(authorize, more = {}) {
  return createGuestTokenBroker({
    issuer: webchatVisitors({ ...genesys, ...more }),
    authorize,
    onEvent: (event) => console.log(JSON.stringify(event)),
  });
}

const html = (status) =>
  new Response('<!doctype html><title>Shop</title>', {
    status,
    headers: { 'Content-Type': 'text/html' },
  });

const routes = {
  '/nobody': brokerWith(async () => null),
  '/bob': brokerWith(async () => ({ externalId: 'bob' })),
  '/wrong-path': brokerWith(async () => ({ externalId: 'ada' }), { path: '/api/v2/nothing' }),
  // A broker with another secret at each request, as after each start of one without COOKIE_SECRET.
  '/new-secret': (request) =>
    brokerWith(anonymousVisitors({ cookieSecret: `${randomUUID()}${randomUUID()}` }))(request),
  // What a single-page app's server answers on every path.
  '/html': () => html(200),
  '/firewall': () => html(403),
};
const own = serve({
  port: 0,
  hostname: '127.0.0.1',
  silent: true,
  fetch: (request) => routes[new URL(request.url).pathname](request),
});

/** An API on an origin of its own, which takes a JWT and nothing else; /never takes none. */
const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' };
const api = serve({
  port: 0,
  hostname: '127.0.0.1',
  silent: true,
  fetch({ url, method, headers }) {
    if (method === 'OPTIONS') return new Response(null, { headers: cors });
    const sent = headers.get('Authorization') ?? 'nothing';
    const isToken = sent.startsWith('Bearer ey');
    console.log(`The API was sent ${isToken ? 'a token' : sent}.`);
    const status = isToken && !url.endsWith('/never') ? 204 : 401;
    return new Response(null, { status, headers: cors });
  },
});

// A port that nobody listens on.
const closed = createServer().listen(0, '127.0.0.1', async () => {
  const { port } = closed.address();
  closed.close();
  const listening = (server) => server.ready().then(() => server.url.replace(/\/$/, ''));
  const urls = {
    own: await listening(own),
    api: await listening(api),
    closed: `http://127.0.0.1:${port}`,
  };
  console.log(`Listening: ${JSON.stringify({ urls, paths: Object.keys(routes) })}.`);
});
