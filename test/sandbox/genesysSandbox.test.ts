import { jwtDecode } from 'jwt-decode';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRetryAfterMs } from '../../src/core/retryAfter.ts';
import type { RetryAfterForm, SandboxFaultInput } from '../../src/sandbox/faults.ts';
import { genesysSandbox } from '../../src/sandbox/genesysSandbox.ts';
import { newConversation } from './newConversation.ts';

const START_MS = Date.parse('2026-03-01T12:00:00.000Z');
let nowMs = START_MS;
const sandbox = genesysSandbox({ now: () => nowMs, channelId: ['webchat-default', 'sales'] });
const server = setupServer(...sandbox.handlers);

beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
beforeEach(() => {
  nowMs = START_MS;
  sandbox.reset();
});
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const login = (init: RequestInit = {}): Promise<Response> =>
  fetch('https://login.mypurecloud.com/oauth/token', {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('sandbox-client:sandbox-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    ...init,
  });

async function accessToken(): Promise<string> {
  const { access_token } = await (await login()).json();
  return access_token;
}

function visitor(
  bearer: string | undefined,
  body: object = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch('https://api.mypurecloud.com/api/v2/webchat/visitors', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify({
      channelId: 'webchat-default',
      externalId: 'ada',
      attributes: {},
      ...body,
    }),
    signal: signal ?? null,
  });
}

const CONVERSATIONS = 'https://api.mypurecloud.com/api/v2/webchat/guest/conversations';

const call = (bearer: string | undefined, path = '', body?: object): Promise<Response> =>
  fetch(CONVERSATIONS + path, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: {
      'Content-Type': 'application/json',
      ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }),
    },
  });

const create = (bearer?: string, body: object = newConversation): Promise<Response> =>
  call(bearer, '', body);

/** Reads or writes in a conversation of the bearer's own. */
async function messages(bearer: string, text?: string): Promise<Response> {
  const created = await create(bearer);
  if (!created.ok) return created;
  const { id, member } = await created.json();
  return text === undefined
    ? call(bearer, `/${id}/messages`)
    : call(bearer, `/${id}/members/${member.id}/messages`, { body: text });
}

async function guestToken(externalId = 'ada'): Promise<string> {
  return (await (await visitor(await accessToken(), { externalId })).json()).token;
}

