import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MessengerState } from '../examples/client/authenticatedSession.ts';
import { type Engine, launch, type Profile, type Tab } from './engines/engine.ts';
import { type MessengerSite, openMessengerSite } from './messengerSite.ts';
import type { MessengerPage } from './page/messenger.tsx';
import { engine } from './visit.ts';

let site: MessengerSite;
let browser: Engine;
let profile: Profile;

beforeAll(async () => {
  site = await openMessengerSite();
  browser = await launch(engine);
  profile = await browser.newProfile(() => undefined);
});
afterAll(async () => {
  await profile?.close();
  await browser?.close();
  await site?.close();
});

/** Waits until a page's session has gone through these states. */
function reaches(tab: Tab, ...states: MessengerState[]): Promise<void> {
  return tab.evaluate(
    (wanted) => window.messengerPage.until((page) => `${page.states}` === wanted),
    `${states}`,
  );
}

function acquiredBy(tab: Tab): Promise<MessengerPage['acquired']> {
  return tab.evaluate(() => window.messengerPage.acquired);
}

function signedOut(tab: Tab): Promise<void> {
  return tab.evaluate(() =>
    window.messengerPage.until(
      () => document.querySelector('[role=status]')?.textContent === 'idle',
    ),
  );
}

/** The visitor writes, and reads the history in each of three lives of the JWT. */
function liveThreeLives(tab: Tab): Promise<void> {
  return tab.evaluate(async () => {
    const { send, until, readHistory } = window.messengerPage;
    send('Hello');
    await until(({ texts }) => texts.length === 2);
    for (let lives = 1; lives <= 3; lives++) {
      const total = await readHistory();
      if (total !== 2) throw new Error(`The history answered ${total}.`);
      await until(({ acquired }) => acquired.visitor > lives);
    }
  });
}

/** From here on nothing is renewed by itself, so that what follows can be counted. */
async function lengthenLives(tab: Tab): Promise<void> {
  const { sandbox } = site;
  sandbox.configure({ tokenLifeSeconds: 600 });
  const isLong = (): boolean => Number(sandbox.issued.at(-1)?.expiresAtMs) > Date.now() + 60_000;
  await expect.poll(isLong, { timeout: 10_000 }).toBe(true);
  await tab.evaluate(
    (refreshed) => window.messengerPage.until(({ acquired }) => acquired.visitor > refreshed),
    sandbox.count('refresh'),
  );
}

it('a signed-in messenger lives through three JWTs, a cut socket, a 401 and a sign-out elsewhere', async () => {
  const { sandbox } = site;
  sandbox.configure({ tokenLifeSeconds: 4 });
  const counts = () => ({
    exchange: sandbox.count('exchange'),
    configure: sandbox.count('configureAuthenticatedSession'),
  });
  const url = site.page('ada', crypto.randomUUID());
  const tab = await profile.newTab();
  await tab.goto(url);
  await reaches(tab, 'connecting', 'open');
  expect(counts()).toEqual({ exchange: 1, configure: 1 });

  await liveThreeLives(tab);
  await lengthenLives(tab);
  const lived = await acquiredBy(tab);
  expect(counts()).toEqual({ exchange: 1, configure: 1 });
  expect(lived.visitor).toBeGreaterThan(4);
  expect(sandbox.count('refresh')).toBe(lived.visitor - 1);
  expect(lived.history).toBeGreaterThan(1);
  expect(sandbox.count('getJwt')).toBe(lived.history);

  sandbox.messaging.cut();
  await reaches(tab, 'connecting', 'open', 'connecting', 'open');
  expect(counts()).toEqual({ exchange: 1, configure: 2 });

  sandbox.fault('configureAuthenticatedSession', 'unauthorized', { times: 1 });
  sandbox.messaging.cut();
  await reaches(tab, 'connecting', 'open', 'connecting', 'open', 'connecting', 'open');
  expect(counts()).toEqual({ exchange: 1, configure: 4 });
  expect(await tab.evaluate(() => window.messengerPage.readHistory())).toBe(2);

  const other = await profile.newTab();
  await other.goto(url);
  await reaches(other, 'connecting', 'open');
  expect(counts()).toEqual({ exchange: 1, configure: 5 });
  await other.evaluate(() => window.messengerPage.signOut());
  await Promise.all([signedOut(tab), signedOut(other)]);
  await expect.poll(() => sandbox.messaging.sockets).toBe(0);

  const [here, there] = await Promise.all([acquiredBy(tab), acquiredBy(other)]);
  expect(sandbox.count('refresh')).toBe(here.visitor + there.visitor - 1);
  expect(sandbox.count('getJwt')).toBe(here.history + there.history);
  expect(counts()).toEqual({ exchange: 1, configure: 5 });
});
