// @vitest-environment node
// Genesys' own JavaScript SDK, over real HTTP: a client that nobody here wrote finds the sandbox to be Genesys.
import platformClient from 'purecloud-platform-client-v2';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BrokerProcess, startBroker } from './process.ts';

const { instance: client } = platformClient.ApiClient;
let broker: BrokerProcess;

beforeAll(async () => {
  broker = startBroker(['serve', '--sandbox', '--port', '0']);
  const [, port = ''] = await broker.printed(/"listening","url":"[^"]+:(\d+)"/);
  client.setGateway({
    host: '127.0.0.1',
    protocol: 'http',
    port: Number(port),
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

it('logs in and creates a visitor', async () => {
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