describe('the login host', () => {
  it('answers an opaque access token with its life in seconds', async () => {
    const response = await login();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      access_token: expect.stringMatching(/^[^.]{32,}$/),
      token_type: 'bearer',
      expires_in: 86_400,
    });
  });

  it.each([400, 401] as const)(
    "answers a wrong secret with OAuth's own error body and %i",
    async (status) => {
      const strict = genesysSandbox({ invalidClientStatus: status });
      const response = await strict.fetch('https://login.mypurecloud.com/oauth/token', {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa('sandbox-client:wrong')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
      expect(response.status).toBe(status);
      const body = await response.json();
      expect(body.error).toBe('invalid_client');
      expect(body).not.toHaveProperty('code');
    },
  );

  it('refuses another grant, a missing grant and a body that is no form', async () => {
    const errors = [
      await login({ body: new URLSearchParams({ grant_type: 'password' }) }),
      await login({ body: new URLSearchParams() }),
      await login({ body: '{}' }),
    ].map(async (response) => [response.status, (await response.json()).error]);
    expect(await Promise.all(errors)).toEqual([
      [400, 'unsupported_grant_type'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
    ]);
  });
});

describe('the visitor call', () => {
  it('answers what the reference shows', async () => {
    const response = await visitor(await accessToken());
    const reply = await response.json();
    expect(reply).toEqual({
      id: expect.stringMatching(/^visitor-/),
      token: expect.any(String),
      created_time: '2026-03-01T12:00:00.000Z',
      updated_time: '2026-03-01T12:00:00.000Z',
      state: 'active',
      external_id: 'ada',
      channel_id: 'webchat-default',
    });
    expect(jwtDecode(reply.token, { header: true })).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(jwtDecode(reply.token)).toMatchObject({
      sub: reply.id,
      iat: START_MS / 1000,
      exp: START_MS / 1000 + 3600,
    });
  });

  it('gives a visitor who comes back the same id and another token, another visitor another id', async () => {
    const bearer = await accessToken();
    const [first, second, other] = await Promise.all(
      [{}, {}, { externalId: 'bob' }].map(async (body) => (await visitor(bearer, body)).json()),
    );
    expect(second.id).toBe(first.id);
    expect(second.token).not.toBe(first.token);
    expect(other.id).not.toBe(first.id);
  });

  it.each([
    ['channelId', { channelId: 'unknown' }],
    ['externalId', { externalId: '' }],
    ['attributes', { attributes: ['a'] }],
  ])('answers 400 that names the field %s', async (field, body) => {
    const response = await visitor(await accessToken(), body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'bad.request',
      message: expect.stringContaining(field),
    });
  });

  it('demands an access token that it issued, not expired, not revoked', async () => {
    const codeOf = async (response: Response): Promise<unknown> => [
      response.status,
      (await response.json()).code,
    ];
    expect(await codeOf(await visitor(undefined))).toEqual([401, 'authentication.required']);
    expect(await codeOf(await visitor('made-up'))).toEqual([401, 'bad.credentials']);
    const bearer = await accessToken();
    nowMs += 86_400_000;
    expect(await codeOf(await visitor(bearer))).toEqual([401, 'credentials.expired']);
    const revoked = await accessToken();
    sandbox.revokeAccessTokens();
    expect(await codeOf(await visitor(revoked))).toEqual([401, 'bad.credentials']);
  });

  it('lets 300 calls a minute pass for one access token, and says so in headers', async () => {
    const bearer = await accessToken();
    const first = await visitor(bearer);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'inin-ratelimit-count': '1',
      'inin-ratelimit-allowed': '300',
      'inin-ratelimit-reset': '60',
      'inin-correlation-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    sandbox.configure({ requestsPerMinute: 2 });
    nowMs += 20_000;
    expect((await visitor(bearer)).status).toBe(200);
    const refused = await visitor(bearer);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('Retry-After')).toBe('40');
    expect(await refused.json()).toMatchObject({
      code: 'too.many.requests.retry.after',
      message: 'Rate limit exceeded the maximum. Retry the request in [40] seconds',
    });
    expect((await visitor(await accessToken())).status).toBe(200);
    nowMs += 40_000;
    expect((await visitor(bearer)).status).toBe(200);
  });
});

