import { describe, expect, it } from 'vitest';
import { fakeGuestToken } from '../../src/testing/fakeGuestToken.ts';
import type { Tab } from './engines/engine.ts';
import { engine, eventsOf, freeze, patience, showing, startVisit, tokenOf } from './visit.ts';

declare global {
  interface Window {
    overheard: { channel: string; message: { token: object } } | undefined;
    /** When the page first queued for a lock: epoch ms. */
    queuedAtMs: number | undefined;
  }
}

const visit = startVisit();

/** How many others wait for a lock, as seen from a page. */
function waitingForLock(page: Tab): Promise<number | undefined> {
  return page.evaluate(async () => (await navigator.locks.query()).pending?.length);
}

describe('five tabs of one visitor, two of them visible', () => {
  it('ask once in each life, and all have a new token within 100 ms', async () => {
    const { site, open } = visit;
    site.sandbox.configure({ tokenLifeSeconds: 5 });
    const config = { expiryBufferMs: 500 };
    const hidden: Tab[] = [];
    while (hidden.length < 3) hidden.push(await open('anna', config, { hidden: true }));
    const visible = await Promise.all([open('anna', config), open('anna', config)]);

    const tabs = [...hidden, ...visible];
    for (const tab of tabs) {
      await tab.evaluate(() => window.guest.until(({ gotAtMs }) => gotAtMs().length >= 3));
    }
    const got = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.guest.gotAtMs())));
    // a tab that was slow to open has missed the first lives
    const lives = Math.max(...got.map(({ length }) => length));
    expect(site.sandbox.count('visitor')).toBe(lives);
    expect(site.asked).toBe(lives);
    const tokens = await Promise.all(tabs.map(tokenOf));
    expect(tokens).toEqual(tabs.map(() => site.sandbox.issued.at(-1)?.token));
    const apartMs = [-1, -2, -3].map((life) => {
      const times = got.map((times) => times.at(life) ?? Number.NaN);
      return Math.max(...times) - Math.min(...times);
    });
    // The quickest life counts: with other work on the machine, a message may take longer.
    expect(Math.min(...apartMs)).toBeLessThanOrEqual(100);
  });
});

