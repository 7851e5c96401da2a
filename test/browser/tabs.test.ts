import type { Page } from 'playwright';
import { describe, expect, it } from 'vitest';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import { eventsOf, showing, startVisit, tokenOf } from './visit.ts';

const visit = startVisit();

/** How many others wait for a lock, as seen from a page. */
function waitingForLock(page: Page): Promise<number | undefined> {
  return page.evaluate(async () => (await navigator.locks.query()).pending?.length);
}

async function lifecycle(page: Page, state: 'frozen' | 'active'): Promise<void> {
  const session = await visit.context.newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state });
}

describe('five tabs of one visitor, two of them visible', () => {
  it('ask three times in three lives, and all have a new token within 100 ms', async () => {
    const { site, open, hiddenTab } = visit;
    site.sandbox.configure({ tokenLifeSeconds: 5 });
    const config = { expiryBufferMs: 500 };
    const hidden = await Promise.all([hiddenTab(), hiddenTab(), hiddenTab()]);
    for (const tab of hidden) await open('anna', config, tab);
    const visible = await Promise.all([open('anna', config), open('anna', config)]);

    const tabs = [...hidden, ...visible];
    const got = await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(async () => {
          await window.guest.until(({ gotAtMs }) => gotAtMs().length >= 3);
          return window.guest.gotAtMs();
        }),
      ),
    );
    expect(site.sandbox.count('visitor')).toBe(3);
    expect(site.asked).toBe(3);
    const tokens = await Promise.all(tabs.map(tokenOf));
    expect(tokens).toEqual(tabs.map(() => site.sandbox.issued.at(-1)?.token));
    const apartMs = [0, 1, 2].map((life) => {
      const times = got.map((times) => times[life] ?? Number.NaN);
      return Math.max(...times) - Math.min(...times);
    });
    // The quickest life counts: with other work on the machine, a message may take longer.
    expect(Math.min(...apartMs)).toBeLessThanOrEqual(100);
  });
});

describe('a tab that is opened later', () => {
  it('has the token from the others, without a request', async () => {
    const { site, open, patientTab } = visit;
    const first = await open('anna');
    const token = await tokenOf(first);
    const second = await open('anna', {}, await patientTab());
    expect(await tokenOf(second)).toBe(token);
    expect(await eventsOf(second)).toEqual(['shared']);
    expect(site.asked).toBe(1);
  });

  it('asks by itself where the others are gone', async () => {
    const { site, open } = visit;
    const first = await open('anna');
    await tokenOf(first);
    await first.close();
    await tokenOf(await open('anna'));
    expect(site.asked).toBe(2);
    // the broker has kept it
    expect(site.sandbox.count('visitor')).toBe(1);
  });
});

describe('a tab that dies while it asks', () => {
  it.each(['closed', 'crashed'])('%s: another one takes over within 3 s', async (how) => {
    const { site, open, context } = visit;
    site.hold();
    const asking = await open('anna');
    await site.until(() => site.asked === 1);
    const waiting = await open('anna');
    await expect.poll(() => waitingForLock(waiting)).toBe(1);

    const diedAtMs = Date.now();
    if (how === 'closed') await asking.close();
    else {
      const session = await context.newCDPSession(asking);
      const crashed = asking.waitForEvent('crash');
      session.send('Page.crash').catch(() => undefined);
      await crashed;
    }
    await tokenOf(waiting);
    const [atMs = Number.NaN] = await waiting.evaluate(() => window.guest.gotAtMs());
    expect(atMs - diedAtMs).toBeLessThan(3_000);
    expect(site.asked).toBe(2);
    expect(site.sandbox.count('visitor')).toBe(1);
  });
});