describe('a web chat', () => {
  async function started(bearer?: string) {
    const reply = await (await create(bearer)).json();
    const { id, member } = reply;
    return {
      reply,
      read: (by: string | undefined, query = '') => call(by, `/${id}/messages${query}`),
      write: (by: string | undefined, text: string, memberId = member.id) =>
        call(by, `/${id}/members/${memberId}/messages`, { body: text }),
    };
  }
  const codeOf = async (answer: Promise<Response>): Promise<unknown> => {
    const response = await answer;
    return [response.status, (await response.json()).code];
  };

  it('is created for the visitor of the guest token, who writes as its member', async () => {
    const token = await guestToken();
    const { reply, read, write } = await started(token);
    expect(reply).toEqual({
      id: expect.any(String),
      jwt: expect.stringMatching(/^eyJ/),
      eventStreamUri: expect.stringMatching(/^wss:/),
      member: {
        id: expect.any(String),
        displayName: 'Ada',
        role: 'CUSTOMER',
        state: 'CONNECTED',
      },
    });
    expect((await (await read(token)).json()).entities).toEqual([]);
    const written = await (await write(token, 'Is anybody there?')).json();
    expect(written).toMatchObject({
      body: 'Is anybody there?',
      sender: reply.member,
      conversation: { id: reply.id },
    });
    expect((await (await read(token)).json()).entities).toEqual([
      written,
      expect.objectContaining({
        sender: expect.objectContaining({ role: 'AGENT' }),
        body: expect.stringContaining('How can I help?'),
      }),
    ]);
  });

  it('is created for somebody new without a token, and goes by its own JWT', async () => {
    const { reply, read, write } = await started();
    expect((await write(reply.jwt, 'Hello?')).status).toBe(200);
    expect((await (await read(reply.jwt)).json()).entities).toHaveLength(2);
    expect(await codeOf(read(undefined))).toEqual([401, 'authentication.required']);
    nowMs += 3_600_000;
    expect(await codeOf(read(reply.jwt))).toEqual([401, 'credentials.expired']);
  });

  it.each([
    ['organizationId', { organizationId: '' }],
    ['deploymentId', { deploymentId: undefined }],
    ['routingTarget.targetAddress', { routingTarget: { targetType: 'QUEUE' } }],
    ['memberInfo.displayName', { memberInfo: {} }],
  ])('is not created without %s', async (field, change) => {
    const response = await create(undefined, { ...newConversation, ...change });
    expect(response.status).toBe(400);
    expect((await response.json()).message).toContain(`"${field}"`);
  });

  it('has no messages at the path that only old documents have', async () => {
    const token = await guestToken();
    const { reply } = await started(token);
    const response = await call(token, `/${reply.id}/messages`, { body: 'Hello?' });
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET']);
  });

  it('goes on with a renewed token of the same visitor, and is closed to another', async () => {
    const { read, write } = await started(await guestToken('ada'));
    await write(await guestToken('ada'), 'mine');
    expect((await read(await guestToken('ada'))).status).toBe(200);
    expect(await codeOf(read(await guestToken('bob')))).toEqual([403, 'not.authorized']);
  });

  it('answers 404 to another member and to an unknown conversation, 400 to a message without text', async () => {
    const token = await guestToken();
    const { write } = await started(token);
    expect((await write(token, 'Hello?', 'another')).status).toBe(404);
    expect((await call(token, '/unknown/messages')).status).toBe(404);
    expect((await write(token, ' ')).status).toBe(400);
  });

  it('gives the part of the messages that is asked for', async () => {
    const token = await guestToken();
    const { read, write } = await started(token);
    const first = await (await write(token, 'one')).json();
    const second = await (await write(token, 'two')).json();
    const idsOf = async (query: string): Promise<string[]> =>
      (await (await read(token, query)).json()).entities.map(({ id }: { id: string }) => id);
    const all = await idsOf('');
    expect(await idsOf('?after=&before=&sortOrder=&maxResults=')).toEqual(all);
    expect(await idsOf(`?after=${first.id}`)).toEqual(all.slice(1));
    expect(await idsOf(`?before=${second.id}`)).toEqual(all.slice(0, 2));
    expect(await idsOf('?sortOrder=descending&maxResults=3')).toEqual(all.toReversed().slice(0, 3));
  });

  it('answers 401 without a token, to an access token, and to an expired or revoked guest token', async () => {
    const { read } = await started(await guestToken());
    expect(await codeOf(read(undefined))).toEqual([401, 'authentication.required']);
    expect(await codeOf(read(await accessToken()))).toEqual([401, 'bad.credentials']);
    expect(await codeOf(create(await accessToken()))).toEqual([401, 'bad.credentials']);
    const token = await guestToken();
    nowMs += 3_599_999;
    expect((await read(token)).status).toBe(200);
    nowMs += 1;
    expect(await codeOf(read(token))).toEqual([401, 'credentials.expired']);
    const [ada, bob] = [await guestToken('ada'), await guestToken('bob')];
    sandbox.revokeGuestTokens('ada');
    expect(await codeOf(read(ada))).toEqual([401, 'bad.credentials']);
    expect((await messages(bob)).status).toBe(200);
  });
});