describe('a tab that is opened later', () => {
  it('has the token from the others, without a request', async () => {
    const { site, open } = visit;
    const first = await open('anna');
    const token = await tokenOf(first);
    const second = await open('anna', {}, { setup: [patience] });
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
  it.each(engine === 'chromium' ? ['closed', 'crashed'] : ['closed'])(
    '%s: another one takes over within 3 s',
    async (how) => {
      const { site, open } = visit;
      site.hold();
      const asking = await open('anna');
      await site.until(() => site.asked === 1);
      const waiting = await open('anna');
      await expect.poll(() => waitingForLock(waiting)).toBe(1);

      await (how === 'closed' ? asking.close() : asking.crash?.());
      const diedAtMs = Date.now();
      await tokenOf(waiting);
      const [atMs = Number.NaN] = await waiting.evaluate(() => window.guest.gotAtMs());
      expect(atMs - diedAtMs).toBeLessThan(3_000);
      expect(site.asked).toBe(2);
      expect(site.sandbox.count('visitor')).toBe(1);
    },
  );
});

describe('a tab that holds the lock, and', () => {
  /** Notes when the page queues for its lock. */
  function noteQueueing(): void {
    const { locks } = navigator;
    const request = locks.request.bind(locks) as (...args: unknown[]) => unknown;
    const noted = (...args: unknown[]): unknown => {
      window.queuedAtMs ??= Date.now();
      return request(...args);
    };
    Object.defineProperty(locks, 'request', { value: noted });
  }

  async function askedBeside(): Promise<Tab> {
    const other = await visit.open('anna', {}, { setup: [noteQueueing] });
    await expect.poll(() => waitingForLock(other)).toBe(1);
    await tokenOf(other);
    const waitedMs = await other.evaluate(() => {
      const asking = window.guest.events.find(({ type }) => type === 'acquiring');
      return (asking?.atMs ?? Number.NaN) - (window.queuedAtMs ?? Number.NaN);
    });
    expect(waitedMs).toBeLessThan(3_000);
    expect(visit.site.asked).toBe(2);
    return other;
  }

  it('has no answer yet, holds up the others for 2 s at most, and has their token then', async () => {
    const { site, open } = visit;
    site.hold();
    const holder = await open('anna');
    await site.until(() => site.asked === 1);
    const other = await askedBeside();
    expect(await tokenOf(holder)).toBe(await tokenOf(other));
    expect(await eventsOf(holder)).toEqual(['acquiring', 'shared']);
    expect(site.asked).toBe(2);
  });

  it.runIf(engine === 'chromium')('is frozen, holds up the others for 2 s at most', async () => {
    const { site, open } = visit;
    site.hold();
    const holder = await open('anna');
    await site.until(() => site.asked === 1);
    const thaw = await freeze(holder);
    await askedBeside();
    await thaw();
  });
});

describe('sign-out', () => {
  it('in one tab reaches all tabs of this visitor, and nobody asks again', async () => {
    const { site, open } = visit;
    const [first, ben] = [await open('anna'), await open('ben')];
    const tokenOfBen = await tokenOf(ben);
    await tokenOf(first);
    const second = await open('anna', {}, { setup: [patience] });
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
    const { site, open } = visit;
    // nothing in these says which is the newer one
    const replies = ['z-the-first', 'a-the-second'].map((token) => ({
      id: 'anna',
      token,
      expires_in: 3_600,
    }));
    for (const reply of replies) site.answer(() => Response.json(reply));
    const first = await open('anna');
    await tokenOf(first);
    const second = await open('anna', {}, { setup: [patience] });
    await tokenOf(second);
    await first.evaluate(() => window.guest.refresh());
    await second.evaluate(() => window.guest.until(({ gotAtMs }) => gotAtMs().length === 2));
    const third = await open('anna', {}, { setup: [patience] });
    const tokens = await Promise.all([first, second, third].map(tokenOf));
    expect(tokens).toEqual(['a-the-second', 'a-the-second', 'a-the-second']);
  });
});

describe('the channel between tabs', () => {
  it('believes nothing that is not a living, newer token', async () => {
    const { site, open } = visit;
    // what a tab sends, for a hostile page to play with
    const overhear = (): void => {
      const send = BroadcastChannel.prototype.postMessage;
      BroadcastChannel.prototype.postMessage = function (message) {
        if (message?.token) window.overheard ??= { channel: this.name, message };
        send.call(this, message);
      };
    };
    site.sandbox.configure({ clockOffsetMs: -60_000 });
    const tab = await open('anna', {}, { setup: [overhear] });
    await tokenOf(tab);
    const events = await eventsOf(tab);
    site.sandbox.configure({ clockOffsetMs: 0 });
    await tab.evaluate(() => window.guest.refresh());
    const token = await tokenOf(tab);

    // newer than any, if it were not for what each of them has in one field
    const forged = fakeGuestToken({ iat: Math.floor(Date.now() / 1000) + 60 });
    const sent = await tab.evaluate((token) => {
      if (!window.overheard) throw new Error('The tab has told nobody of its token.');
      const { channel: name, message } = window.overheard;
      const channel = new BroadcastChannel(name);
      const junk = [undefined, null, '', 'forged', 'forged\r\nX-Evil: 1', 0, -1, Number.NaN];
      const worse = [Number.POSITIVE_INFINITY, 9e99, {}, [], ['forged'], true, new Map(), message];
      const values: unknown[] = [...junk, ...worse];
      const spoiltForgeries = Object.entries(message.token)
        .filter(([, value]) => typeof value === 'number')
        .flatMap(([field]) => {
          const wrong = [undefined, null, 'forged', Number.NaN, -1];
          // told in an hour; a request may be later than now, since the clock may have been set
          if (field === 'toldAtMs') wrong.push(Date.now() + 3_600_000);
          return wrong.map((each) => ({
            ...message,
            token: { ...message.token, token, [field]: each },
          }));
        });
      const messages: unknown[] = [
        ...values,
        // the older token as it was, and spoilt in each of its fields
        message,
        ...values.map((value) => ({ ...message, type: value })),
        ...values.map((value) => ({ ...message, token: value })),
        ...Object.keys(message.token).flatMap((field) =>
          values.map((value) => ({ ...message, token: { ...message.token, [field]: value } })),
        ),
        ...spoiltForgeries,
        { ...message, type: 'toString' },
        { ...message, type: '__proto__' },
      ];
      for (const each of messages) channel.postMessage(each);
      channel.close();
      return messages.length;
    }, forged);
    expect(sent).toBeGreaterThan(100);

    // comes through the same channel, after all of the above
    const later = await open('anna', {}, { setup: [patience] });
    expect(await tokenOf(later)).toBe(token);
    expect(await eventsOf(tab)).toEqual([...events, 'acquiring', 'acquired']);
    expect(await tokenOf(tab)).toBe(token);
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
        Object.getPrototypeOf(navigator.locks).request = refuse;
        window.BroadcastChannel = class extends BroadcastChannel {
          constructor(name: string) {
            super(name);
            throw new DOMException('', 'SecurityError');
          }
        };
      },
    ],
  ])('%s still has a token in each tab', async (_, asked, crippled) => {
    const { site, open } = visit;
    const first = await open('anna', {}, { setup: [crippled] });
    const token = await tokenOf(first);
    const second = await open('anna', {}, { setup: [crippled, patience] });
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
