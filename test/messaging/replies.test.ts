import { describe, expect, test } from 'vitest';
import { answerOf, ask, pass, START_MS, sourceOn, withFakeTime } from './asking.ts';
import { historyJwt, jwtResponse, refusing, ScriptedSocket } from './scriptedSocket.ts';

withFakeTime();

const nowSeconds = START_MS / 1000;

describe('a refused getJwt', () => {
  test.each([
    [400, 'Request failed.', { code: 'rejected', reason: undefined, retryable: false }],
    [401, 'User is unauthorized', { code: 'unauthorized', reason: undefined }],
    [403, 'Try to authenticate again', { code: 'forbidden', reason: 'reauthenticate' }],
    [4006, 'session expired', { code: 'rejected', reason: 'session_expired' }],
    [4007, 'session not found', { code: 'rejected', reason: 'session_not_found' }],
    [4017, 'cannot downgrade', { code: 'rejected', reason: undefined }],
    [5000, 'Request failed.', { code: 'unavailable', retryable: true }],
    ['none', 'Surprise', { code: 'unavailable' }],
    [undefined, 'Surprise', { code: 'unavailable' }],
  ])('%s is a typed error without Genesys’ text', async (code, body, expected) => {
    const { error } = await answerOf(new ScriptedSocket(refusing(code, body)));
    expect(error).toMatchObject(expected);
    expect(String(error)).not.toContain(body);
  });

  test('429 says when to ask again', async () => {
    const body = { retryAfter: 3, errorCode: 4029, errorMessage: 'Too many' };
    const { error } = await answerOf(new ScriptedSocket(refusing(429, body)));
    expect(error).toMatchObject({ code: 'rate_limited', retryAtMs: START_MS + 3_000 });
  });

  test.each([undefined, 'soon', {}])('429 with retryAfter %o says no time', async (retryAfter) => {
    const { error } = await answerOf(new ScriptedSocket(refusing(429, { retryAfter })));
    expect(error).toMatchObject({ code: 'rate_limited', retryAtMs: undefined });
  });

  test.each([400, 401, 403, 429, 4006, 4007])(
    '%s counts where it names no request, as in Genesys’ samples',
    async (code) => {
      const untraced = { type: 'response', class: 'string', code, body: 'no' };
      const socket = new ScriptedSocket((_, self) => self.receive(untraced));
      expect((await answerOf(socket)).error).toHaveProperty('code');
    },
  );
});

describe('a reply that can’t be used', () => {
  test.each<[string, unknown, unknown, string]>([
    ['no jwt', undefined, nowSeconds + 60, 'malformed_reply'],
    ['an empty jwt', '', nowSeconds + 60, 'malformed_reply'],
    ['a blank jwt', '  ', nowSeconds + 60, 'malformed_reply'],
    ['a jwt that is a number', 1234, nowSeconds + 60, 'malformed_reply'],
    ['a jwt that splits a header', 'a\r\nX-Evil: 1', nowSeconds + 60, 'malformed_reply'],
    ['an exp in ms', historyJwt(60, START_MS), (nowSeconds + 60) * 1000, 'malformed_reply'],
    ['an exp in ms with an opaque jwt', 'opaque', (nowSeconds + 60) * 1000, 'malformed_reply'],
    ['an exp that is text', historyJwt(60, START_MS), 'soon', 'malformed_reply'],
    ['an exp that is text with an opaque jwt', 'opaque', 'soon', 'malformed_reply'],
    ['no expiry at all', 'opaque', undefined, 'malformed_reply'],
    ['an exp in the past', historyJwt(60, START_MS), nowSeconds - 1, 'no_progress'],
    ['an exp in the past with an opaque jwt', 'opaque', nowSeconds - 1, 'no_progress'],
    ['an exp of 0', historyJwt(60, START_MS), 0, 'no_progress'],
    ['a jwt that ended before it was issued', historyJwt(-1, START_MS), undefined, 'no_progress'],
    ['a jwt with exp in ms', historyJwt(nowSeconds * 999, START_MS), undefined, 'malformed_reply'],
  ])('%s is a typed error at once', async (_, jwt, exp, code) => {
    const socket = new ScriptedSocket(({ tracingId }, self) =>
      self.receive({ class: 'JwtResponse', code: 200, body: { jwt, exp }, tracingId }),
    );
    const { error } = await answerOf(socket);
    expect(error).toMatchObject({ code, retryable: false });
    expect(`${error} ${JSON.stringify(error)}`).not.toContain(jwt || 'ey');
    expect(socket.sent).toHaveLength(1);
  });

  test.each([
    ['an unknown class', { class: 'Surprise', code: 200, body: { jwt: 'abc', exp: 1 } }],
    ['no class', { code: 200, body: { jwt: 'abc', exp: 1 } }],
    ['no body', { class: 'JwtResponse', code: 200 }],
    ['a body that is text', { class: 'JwtResponse', code: 200, body: 'abc' }],
  ])('%s is malformed', async (_, reply) => {
    const socket = new ScriptedSocket(({ tracingId }, self) =>
      self.receive({ ...reply, tracingId }),
    );
    expect((await answerOf(socket)).error).toMatchObject({ code: 'malformed_reply' });
  });

  test.each([
    ['no JSON', 'not JSON'],
    ['half of a JSON', '{"class":"JwtResponse"'],
    ['one for another request', jwtResponse({ tracingId: 'another' })],
  ])('%s ends in a time-out and is not asked for again', async (_, reply) => {
    const socket = new ScriptedSocket((__, self) => self.receive(reply));
    const asked = ask(sourceOn(socket).source);
    await pass(8_000);
    expect(asked.error).toMatchObject({ code: 'timed_out' });
    expect(socket.sent).toHaveLength(1);
  });
});

describe('how long a JWT can be used', () => {
  async function secondsOf(jwt: string, exp?: number): Promise<number | undefined> {
    const socket = new ScriptedSocket((request, self) =>
      self.receive(jwtResponse(request, jwt, exp)),
    );
    return (await answerOf(socket)).reply?.expires_in;
  }

  test('until 5 s before its end', async () => {
    expect(await secondsOf(historyJwt(60))).toBe(55);
  });

  test('a short one until a fifth before its end', async () => {
    expect(await secondsOf(historyJwt(10), nowSeconds + 10)).toBe(8);
  });

  test('an opaque one by the reply’s exp', async () => {
    expect(await secondsOf('opaque', nowSeconds + 60)).toBe(55);
  });

  test('until the earlier of the reply’s exp and its own', async () => {
    expect(await secondsOf(historyJwt(60), nowSeconds + 30)).toBe(25);
    expect(await secondsOf(historyJwt(30), nowSeconds + 60)).toBe(25);
  });

  test.each([-48, -2, 2, 48])('as long where this clock is %s h off', async (hours) => {
    const issuedAtMs = START_MS - hours * 3_600_000;
    const jwt = historyJwt(60, issuedAtMs);
    expect(await secondsOf(jwt, issuedAtMs / 1000 + 60)).toBe(55);
  });
});
