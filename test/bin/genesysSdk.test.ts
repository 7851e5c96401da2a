// @vitest-environment node
// Genesys' own JavaScript SDK, over real HTTP: a client that nobody here wrote finds the sandbox to be Genesys.
import platformClient from 'purecloud-platform-client-v2';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createGuestTokenBroker } from '../../src/server/createGuestTokenBroker.ts';
import { webchatVisitors } from '../../src/server/issuers/webchatVisitors.ts';
import { said } from '../sandbox/messagingClient.ts';
import { dial } from '../sandbox/realSocket.ts';
import { type BrokerProcess, startBroker } from './process.ts';
import { signInWithPkce } from './signIn.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { instance: client } = platformClient.ApiClient;
let broker: BrokerProcess;
let url: string;

beforeAll(async () => {
  broker = startBroker(['serve', '--sandbox', '--port', '0']);
  const [, listening = ''] = await broker.printed(/"listening","url":"([^"]+)"/);
  url = listening;
  client.setGateway({
    host: '127.0.0.1',
    protocol: 'http',
    port: Number(new URL(url).port),
    path_params_login: 'login',
    path_params_api: 'api',
  });
});
afterAll(() => broker.child.kill('SIGKILL'));

const createVisitor = (body: object): Promise<unknown> =>
  client.callApi(
    '/api/v2/webchat/visitors',
    'POST',
    {},
    {},
    {},
    {},
    body,
    ['PureCloud OAuth'],
    ['application/json'],
    ['application/json'],
  );

it('loginClientCredentialsGrant logs in, and callApi creates a visitor', async () => {
  const auth = await client.loginClientCredentialsGrant('sandbox-client', 'sandbox-secret');
  expect(auth).toMatchObject({
    accessToken: expect.any(String),
    tokenExpiryTime: expect.any(Number),
  });
  const visitor = await createVisitor({ channelId: 'webchat-default', externalId: 'ada' });
  expect(visitor).toMatchObject({ token: expect.stringMatching(/^eyJ/), external_id: 'ada' });
});

it("is told what is wrong in the form of Genesys' errors", async () => {
  const failure = createVisitor({ channelId: 'unknown', externalId: 'ada' });
  await expect(failure).rejects.toMatchObject({ status: 400, code: 'bad.request' });
  await expect(client.loginClientCredentialsGrant('sandbox-client', 'wrong')).rejects.toMatchObject(
    {
      status: 401,
      response: { data: { error: 'invalid_client' } },
    },
  );
});

it('lends the broker its access token, and logs in again when that is refused', async () => {
  let logins = 0;
  async function login(): Promise<string> {
    logins++;
    const auth = await client.loginClientCredentialsGrant('sandbox-client', 'sandbox-secret');
    return auth.accessToken;
  }
  // the SDK never logs in again by itself
  let current = await login();
  const ours = createGuestTokenBroker({
    issuer: webchatVisitors({
      apiUrl: `${url}/api`,
      async accessToken({ refused }) {
        if (refused) current = await login();
        return current;
      },
    }),
    authorize: async ({ headers }) => ({ externalId: headers.get('X-Visitor') ?? '' }),
  });
  const ask = async (visitor: string): Promise<unknown> => {
    const headers = { 'Content-Type': 'application/json', 'X-Visitor': visitor };
    const request = new Request(url, { method: 'POST', headers, body: '{}' });
    return (await ours(request)).json();
  };
  const token = expect.stringMatching(/^eyJ/);

  expect(await ask('ada')).toMatchObject({ token, external_id: 'ada' });
  expect(logins).toBe(1);

  current = 'one-that-genesys-does-not-know';
  expect(await ask('bob')).toMatchObject({ token, external_id: 'bob' });
  expect(logins).toBe(2);
  expect(await ask('eve')).toMatchObject({ token, external_id: 'eve' });
  expect(logins).toBe(2);
});

describe('Web Messaging', () => {
  const deploymentId = 'sandbox-deployment';
  const deployments = new platformClient.WebDeploymentsApi();
  const refused = { status: 401 };

  it('postWebdeploymentsTokenOauthcodegrantjwtexchange exchanges a code once', async () => {
    const request = { deploymentId, oauth: await signInWithPkce(url) };
    const { jwt, refreshToken } =
      await deployments.postWebdeploymentsTokenOauthcodegrantjwtexchange(request);
    expect([jwt, refreshToken]).toEqual([expect.stringMatching(/^eyJ/), expect.any(String)]);
    await expect(
      deployments.postWebdeploymentsTokenOauthcodegrantjwtexchange(request),
    ).rejects.toMatchObject(refused);
  });

  it('postWebdeploymentsTokenRefresh refreshes, until deleteWebdeploymentsTokenRevoke revokes', async () => {
    const { jwt = '', refreshToken = '' } =
      await deployments.postWebdeploymentsTokenOauthcodegrantjwtexchange({
        deploymentId,
        oauth: await signInWithPkce(url),
      });
    const refresh = () =>
      deployments.postWebdeploymentsTokenRefresh({ body: { refreshToken, deploymentId } });
    const refreshed = await refresh();
    expect(refreshed).toEqual({ jwt: expect.stringMatching(/^eyJ/) });
    expect(refreshed.jwt).not.toBe(jwt);
    client.setAccessToken(jwt);
    await deployments.deleteWebdeploymentsTokenRevoke();
    await expect(refresh()).rejects.toMatchObject(refused);
    await expect(deployments.deleteWebdeploymentsTokenRevoke()).rejects.toMatchObject(refused);
  });

  it('getWebmessagingMessages reads the history with the JWT of an open socket, page by page', async () => {
    const socket = await dial(
      `${url.replace('http', 'ws')}/webmessaging/v1?deploymentId=${deploymentId}`,
      { deploymentId, token: 'uuid-1' },
    );
    await socket.ask('configureSession');
    await socket.ask('onMessage', said('Where is my parcel?'));
    client.setAccessToken(String((await socket.ask('getJwt')).body.jwt));
    socket.socket.close();
    const messaging = new platformClient.WebMessagingApi();
    const page = await messaging.getWebmessagingMessages({ pageSize: 1, pageNumber: 2 });
    expect(page).toMatchObject({ total: 2, pageCount: 2, pageSize: 1, pageNumber: 2 });
    expect(page.entities).toMatchObject([
      { text: 'Where is my parcel?', type: 'Text', direction: 'Inbound' },
    ]);
    client.setAccessToken('made-up');
    await expect(messaging.getWebmessagingMessages()).rejects.toMatchObject(refused);
  });
});
