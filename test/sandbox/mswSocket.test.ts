// @vitest-environment node
import { setupServer } from 'msw/node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { genesysSandbox } from '../../src/sandbox/genesysSandbox.ts';
import { said } from './messagingClient.ts';
import { dial, type RealSocket } from './realSocket.ts';

const sandbox = genesysSandbox();
const server = setupServer(...sandbox.handlers);
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
beforeEach(() => sandbox.reset());
afterAll(() => server.close());

const { deploymentId } = sandbox;
const open = (query = `deploymentId=${deploymentId}&application=test`): Promise<RealSocket> =>
  dial(`wss://webmessaging.mypurecloud.com/v1?${query}`, { deploymentId, token: 'uuid-1' });

describe("MSW's handlers", () => {
  it('answer a WebSocket of the page: session, message, JWT, history', async () => {
    const client = await open();
    expect((await client.ask('configureSession')).class).toBe('SessionResponse');
    expect((await client.ask('onMessage', said('Hello?'))).body.text).toBe('Hello?');
    expect((await client.next()).body.direction).toBe('Outbound');
    const { body } = await client.ask('getJwt');
    const history = await fetch('https://api.mypurecloud.com/api/v2/webmessaging/messages', {
      headers: { Authorization: `Bearer ${body.jwt}` },
    });
    expect((await history.json()).total).toBe(2);
    client.socket.close();
    expect(await client.closed).toBe(1000);
    await expect.poll(() => sandbox.messaging.sockets).toBe(0);
  });

  it('refuse a socket before it is open', async () => {
    await expect(open('deploymentId=another')).rejects.toBe(1006);
    sandbox.fault('connect', 'unavailable', { times: 1 });
    await expect(open()).rejects.toBe(1006);
    sandbox.fault('connect', 'cut', { times: 1 });
    await expect(open()).rejects.toBe(1006);
  });

  it('open a socket that hangs, and answer nothing on it', async () => {
    sandbox.fault('connect', 'hang', { times: 1 });
    const { socket } = await open();
    socket.send('{}');
    expect(sandbox.messaging.sockets).toBe(0);
    socket.close();
  });

  it('break an open socket, and close it in good order', async () => {
    const broken = await open();
    sandbox.messaging.cut();
    expect(await broken.closed).toBe(1006);
    const closed = await open();
    sandbox.messaging.close('maintenance');
    expect((await closed.next()).body).toEqual({ reason: 'maintenance' });
    expect(await closed.closed).toBe(1000);
  });
});