describe('a tab that is frozen while it holds the lock', () => {
  it('holds up the others for 2 s at most, and has their token when it thaws', async () => {
    const { site, open } = visit;
    site.hold();
    const frozen = await open('anna');
    await site.until(() => site.asked === 1);
    await lifecycle(frozen, 'frozen');
    const other = await open('anna');
    await expect.poll(() => waitingForLock(other)).toBe(1);
    const token = await tokenOf(other);
    const waitedMs = await other.evaluate(
      () =>
        (window.guest.events.find(({ type }) => type === 'acquiring')?.atMs ?? Number.NaN) -
        performance.timeOrigin,
    );
    // with the loading of the page
    expect(waitedMs).toBeLessThan(3_000);

    await lifecycle(frozen, 'active');
    expect(await tokenOf(frozen)).toBe(token);
    expect(await eventsOf(frozen)).toEqual(['acquiring', 'shared']);
    expect(site.asked).toBe(2);
  });
});

describe('sign-out', () => {
  it('in one tab reaches all tabs of this visitor, and nobody asks again', async () => {
    const { site, open, patientTab } = visit;
    const [first, ben] = [await open('anna'), await open('ben')];
    const tokenOfBen = await tokenOf(ben);
    await tokenOf(first);
    const second = await open('anna', {}, await patientTab());
    await tokenOf(second);
    await first.evaluate(() => window.guest.configure({ externalId: null }));
    await Promise.all([showing(first, 'idle'), showing(second, 'idle')]);
    expect(await second.evaluate(() => window.guest.shown.token)).toBeUndefined();
    await expect(second.evaluate(() => window.guest.getToken())).rejects.toThrow(/visitor is gone/);
    expect(await tokenOf(ben)).toBe(tokenOfBen);
    expect(site.asked).toBe(2);
  });

  it('ends with the next sign-in, for all tabs', async () => {
    const { open } = visit;
    const [first, second] = [await open('anna'), await open('anna')];
    const before = await tokenOf(second);
    await first.evaluate(() => window.guest.configure({ externalId: null }));
    await showing(second, 'idle');
    await first.evaluate(() => window.guest.configure({ externalId: 'anna' }));
    const tokens = await Promise.all([tokenOf(first), tokenOf(second)]);
    expect(tokens).toEqual([before, before]);
  });
});

describe('two visitors in two tabs', () => {
  it('never see a token of each other', async () => {
    const { site, open } = visit;
    const [anna, ben] = await Promise.all([open('anna'), open('ben')]);
    await Promise.all([tokenOf(anna), tokenOf(ben)]);
    await Promise.all([anna, ben].map((tab) => tab.evaluate(() => window.guest.refresh())));
    await anna.evaluate(() => window.guest.refresh().catch(() => undefined));

    for (const [visitor, tab] of [
      ['anna', anna],
      ['ben', ben],
    ] as const) {
      const token = await tokenOf(tab);
      expect(site.sandbox.issued.find((issued) => issued.token === token)?.externalId).toBe(
        visitor,
      );
      expect(await eventsOf(tab)).not.toContain('shared');
    }
  });
});

describe('a token that is replaced at once', () => {
  it('is replaced in all tabs, and never comes back', async () => {
    const { open, context, patientTab } = visit;
    // nothing in these says which is the newer one
    const replies = ['z-the-first', 'a-the-second'].map((token) => ({
      id: 'anna',
      token,
      expires_in: 3_600,
    }));
    await context.route('**/api/guest-token', (route) => route.fulfill({ json: replies.shift() }));
    const first = await open('anna');
    await tokenOf(first);
    const second = await open('anna', {}, await patientTab());
    await tokenOf(second);
    await first.evaluate(() => window.guest.refresh());
    await second.evaluate(() => window.guest.until(({ gotAtMs }) => gotAtMs().length === 2));
    const third = await open('anna', {}, await patientTab());
    const tokens = await Promise.all([first, second, third].map(tokenOf));
    expect(tokens).toEqual(['a-the-second', 'a-the-second', 'a-the-second']);
  });
});

