// @vitest-environment node
// The sandbox with the oldest MSW 2 that is a peer; every other test runs it with MSW 3.
import { setupServer } from 'msw-2/node';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import ofMsw2 from '../../node_modules/msw-2/package.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };
import { genesysSandbox } from '../../src/sandbox/genesysSandbox.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';

vi.mock('msw', () => import('msw-2'));

const sandbox = genesysSandbox();
const server = setupServer();

beforeAll(() => {
  // MSW 2 and 3 call their handlers by different types.
  server.use(...(sandbox.handlers as never[]));
  server.listen({ onUnhandledRequest: 'error' });
});
afterAll(() => server.close());

const { clientId, clientSecret } = sandbox;
const visitor = { externalId: 'ada', channelId: 'webchat-default', attributes: {}, fresh: false };
const issue = () =>
  webchatVisitors({ clientId, clientSecret }).issue(visitor, {
    signal: AbortSignal.timeout(5_000),
  });

it('MSW 2 is tested with the oldest version of the peer', () => {
  expect(manifest.peerDependencies.msw).toMatch(`^${ofMsw2.version} || `);
});

it('MSW 2 answers a login and a visitor call with what the sandbox plays', async () => {
  const { token } = await issue();
  expect(sandbox.issued.map((one) => one.token)).toEqual([token]);
});

it('MSW 2 shows a cut connection as a network failure', async () => {
  sandbox.fault('visitor', 'cut', { times: 10 });
  await expect(issue()).rejects.toMatchObject({ code: 'unreachable' });
});