describe('authenticated web messaging', () => {
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`https://api.mypurecloud.com/api/v2/webdeployments/token/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ deploymentId: 'sandbox-deployment', ...body }),
    });
  const exchange = (oauth: object): Promise<Response> =>
    post('oauthcodegrantjwtexchange', { oauth });
  // RFC 7636, appendix B
  const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';

  it('exchanges a code once, for a JWT of 15 minutes and a refresh token', async () => {
    const code = sandbox.signIn({ externalId: 'ada', codeChallenge });
    const { jwt, refreshToken } = await (await exchange({ code, codeVerifier })).json();
    const { iat = 0, exp } = jwtDecode(jwt);
    expect(exp).toBe(iat + 900);
    expect(refreshToken).toEqual(expect.any(String));
    expect((await messages(jwt)).status).toBe(200);
    expect((await exchange({ code, codeVerifier })).status).toBe(401);
  });

  it('refuses a wrong verifier, a wrong redirect URI and an unknown deployment', async () => {
    const codeOf = (): string =>
      sandbox.signIn({
        externalId: 'ada',
        codeChallenge,
        redirectUri: 'https://shop.example/back',
      });
    const redirectUri = 'https://shop.example/back';
    const wrongVerifier = await exchange({ code: codeOf(), redirectUri, codeVerifier: 'wrong' });
    const noVerifier = await exchange({ code: codeOf(), redirectUri });
    const wrongUri = await exchange({
      code: codeOf(),
      codeVerifier,
      redirectUri: 'https://x.example',
    });
    const wrongDeployment = await post('oauthcodegrantjwtexchange', {
      deploymentId: 'x',
      oauth: {},
    });
    expect([wrongVerifier, noVerifier, wrongUri, wrongDeployment].map((one) => one.status)).toEqual(
      [401, 401, 400, 400],
    );
  });

  it.each(['nonce', undefined])(
    'exchanges an ID token with nonce %o once, for a JWT and no refresh token',
    async (nonce) => {
      const idToken = sandbox.signIn({
        externalId: 'ada',
        responseType: 'id_token',
        ...(nonce !== undefined && { nonce }),
      });
      expect(jwtDecode(idToken)).toMatchObject({
        sub: 'ada',
        ...(nonce !== undefined && { nonce }),
      });
      const reply = await (await exchange({ idToken, nonce })).json();
      expect(reply).toEqual({ jwt: expect.stringMatching(/^eyJ/) });
      expect((await messages(reply.jwt)).status).toBe(200);
      expect((await exchange({ idToken, nonce })).status).toBe(401);
    },
  );

  it('refuses an ID token with another nonce, with none, and one in the place of a code', async () => {
    const idTokenOf = (): string =>
      sandbox.signIn({ externalId: 'ada', responseType: 'id_token', nonce: 'n1' });
    const answers = [
      await exchange({ idToken: idTokenOf(), nonce: 'n2' }),
      await exchange({ idToken: idTokenOf() }),
      await exchange({ code: idTokenOf(), nonce: 'n1' }),
      await exchange({ nonce: 'n1' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 400]);
  });

  it('uses a code up even where the exchange fails', async () => {
    const code = sandbox.signIn({ externalId: 'ada', codeChallenge });
    expect((await exchange({ code, codeVerifier: 'wrong' })).status).toBe(401);
    expect((await exchange({ code, codeVerifier })).status).toBe(401);
  });

  it('refreshes with the deployment named or left out, and not for another one', async () => {
    const code = sandbox.signIn({ externalId: 'ada' });
    const { refreshToken } = await (await exchange({ code })).json();
    const answers = await Promise.all([
      post('refresh', { refreshToken }),
      post('refresh', { refreshToken, deploymentId: undefined }),
      post('refresh', { refreshToken, deploymentId: 'another' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400]);
  });

  it('refreshes for a day, with a new JWT and no new refresh token', async () => {
    const { jwt, refreshToken } = await (
      await exchange({ code: sandbox.signIn({ externalId: 'ada' }) })
    ).json();
    const refreshed = await (await post('refresh', { refreshToken })).json();
    expect(Object.keys(refreshed)).toEqual(['jwt']);
    expect(refreshed.jwt).not.toBe(jwt);
    nowMs += 86_400_000;
    expect((await post('refresh', { refreshToken })).status).toBe(401);
    expect((await post('refresh', { refreshToken: 'made-up' })).status).toBe(401);
  });

  it('revokes the JWT and its refresh token', async () => {
    const { jwt, refreshToken } = await (
      await exchange({ code: sandbox.signIn({ externalId: 'ada' }) })
    ).json();
    const revoke = (): Promise<Response> =>
      fetch('https://api.mypurecloud.com/api/v2/webdeployments/token/revoke', {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${jwt}` },
      });
    expect((await revoke()).status).toBe(204);
    expect((await messages(jwt)).status).toBe(401);
    expect((await post('refresh', { refreshToken })).status).toBe(401);
    expect((await revoke()).status).toBe(401);
  });
});

