// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import {
  type WebchatVisitorsOptions,
  webchatVisitors,
} from '../../src/server/issuers/webchatVisitors.ts';
import { ask, openShop, problem, reply } from './shop.ts';

const client = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };

/** Where an issuer with these options sends its requests, and the bodies of the visitor calls. */
async function sent(options: WebchatVisitorsOptions, body: object = {}) {
  const urls: string[] = [];
  const bodies: unknown[] = [];
  const issuer = webchatVisitors({
    ...client,
    async fetch(url, init) {
      urls.push(String(url));
      expect(init?.redirect).not.toBe('follow');
      if (String(url).endsWith('/oauth/token')) {
        return Response.json({ access_token: 'a', token_type: 'bearer', expires_in: 60 });
      }
      bodies.push(JSON.parse(String(init?.body)));
      return Response.json({ id: '1', token: 't', expires_in: 600 });
    },
    ...options,
  });
  const { broker } = openShop({ issuer });
  const answer = await broker(ask({ body }));
  return { urls, bodies, answer };
}

describe('the visitor call', () => {
  it('is the one of the reference', async () => {
    const { broker, sandbox } = openShop();
    await reply(broker(ask({ body: { channelId: 'webchat-default', attributes: { page: '/' } } })));
    expect(sandbox.requests.at(-1)).toMatchObject({
      method: 'POST',
      path: '/api/v2/webchat/visitors',
      body: { channelId: 'webchat-default', externalId: 'ada', attributes: { page: '/' } },
    });
    expect(sandbox.requests.at(-1)?.headers.get('Authorization')).toMatch(/^Bearer \S+$/);
  });

  it('hands on what Genesys says of the visitor, with the seconds that are left', async () => {
    const { broker } = openShop();
    expect(await reply(broker(ask()))).toEqual({
      id: expect.stringMatching(/^visitor-/),
      token: expect.stringMatching(/^ey/),
      created_time: expect.any(String),
      updated_time: expect.any(String),
      state: 'active',
      external_id: 'ada',
      channel_id: 'webchat-default',
      expires_in: expect.closeTo(3600, -1),
    });
  });

  it('asks for the channel that the browser names, else for that of the options, else the default', async () => {
    expect((await sent({ channelId: 'sales' }, { channelId: 'care' })).bodies).toMatchObject([
      { channelId: 'care' },
    ]);
    expect((await sent({ channelId: 'sales' })).bodies).toMatchObject([{ channelId: 'sales' }]);
    expect((await sent({})).bodies).toMatchObject([{ channelId: 'webchat-default' }]);
  });

  it('path and both mappings can be others', async () => {
    const { urls, bodies, answer } = await sent(
      {
        path: '/api/v3/guests',
        toBody: ({ externalId, channelId, attributes }) => ({
          who: externalId,
          via: channelId,
          ...attributes,
        }),
        fromReply: () => ({ id: 'mapped', token: 'mapped-token', expires_in: 60 }),
      },
      { attributes: { page: '/' } },
    );
    expect(urls.at(-1)).toBe('https://api.mypurecloud.com/api/v3/guests');
    expect(bodies).toEqual([{ who: 'ada', via: 'webchat-default', page: '/' }]);
    expect(await reply(answer)).toMatchObject({ id: 'mapped', token: 'mapped-token' });
  });

  it.each(['toBody', 'fromReply'] as const)(
    'a mistake in %s is named, and is no failure of Genesys',
    async (option) => {
      const mistake = (): never => {
        throw new TypeError('hunter2');
      };
      for (let time = 0; time < 6; time++) {
        const { answer } = await sent({ [option]: mistake });
        const refused = await problem(answer);
        expect(refused).toMatchObject({ status: 500, code: 'misconfigured' });
        expect(refused.detail).toContain(option);
        expect(JSON.stringify(refused)).not.toContain('hunter2');
      }
    },
  );

  it('follows no redirect, which could carry the credentials elsewhere', async () => {
    const seen: unknown[] = [];
    const { broker } = openShop({}, {}, (sandbox) => (input, init) => {
      seen.push(init?.redirect);
      return sandbox.fetch(input, init);
    });
    await reply(broker(ask()));
    // 'error' does not exist on Cloudflare Workers
    expect(seen).toEqual(['manual', 'manual']);
  });
});

