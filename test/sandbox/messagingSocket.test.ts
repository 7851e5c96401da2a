import { jwtDecode } from 'jwt-decode';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxFaultInput, SandboxOperation } from '../../src/sandbox/faults.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { dialled, openSocket, said, textsOf } from './messagingClient.ts';

const START_MS = Date.parse('2026-03-01T12:00:00.000Z');
const cloud = createSandboxCloud();

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  cloud.reset();
});
afterEach(() => {
  cloud.reset();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const codesOf = (frames: readonly { code: number }[]): number[] => frames.map(({ code }) => code);

async function jwtOf(externalId: string): Promise<string> {
  const response = await cloud.fetch(
    `${cloud.apiUrl}/api/v2/webdeployments/token/oauthcodegrantjwtexchange`,
    {
      method: 'POST',
      body: JSON.stringify({
        deploymentId: cloud.deploymentId,
        oauth: { code: cloud.signIn({ externalId }) },
      }),
    },
  );
  return (await response.json()).jwt;
}

const withCode = (code: string): object => ({ data: { code } });

function history(jwt: unknown, query = ''): Promise<Response> {
  return cloud.fetch(`${cloud.apiUrl}/api/v2/webmessaging/messages${query}`, {
    headers: { Authorization: `Bearer ${jwt}` },
  });
}

function configured(token?: string) {
  const client = openSocket(cloud, token);
  client.send('configureSession');
  return client;
}

describe('a session', () => {
  it('is new at first, and goes on for a socket that comes back with its UUID', () => {
    const client = openSocket(cloud);
    const session = {
      connected: true,
      readOnly: false,
      durationSeconds: 86_400,
      expirationDate: START_MS / 1000 + 86_400,
    };
    const answer = {
      type: 'response',
      class: 'SessionResponse',
      code: 200,
      tracingId: 'of-configureSession',
    };
    expect(client.send('configureSession')).toEqual([
      { ...answer, body: { ...session, newSession: true } },
    ]);
    client.close();
    expect(openSocket(cloud).send('configureSession')).toEqual([
      { ...answer, body: { ...session, newSession: false } },
    ]);
  });

  it('begins again with startNew, and keeps its history', async () => {
    const client = configured();
    client.send('onMessage', said('First'));
    const [answer] = client.send('configureSession', { startNew: true });
    expect(answer?.body.newSession).toBe(true);
    const [jwt] = client.send('getJwt');
    expect((await (await history(jwt?.body.jwt)).json()).total).toBe(2);
  });

  it.each([
    ['another deployment', { deploymentId: 'another' }],
    ['no token', { token: '' }],
  ])('is refused with 400 for %s', (_what, fields) => {
    expect(codesOf(openSocket(cloud).send('configureSession', fields))).toEqual([400]);
  });

  it('is for visitors who have signed in, once one has: 4017 for anonymous clients, 403 for others', async () => {
    const client = openSocket(cloud);
    const authenticated = (code: string) =>
      codesOf(client.send('configureAuthenticatedSession', withCode(code)));
    expect(authenticated(await jwtOf('ada'))).toEqual([200]);
    expect(codesOf(client.send('configureSession'))).toEqual([4017]);
    expect(authenticated(await jwtOf('bob'))).toEqual([403]);
    expect(authenticated(await jwtOf('ada'))).toEqual([200]);
  });

  it('keeps its conversation when an anonymous visitor signs in', async () => {
    const client = configured();
    client.send('onMessage', said('Who am I?'));
    const [answer] = client.send('configureAuthenticatedSession', withCode(await jwtOf('ada')));
    expect(answer?.body.newSession).toBe(false);
    expect(codesOf(openSocket(cloud).send('configureSession'))).toEqual([4017]);
  });

  it('is refused with 401 for a JWT that is unknown, expired or missing; an open one outlives its JWT', async () => {
    const jwt = await jwtOf('ada');
    const client = openSocket(cloud);
    client.send('configureAuthenticatedSession', withCode(jwt));
    vi.advanceTimersByTime(900_000);
    expect(textsOf(client.send('onMessage', said('Still here')))).toContain('Still here');
    const other = openSocket(cloud, 'uuid-2');
    for (const fields of [withCode(jwt), withCode('made-up'), {}]) {
      const frames = other.send('configureAuthenticatedSession', fields);
      expect(frames).toMatchObject([{ class: 'string', code: 401, body: expect.any(String) }]);
    }
  });

  it('has three sockets at most: the fourth closes the oldest', () => {
    const clients = [1, 2, 3, 4].map(() => configured());
    expect(clients[0]?.received()).toMatchObject([
      { type: 'message', class: 'ConnectionClosedEvent', body: { reason: expect.any(String) } },
    ]);
    expect(clients.map(({ state }) => state)).toEqual(['closed 1000', 'open', 'open', 'open']);
    expect(cloud.messaging.sockets).toBe(3);
  });
});

describe('the end of a session', () => {
  it('comes by itself: an event, then 4006 until a new one is asked for', () => {
    cloud.configure({ sessionLifeSeconds: 10 });
    const client = configured();
    vi.advanceTimersByTime(9999);
    expect(client.received()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(client.received()).toEqual([
      { type: 'message', class: 'SessionExpiredEvent', code: 200, body: {} },
    ]);
    expect(codesOf(client.send('onMessage', said('Hello?')))).toEqual([4006]);
    expect(codesOf(client.send('getJwt'))).toEqual([4006]);
    expect(codesOf(client.send('configureSession'))).toEqual([4006]);
    expect(codesOf(client.send('configureSession', { startNew: true }))).toEqual([200]);
  });

  it('is noticed by a socket that comes back later', () => {
    cloud.configure({ sessionLifeSeconds: 10 });
    configured().close();
    vi.advanceTimersByTime(10_000);
    expect(codesOf(openSocket(cloud).send('configureSession'))).toEqual([4006]);
  });

  it('comes for one visitor when the JWT is revoked: a LogoutEvent on every socket', async () => {
    const jwt = await jwtOf('ada');
    const [tab, otherTab] = [openSocket(cloud), openSocket(cloud)];
    for (const client of [tab, otherTab]) {
      client.send('configureAuthenticatedSession', withCode(jwt));
    }
    const stranger = configured('uuid-2');
    await cloud.fetch(`${cloud.apiUrl}/api/v2/webdeployments/token/revoke`, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${jwt}` },
    });
    const event = { type: 'message', class: 'LogoutEvent', code: 200, body: {} };
    expect([tab.received(), otherTab.received(), stranger.received()]).toEqual([
      [event],
      [event],
      [],
    ]);
  });

  it('can be brought about by a test: expire, signOut, close and cut', async () => {
    const [ada, guest] = [openSocket(cloud, 'uuid-1'), configured('uuid-2')];
    ada.send('configureAuthenticatedSession', withCode(await jwtOf('ada')));
    cloud.messaging.signOut('bob');
    expect(ada.received()).toEqual([]);
    cloud.messaging.signOut('ada');
    cloud.messaging.expire('uuid-2');
    expect([ada.received()[0]?.class, guest.received()[0]?.class]).toEqual([
      'LogoutEvent',
      'SessionExpiredEvent',
    ]);
    cloud.messaging.close('maintenance');
    expect(guest.received()).toMatchObject([
      { class: 'ConnectionClosedEvent', body: { reason: 'maintenance' } },
    ]);
    const next = configured('uuid-3');
    cloud.messaging.cut();
    expect([ada.state, guest.state, next.state]).toEqual(['closed 1000', 'closed 1000', 'cut']);
  });
});

describe('a conversation on the socket', () => {
  it('returns the message with its tracingId, and the agent answers', () => {
    const client = configured();
    const [mine, answer] = client.send('onMessage', {
      message: { type: 'Text', text: 'Hello?', metadata: { customMessageId: 'm1' } },
    });
    expect(mine).toEqual({
      type: 'message',
      class: 'StructuredMessage',
      code: 200,
      tracingId: 'of-onMessage',
      body: {
        id: expect.any(String),
        type: 'Text',
        text: 'Hello?',
        direction: 'Inbound',
        originatingEntity: 'Human',
        channel: { time: '2026-03-01T12:00:00.000Z', type: 'Private' },
        metadata: { customMessageId: 'm1' },
      },
    });
    expect(answer).toMatchObject({
      type: 'message',
      class: 'StructuredMessage',
      body: { direction: 'Outbound', text: expect.stringContaining('How can I help?') },
    });
    expect(answer).not.toHaveProperty('tracingId');
  });

  it('reaches every socket of the session, and no other session', () => {
    const [tab, otherTab, stranger] = [configured(), configured(), configured('uuid-2')];
    const mine = textsOf(tab.send('onMessage', said('Hello?')));
    expect(mine).toHaveLength(2);
    expect(textsOf(otherTab.received())).toEqual(mine);
    expect(stranger.received()).toEqual([]);
    cloud.messaging.say('Are you still there?', 'uuid-2');
    expect([textsOf(tab.received()), textsOf(stranger.received())]).toEqual([
      [],
      ['Are you still there?'],
    ]);
  });

  it('lets the agent take as long as is set', () => {
    cloud.configure({ agentDelayMs: 3000 });
    const client = configured();
    expect(textsOf(client.send('onMessage', said('Hello?')))).toEqual(['Hello?']);
    vi.advanceTimersByTime(3000);
    expect(client.received()).toHaveLength(1);
  });

  it('echoes outside the conversation, as a response', async () => {
    const client = configured();
    expect(client.send('echo', said('ping'))).toMatchObject([
      {
        type: 'response',
        class: 'StructuredMessage',
        tracingId: 'of-echo',
        body: { text: 'ping', type: 'Text' },
      },
    ]);
    const [jwt] = client.send('getJwt');
    expect((await (await history(jwt?.body.jwt)).json()).total).toBe(0);
  });

  it('needs a session: 4007 for an unknown one, 400 before this socket is configured', () => {
    configured('uuid-1');
    const client = openSocket(cloud, 'uuid-1');
    for (const action of ['getJwt', 'echo', 'onMessage']) {
      expect(codesOf(client.send(action, { ...said('x'), token: 'uuid-9' }))).toEqual([4007]);
      expect(codesOf(client.send(action, said('x')))).toEqual([400]);
    }
  });

  it.each(['not json', '[]', '{"action":"dance"}', 'null'])('answers 400 to %s', (text) => {
    const [frame = '{}'] = openSocket(cloud).sendText(text);
    expect(JSON.parse(frame)).toEqual({
      type: 'response',
      class: 'string',
      code: 400,
      body: 'Request failed.',
    });
  });

  it('answers 400 to a message without text', () => {
    expect(codesOf(configured().send('onMessage', said(' ')))).toEqual([400]);
  });
});

describe('the history', () => {
  it('is read for a minute with the JWT of getJwt, newest message first, in pages', async () => {
    const client = configured();
    client.send('onMessage', said('One'));
    client.send('onMessage', said('Two'));
    const [frame] = client.send('getJwt');
    const exp = START_MS / 1000 + 60;
    expect(frame).toEqual({
      type: 'response',
      class: 'JwtResponse',
      code: 200,
      tracingId: 'of-getJwt',
      body: { jwt: expect.stringMatching(/^eyJ/), exp },
    });
    expect(jwtDecode(String(frame?.body.jwt)).exp).toBe(exp);
    const page = await (await history(frame?.body.jwt, '?pageNumber=1&pageSize=3')).json();
    expect(page).toMatchObject({ pageSize: 3, pageNumber: 1, total: 4, pageCount: 2 });
    expect(page.entities.map(({ text }: { text: string }) => text)).toEqual([
      'Thank you, I am looking into it.',
      'Two',
      'Hello! You are talking to the sandbox. How can I help?',
    ]);
    const last = await (await history(frame?.body.jwt, '?pageNumber=2&pageSize=3')).json();
    expect(
      textsOf(last.entities.map((body: object) => ({ class: 'StructuredMessage', body }))),
    ).toEqual(['One']);
    vi.advanceTimersByTime(60_000);
    const late = await history(frame?.body.jwt);
    expect([late.status, (await late.json()).code]).toEqual([401, 'credentials.expired']);
  });

  it('is closed to other tokens, and refuses pages that do not exist', async () => {
    const client = configured();
    const [frame] = client.send('getJwt');
    expect((await history(await jwtOf('ada'))).status).toBe(401);
    expect((await history(frame?.body.jwt, '?pageSize=0')).status).toBe(400);
    expect((await history(frame?.body.jwt, '?pageNumber=x')).status).toBe(400);
  });

  it('has JWTs that live shorter when a test says so', () => {
    cloud.configure({ tokenLifeSeconds: 5 });
    expect(configured().send('getJwt')[0]?.body.exp).toBe(START_MS / 1000 + 5);
  });
});

describe("Genesys' limits", () => {
  it('are off unless they are switched on', () => {
    const client = configured();
    const codes = Array.from({ length: 100 }, () => codesOf(client.send('echo', said('ping')))[0]);
    expect(new Set(codes)).toEqual(new Set([200]));
  });

  it.each([
    ['echo', 2, 60],
    ['onMessage', 5, 1],
    ['getJwt', 59, 60],
  ])('%s: %i pass, then 429 says to wait %i s', (action, allowed, seconds) => {
    cloud.configure({ messagingLimits: true });
    const client = configured();
    for (let turn = 0; turn < allowed; turn++) {
      expect(client.send(action, said('x'))[0]?.code).toBe(200);
    }
    expect(client.send(action, said('x'))).toMatchObject([
      { class: 'TooManyRequestsErrorMessage', code: 429, body: { retryAfter: seconds } },
    ]);
    vi.advanceTimersByTime(seconds * 1000);
    expect(client.send(action, said('x'))[0]?.code).toBe(200);
  });

  it('let the history be read ten times a minute', async () => {
    cloud.configure({ messagingLimits: true });
    const [frame] = configured().send('getJwt');
    for (let turn = 0; turn < 10; turn++) {
      expect((await history(frame?.body.jwt)).status).toBe(200);
    }
    vi.advanceTimersByTime(20_000);
    const refused = await history(frame?.body.jwt);
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '40']);
  });

  it('let a thousand sockets a minute be opened', () => {
    cloud.configure({ messagingLimits: true });
    for (let turn = 0; turn < 1000; turn++) openSocket(cloud).close();
    expect(dialled(cloud)).toMatchObject({ status: 429 });
  });
});

describe('a fault on the socket', () => {
  function faulty(action: SandboxOperation, fault: SandboxFaultInput) {
    const client = configured();
    cloud.fault(action, fault, { times: 1 });
    return { client, frames: () => client.send(action, said('x')) };
  }

  it.each<[SandboxFaultInput, number]>([
    ['unauthorized', 401],
    ['forbidden', 403],
    ['unavailable', 503],
    [{ kind: 'unavailable', status: 4006 }, 4006],
  ])('%o answers with the code %i', (fault, code) => {
    expect(faulty('getJwt', fault).frames()).toEqual([
      { type: 'response', class: 'string', code, body: expect.any(String), tracingId: 'of-getJwt' },
    ]);
  });

  it.each([
    [{ kind: 'rate-limited', seconds: 3 }, 3],
    [{ kind: 'rate-limited', retryAfter: 'junk' }, 'soon, honestly'],
    [{ kind: 'rate-limited', retryAfter: 'none' }, undefined],
  ] as const)('%o says retryAfter %o', (fault, retryAfter) => {
    const [frame] = faulty('getJwt', fault).frames();
    expect([frame?.code, frame?.body.retryAfter]).toEqual([429, retryAfter]);
  });

  it('hang answers nothing, and leaves the socket open', () => {
    const { client, frames } = faulty('getJwt', 'hang');
    expect(frames()).toEqual([]);
    expect(codesOf(client.send('getJwt'))).toEqual([200]);
  });

  it('slow answers later', () => {
    const { client, frames } = faulty('getJwt', { kind: 'slow', delayMs: 700 });
    expect(frames()).toEqual([]);
    vi.advanceTimersByTime(700);
    expect(codesOf(client.received())).toEqual([200]);
  });

  it('slow does nothing for a client that has gone meanwhile', () => {
    cloud.fault('configureSession', { kind: 'slow', delayMs: 700 }, { times: 1 });
    const gone = openSocket(cloud);
    gone.send('configureSession');
    gone.close();
    const [first, second] = [configured(), configured()];
    vi.advanceTimersByTime(700);
    configured();
    expect([first.state, second.state]).toEqual(['open', 'open']);
  });

  it('cut breaks the connection, and nothing comes after it', () => {
    const { client, frames } = faulty('getJwt', 'cut');
    expect(frames()).toEqual([]);
    expect([client.state, cloud.messaging.sockets]).toEqual(['cut', 0]);
    expect(client.send('getJwt')).toEqual([]);
  });

  it('html answers a page in place of a frame', () => {
    const client = configured();
    cloud.fault('echo', 'html', { times: 1 });
    const [text] = client.sendText('{"action":"echo","token":"uuid-1"}');
    expect(text).toMatch(/^<!doctype html>/);
  });

  it('unknown-class and foreign-tracing-id deform the answer', () => {
    const [unknown] = faulty('getJwt', 'unknown-class').frames();
    expect([unknown?.class, unknown?.tracingId]).toEqual(['SomethingNewResponse', 'of-getJwt']);
    const [foreign] = faulty('getJwt', 'foreign-tracing-id').frames();
    expect(foreign?.class).toBe('JwtResponse');
    expect(foreign?.tracingId).not.toBe('of-getJwt');
  });

  it('empty-token, opaque-token, expired-token and exp-in-ms answer JWTs that no client wants', () => {
    const jwtWith = (fault: SandboxFaultInput) => faulty('getJwt', fault).frames()[0]?.body;
    const nowSeconds = START_MS / 1000;
    expect(jwtWith('empty-token')).toEqual({ jwt: '', exp: nowSeconds + 60 });
    expect(() => jwtDecode(String(jwtWith('opaque-token')?.jwt))).toThrow();
    const expired = jwtWith('expired-token');
    expect(expired?.exp).toBe(nowSeconds - 60);
    expect(jwtDecode(String(expired?.jwt)).exp).toBe(nowSeconds - 60);
    const inMs = jwtWith('exp-in-ms');
    expect(inMs?.exp).toBe(START_MS + 60_000);
    expect(jwtDecode(String(inMs?.jwt)).exp).toBe(START_MS + 60_000);
  });

  it('wrong-clock: Genesys is ahead, and the true end stays', async () => {
    const frame = faulty('getJwt', { kind: 'wrong-clock', offsetMs: 7_200_000 }).frames()[0];
    expect(frame?.body.exp).toBe(START_MS / 1000 + 7200 + 60);
    vi.advanceTimersByTime(59_999);
    expect((await history(frame?.body.jwt)).status).toBe(200);
    vi.advanceTimersByTime(1);
    expect((await history(frame?.body.jwt)).status).toBe(401);
  });

  it('short-life: a session of ten seconds, and a JWT of ten', () => {
    cloud.fault('configureSession', { kind: 'short-life', lifeSeconds: 10 }, { times: 1 });
    const client = configured();
    vi.advanceTimersByTime(10_000);
    expect(client.received()[0]?.class).toBe('SessionExpiredEvent');
    const { frames } = faulty('getJwt', { kind: 'short-life', lifeSeconds: 10 });
    expect(frames()[0]?.code).toBe(4006);
  });
});

describe('opening a socket', () => {
  it('is refused for another deployment, and for another path', () => {
    expect(dialled(cloud, 'deploymentId=another')).toMatchObject({ status: 400 });
    expect(cloud.connect(`${cloud.socketUrl}/v2`)).toMatchObject({ status: 404 });
  });

  it.each<[SandboxFaultInput, unknown]>([
    ['forbidden', { status: 403 }],
    ['unavailable', { status: 503 }],
    ['rate-limited', { status: 429 }],
    ['cut', 'cut'],
    ['hang', 'hang'],
  ])('fails with the fault %s', (fault, outcome) => {
    cloud.fault('connect', fault, { times: 1 });
    const handshake = dialled(cloud);
    if (typeof outcome === 'string') expect(handshake).toBe(outcome);
    else expect(handshake).toMatchObject(outcome ?? {});
  });
});

it('what happened on sockets is logged and counted with the requests', () => {
  const client = configured();
  client.send('getJwt', { token: 'uuid-9' });
  expect(
    cloud.requests.map(({ operation, method, status }) => [operation, method, status]),
  ).toEqual([
    ['connect', 'GET', 101],
    ['configureSession', 'SOCKET', 200],
    ['getJwt', 'SOCKET', 4007],
  ]);
  expect(cloud.requests[2]?.body).toMatchObject({ action: 'getJwt', token: 'uuid-9' });
  expect(cloud.count('getJwt')).toBe(1);
});