describe('a fault', () => {
  async function faulty(fault: SandboxFaultInput): Promise<Response> {
    const bearer = await accessToken();
    sandbox.fault('visitor', fault, { times: 1 });
    return visitor(bearer);
  }

  it.each<[RetryAfterForm, string | null, number]>([
    ['seconds', '600', 600_000],
    ['http-date', 'Sun, 01 Mar 2026 12:10:00 GMT', 600_000],
    ['body', null, 600_000],
    ['junk', 'soon, honestly', Number.NaN],
    ['none', null, Number.NaN],
  ])('429 says when to come back: %s', async (retryAfter, header, waitMs) => {
    const response = await faulty({ kind: 'rate-limited', retryAfter, seconds: 600 });
    expect([response.status, response.headers.get('Retry-After')]).toEqual([429, header]);
    expect(readRetryAfterMs(response.headers, await response.json())).toBe(waitMs);
  });

  it.each<[SandboxFaultInput, number, string]>([
    ['unauthorized', 401, 'bad.credentials'],
    [{ kind: 'unauthorized', code: 'ip.not.authorized' }, 401, 'ip.not.authorized'],
    ['forbidden', 403, 'missing.permissions'],
    [{ kind: 'forbidden', code: 'origin.not.allowed' }, 403, 'origin.not.allowed'],
    ['unavailable', 503, 'service.unavailable'],
    [{ kind: 'unavailable', status: 501 }, 501, 'service.unavailable'],
  ])('%o answers %i with code %s and a context id', async (fault, status, code) => {
    const response = await faulty(fault);
    const body = await response.json();
    expect([response.status, body.status, body.code]).toEqual([status, status, code]);
    expect(response.headers.get('ININ-Correlation-Id')).toBe(body.contextId);
  });

  it("at login speaks OAuth's language", async () => {
    sandbox.fault('login', 'unauthorized', { times: 1 });
    sandbox.fault('login', 'forbidden', { times: 1 });
    const [first, second] = [await login(), await login()];
    expect([first.status, (await first.json()).error]).toEqual([401, 'invalid_client']);
    expect([second.status, (await second.json()).error]).toEqual([403, 'unauthorized_client']);
  });

  it('hang answers nothing, and ends with the caller', async () => {
    sandbox.fault('visitor', 'hang');
    const bearer = await accessToken();
    const caller = new AbortController();
    const call = visitor(bearer, {}, caller.signal);
    await expect.poll(() => sandbox.count('visitor')).toBe(1);
    caller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });

    const direct = new AbortController();
    const hanging = sandbox.fetch('https://api.mypurecloud.com/api/v2/webchat/visitors', {
      method: 'POST',
      signal: direct.signal,
    });
    direct.abort();
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('cut breaks the connection', async () => {
    await expect(faulty('cut')).rejects.toBeInstanceOf(TypeError);
    expect(sandbox.requests.at(-1)).toMatchObject({ operation: 'visitor', status: undefined });
  });

  it('slow answers the right thing later', async () => {
    const response = await faulty({ kind: 'slow', delayMs: 1 });
    expect((await response.json()).state).toBe('active');
  });

  it('html answers a page where JSON is expected', async () => {
    const response = await faulty('html');
    expect([response.status, response.headers.get('Content-Type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
    await expect(response.json()).rejects.toThrow();
  });

  it('opaque-token answers a token that is no JWT and works for a day', async () => {
    const { token } = await (await faulty('opaque-token')).json();
    expect(() => jwtDecode(token)).toThrow();
    nowMs += 86_399_000;
    expect((await messages(token)).status).toBe(200);
    nowMs += 1000;
    expect((await messages(token)).status).toBe(401);
  });

  it('empty-token answers a reply whose token is empty', async () => {
    expect((await (await faulty('empty-token')).json()).token).toBe('');
  });

  it.each([7_200_000, -172_800_000])(
    'wrong-clock: Genesys is ahead by %i ms, the true end stays',
    async (offsetMs) => {
      const response = await faulty({ kind: 'wrong-clock', offsetMs });
      const { token, created_time } = await response.json();
      expect(Date.parse(response.headers.get('Date') ?? '')).toBe(START_MS + offsetMs);
      expect(Date.parse(created_time)).toBe(START_MS + offsetMs);
      expect(jwtDecode(token).iat).toBe((START_MS + offsetMs) / 1000);
      expect(sandbox.issued.at(-1)?.expiresAtMs).toBe(START_MS + 3_600_000);
    },
  );

  it('short-life answers a token of 30 s', async () => {
    const { token } = await (await faulty('short-life')).json();
    const { iat = 0, exp } = jwtDecode(token);
    expect(exp).toBe(iat + 30);
  });

  it('is over after its requests: queued ones in turn, then the lasting one until it is cleared', async () => {
    const bearer = await accessToken();
    sandbox.fault('visitor', 'unavailable');
    sandbox.fault('visitor', 'forbidden', { times: 2 });
    sandbox.fault('visitor', 'unauthorized', { times: 1 });
    const statuses: number[] = [];
    for (let turn = 0; turn < 5; turn++) statuses.push((await visitor(bearer)).status);
    sandbox.clear('visitor');
    statuses.push((await visitor(bearer)).status);
    expect(statuses).toEqual([403, 403, 401, 503, 503, 200]);
  });

  it('is refused when its number of requests or its operation makes no sense', () => {
    expect(() => sandbox.fault('visitor', 'hang', { times: 0 })).toThrow(/"times"/);
    expect(() => genesysSandbox({ faults: JSON.parse('{"visiter":"hang"}') })).toThrow(
      /"operation"/,
    );
  });
});

describe('what a test can look at', () => {
  it('requests and counts by operation, and nothing of them after a reset', async () => {
    const token = await guestToken();
    await messages(token, 'hello');
    expect(sandbox.requests.map(({ operation, status }) => [operation, status])).toEqual([
      ['login', 200],
      ['visitor', 200],
      ['createConversation', 200],
      ['conversation', 200],
    ]);
    expect(sandbox.requests[0]?.body).toEqual({ grant_type: 'client_credentials' });
    expect(sandbox.requests[1]?.body).toMatchObject({ externalId: 'ada' });
    expect(sandbox.requests[3]?.headers.get('Authorization')).toBe(`Bearer ${token}`);
    expect([sandbox.count(), sandbox.count('visitor'), sandbox.count('refresh')]).toEqual([
      4, 1, 0,
    ]);
    sandbox.reset();
    expect([sandbox.count(), sandbox.requests, sandbox.issued]).toEqual([0, [], []]);
  });

  it('keeps the latest thousand requests, and counts all', async () => {
    for (let turn = 0; turn < 1001; turn++) {
      await sandbox.fetch('https://login.mypurecloud.com/oauth/token', { method: 'POST' });
    }
    expect([sandbox.requests.length, sandbox.count('login')]).toEqual([1000, 1001]);
  });
});

describe('as a fetch', () => {
  it('lives at the hosts of an environment, or at URLs of its own', async () => {
    const irish = genesysSandbox({ environment: 'mypurecloud.ie' });
    expect([irish.apiUrl, irish.loginUrl]).toEqual([
      'https://api.mypurecloud.ie',
      'https://login.mypurecloud.ie',
    ]);
    const own = genesysSandbox({
      apiUrl: 'http://127.0.0.1:1/api/',
      loginUrl: 'http://127.0.0.1:1/login',
    });
    const response = await own.fetch('http://127.0.0.1:1/api/api/v2/webchat/visitors', {
      method: 'POST',
    });
    expect(response.status).toBe(401);
  });

  it('answers 404 to an unknown path, 405 to a wrong method, and refuses another host', async () => {
    const unknown = await sandbox.fetch(`${sandbox.apiUrl}/api/v2/unknown`);
    expect([unknown.status, (await unknown.json()).code]).toEqual([404, 'not.found']);
    const wrong = await sandbox.fetch(`${sandbox.apiUrl}/api/v2/webchat/visitors`);
    expect([wrong.status, wrong.headers.get('Allow')]).toEqual([405, 'POST']);
    await expect(sandbox.fetch('https://elsewhere.example/')).rejects.toThrow(/elsewhere\.example/);
  });

  it('answers the preflight of a page on another origin', async () => {
    const response = await sandbox.fetch(`${sandbox.apiUrl}/api/v2/webchat/visitors`, {
      method: 'OPTIONS',
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Headers')).toContain('Authorization');
  });
});