describe('environments', () => {
  it.each([
    'mypurecloud.com',
    'mypurecloud.com.au',
    'usw2.pure.cloud',
    'use2.us-gov-pure.cloud',
    'edee1.eusc-pure.cloud',
    'brand-new7.genesys.example',
  ])('%s names both hosts', async (environment) => {
    const { urls } = await sent({ environment });
    expect(urls).toEqual([
      `https://login.${environment}/oauth/token`,
      `https://api.${environment}/api/v2/webchat/visitors`,
    ]);
  });

  it.each([
    'https://mypurecloud.com',
    'mypurecloud.com:8443',
    'mypurecloud.com/evil',
    'evil.example/?x=.mypurecloud.com',
    'evil.example#mypurecloud.com',
    'user@evil.example',
    'mypurecloud.com\\@evil.example',
    'mypurecloud..com',
    '.mypurecloud.com',
    'mypurecloud.com.',
    'localhost',
    '127.0.0.1',
    '[::1]',
    'mypurecloud.com\nHost: evil.example',
    'mypurecloud.com ',
    '',
    `${'a'.repeat(64)}.com`,
    `${'a.'.repeat(140)}com`,
  ])('nothing is smuggled in: %j', (environment) => {
    expect(() => webchatVisitors({ ...client, environment })).toThrow('Option "environment"');
  });

  it('explicit base URLs win, with or without a slash at the end', async () => {
    const { urls } = await sent({
      apiUrl: 'https://proxy.example/genesys/',
      loginUrl: 'http://127.0.0.1:8787',
    });
    expect(urls).toEqual([
      'http://127.0.0.1:8787/oauth/token',
      'https://proxy.example/genesys/api/v2/webchat/visitors',
    ]);
  });

  it.each([
    'ftp://proxy.example',
    'javascript:alert(1)',
    'https://user:pass@proxy.example',
    'https://:pass@proxy.example',
    'https://proxy.example/?key=1',
    'https://proxy.example/#x',
    'proxy.example',
    // the client secret would travel in the clear
    'http://proxy.example',
    'http://127.0.0.1.evil.example',
  ])('%s is no base URL', (url) => {
    expect(() => webchatVisitors({ ...client, apiUrl: url })).toThrow('Option "apiUrl"');
    expect(() => webchatVisitors({ ...client, loginUrl: url })).toThrow('Option "loginUrl"');
  });

  it.each([
    [{ clientSecret: 's' }, 'clientId'],
    [{ clientId: 'i' }, 'clientSecret'],
    [{ clientId: 'i', clientSecret: '' }, 'clientSecret'],
    [{ clientId: 'i', clientSecret: 'copied with a line break\n' }, 'clientSecret'],
    [{ clientId: 'i', clientSecret: '„quoted“' }, 'clientSecret'],
  ])('%j lacks an OAuth client: said at construction', (options, named) => {
    expect(() => webchatVisitors(options)).toThrow(`Option "${named}"`);
  });

  it('no message shows the secret', () => {
    const options = { clientId: 'i', clientSecret: 'hunter2 ' };
    expect(() => webchatVisitors(options)).not.toThrow(/hunter2/);
  });

  it('the sandbox of another region works', async () => {
    const sandbox = createSandboxCloud({ environment: 'mypurecloud.ie' });
    const issuer = webchatVisitors({
      ...client,
      environment: 'mypurecloud.ie',
      fetch: sandbox.fetch,
    });
    await reply(openShop({ issuer }).broker(ask()));
    expect(sandbox.count()).toBe(2);
  });
});
