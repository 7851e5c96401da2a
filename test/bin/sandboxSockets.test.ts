// @vitest-environment node
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket as ServerSideClient } from 'ws';
import { type SandboxServer, startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { dial, type RealSocket } from '../sandbox/realSocket.ts';

const cloud = createSandboxCloud();
const { deploymentId } = cloud;
const session = { deploymentId, token: 'uuid-1' };
let server: SandboxServer;

beforeAll(async () => {
  server = await startSandbox(cloud);
});
beforeEach(() => cloud.reset());
afterAll(() => server.close(true));

const urlOf = (path = '/v1'): string => `${server.socketUrl}${path}?deploymentId=${deploymentId}`;
const open = (): Promise<RealSocket> => dial(urlOf(), session);

/** The status that the handshake is refused with; `WebSocket` of browsers never says it. */
function refusalOf(url: string): Promise<{ status: number | undefined; retryAfter: unknown }> {
  return new Promise((resolve, reject) => {
    const socket = new ServerSideClient(url);
    socket.on('unexpected-response', (request, { statusCode, headers }) => {
      request.destroy();
      resolve({ status: statusCode, retryAfter: headers['retry-after'] });
    });
    socket.on('open', () => reject(new Error('The socket is open.')));
  });
}

describe('a real socket of the sandbox', () => {
  it('is refused with the HTTP status of the fault, of a wrong path and of a wrong deployment', async () => {
    cloud.fault('connect', { kind: 'rate-limited', seconds: 7 }, { times: 1 });
    expect(await refusalOf(urlOf())).toEqual({ status: 429, retryAfter: '7' });
    expect(await refusalOf(urlOf('/v2'))).toMatchObject({ status: 404 });
    expect(await refusalOf(urlOf().replace('/webmessaging', ''))).toMatchObject({ status: 404 });
    expect(await refusalOf(urlOf().replace('messaging', 'MESSAGING'))).toMatchObject({
      status: 404,
    });
    expect(await refusalOf(`${server.socketUrl}/v1`)).toMatchObject({ status: 400 });
  });

  it('breaks in the handshake with the fault cut, and stays silent with the fault hang', async () => {
    cloud.fault('connect', 'cut', { times: 1 });
    await expect(open()).rejects.toBe(1006);
    cloud.fault('connect', 'hang', { times: 1 });
    const socket = new WebSocket(urlOf());
    await expect.poll(() => cloud.count('connect')).toBe(2);
    expect(socket.readyState).toBe(WebSocket.CONNECTING);
    const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
    socket.close();
    await closed;
  });

  it('breaks while it is open, or is closed in good order', async () => {
    const broken = await open();
    cloud.messaging.cut();
    expect(await broken.closed).toBe(1006);
    const closed = await open();
    cloud.messaging.close('maintenance');
    expect((await closed.next()).body).toEqual({ reason: 'maintenance' });
    expect(await closed.closed).toBe(1000);
  });

  it('is forgotten when the client closes it, or breaks the protocol', async () => {
    const [one, other] = [await open(), await open()];
    expect(cloud.messaging.sockets).toBe(2);
    one.socket.close();
    other.socket.send('x'.repeat(100_000));
    expect([await one.closed, await other.closed]).toEqual([1005, 1009]);
    await expect.poll(() => cloud.messaging.sockets).toBe(0);
  });

  it('refuses binary frames with 400', async () => {
    const client = await open();
    const frame = { action: 'configureSession', startNew: false, ...session };
    client.socket.send(new TextEncoder().encode(JSON.stringify(frame)));
    expect(await client.next()).toMatchObject({ class: 'string', code: 400 });
    client.socket.close();
  });
});