describe('the channel between tabs', () => {
  it('believes nothing that is not a living, newer token', async () => {
    const { site, open, context, patientTab } = visit;
    await context.addInitScript(() => {
      const Real = BroadcastChannel;
      window.BroadcastChannel = class extends Real {
        constructor(name: string) {
          super(name);
          sessionStorage.setItem('the channel', name);
        }
      };
    });
    const tab = await open('anna');
    const token = await tokenOf(tab);
    const events = await eventsOf(tab);
    // a good one, from a minute ago
    const older = fakeGuestToken({ iat: Math.floor(Date.now() / 1000) - 60 });
    await tab.evaluate(() => window.guest.refresh());
    const newer = await tokenOf(tab);
    expect(newer).not.toBe(token);

    await tab.evaluate((old) => {
      const channel = new BroadcastChannel(sessionStorage.getItem('the channel') ?? '');
      const now = Date.now();
      const good = { id: 'mallory', token: 'forged', expires_in: 3_600, sharedAtMs: now };
      const created_time = new Date(now - 60_000).toISOString();
      const tokens: unknown[] = [
        undefined,
        null,
        'forged',
        [],
        {},
        { ...good, token: '' },
        { ...good, token: 7 },
        { ...good, token: 'forged\r\nX-Evil: 1' },
        { ...good, token: ['forged'] },
        { ...good, id: '' },
        { ...good, id: null },
        { ...good, expires_in: 0 },
        { ...good, expires_in: -1 },
        { ...good, expires_in: Number.NaN },
        { ...good, expires_in: Number.POSITIVE_INFINITY },
        { ...good, expires_in: '3600' },
        { ...good, sharedAtMs: undefined },
        { ...good, sharedAtMs: Number.NaN },
        { ...good, sharedAtMs: now + 3_600_000 },
        { ...good, sharedAtMs: now - 3_600_000 },
        { ...good, created_time },
        { ...good, token: old },
      ];
      const loop: Record<string, unknown> = {};
      loop.token = loop;
      const messages: unknown[] = [
        undefined,
        null,
        0,
        'token',
        'signed-out',
        ['signed-out'],
        {},
        { type: 'toString' },
        { type: '__proto__', token: good },
        { type: ['token'], token: good },
        { type: 'unheard-of', token: good },
        new Map([['type', 'signed-out']]),
        { ...loop, type: 'token' },
        ...tokens.map((shared) => ({ type: 'token', token: shared })),
      ];
      for (const message of messages) channel.postMessage(message);
      channel.close();
    }, older);

    // comes through the same channel, after all of the above
    const later = await open('anna', {}, await patientTab());
    expect(await tokenOf(later)).toBe(newer);
    expect(await eventsOf(tab)).toEqual([...events, 'acquiring', 'acquired']);
    expect(await tokenOf(tab)).toBe(newer);
    expect(site.asked).toBe(2);
  });
});

describe('a browser without', () => {
  it.each([
    ['Web Locks', 1, () => Reflect.deleteProperty(Navigator.prototype, 'locks')],
    ['BroadcastChannel', 2, () => Reflect.deleteProperty(window, 'BroadcastChannel')],
    [
      'either',
      2,
      () => {
        Reflect.deleteProperty(Navigator.prototype, 'locks');
        Reflect.deleteProperty(window, 'BroadcastChannel');
      },
    ],
    [
      'leave to use them',
      2,
      () => {
        const refuse = () => Promise.reject(new DOMException('', 'SecurityError'));
        // the empty page before is no secure context, and has none
        if (navigator.locks) Object.getPrototypeOf(navigator.locks).request = refuse;
        window.BroadcastChannel = class extends BroadcastChannel {
          constructor(name: string) {
            super(name);
            throw new DOMException('', 'SecurityError');
          }
        };
      },
    ],
  ])('%s still has a token in each tab', async (_, asked, crippled) => {
    const { site, open, context, patientTab } = visit;
    await context.addInitScript(crippled);
    const first = await open('anna');
    const token = await tokenOf(first);
    const second = await open('anna', {}, await patientTab());
    expect(await tokenOf(second)).toBe(token);
    expect(await second.evaluate(() => window.guest.refresh())).not.toBe(token);
    expect(site.asked).toBe(asked + 1);
  });
});

describe('shareAcrossTabs={false}', () => {
  it('keeps a tab to itself', async () => {
    const { site, open } = visit;
    const first = await open('anna');
    await tokenOf(first);
    const second = await open('anna', { shareAcrossTabs: false });
    await tokenOf(second);
    expect(await eventsOf(second)).toEqual(['acquiring', 'acquired']);
    expect(site.asked).toBe(2);
  });
});
