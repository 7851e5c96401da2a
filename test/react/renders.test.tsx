import type { ReactNode } from 'react';
import { expect, test } from 'vitest';
import {
  type GuestTokenView,
  useGuestFetch,
  useGuestToken,
  useSuspenseGuestToken,
} from '../../src/index.ts';
import {
  claims,
  down,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  type Page,
  pass,
  SECOND,
  setOnline,
  setVisible,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer, refusing } from './server.ts';

withFakeTime();

interface Counted {
  readonly page: Page;
  readonly source: ReturnType<typeof fakeSource>;
  /** Renders since the token came. */
  readonly renders: () => number;
}

/** A page with a token, and a component that reads what `read` reads. */
async function reading(
  read: (view: GuestTokenView) => unknown,
  answer = issuing(HOUR, SECOND),
): Promise<Counted> {
  let renders = 0;
  function Reader(): ReactNode {
    const view = useGuestToken();
    read(view);
    renders++;
    return null;
  }
  const source = fakeSource(answer);
  const page = showWidget({ source, children: <Reader /> });
  await pass(SECOND);
  const before = renders;
  return { page, source, renders: () => renders - before };
}

/** Three refreshes of a second each. */
async function threeRefreshes(): Promise<void> {
  for (let n = 0; n < 3; n++) {
    await pass(59 * MINUTE - SECOND); // React 18 renders when this is over
    await pass(SECOND);
  }
}

test('twenty focus events on a fresh token cost no render', async () => {
  const { source, renders } = await reading((view) => ({ ...view }));
  for (let n = 0; n < 20; n++) await focusWindow();
  expect(renders()).toBe(0);
  expect(source.requests).toHaveLength(1);
});

test('heartbeats, a hidden page and a changing network cost no render while the token is fresh', async () => {
  const { renders } = await reading((view) => ({ ...view }));
  await pass(30 * MINUTE);
  await setVisible(false);
  await setVisible(true);
  await setOnline(false);
  await setOnline(true);
  await pass(25 * MINUTE);
  expect(renders()).toBe(0);
});

for (const field of ['visitorId', 'status', 'error', 'retryAtMs'] as const) {
  test(`three renewals cost no render of a component that reads only ${field}`, async () => {
    const { source, renders } = await reading((view) => view[field]);
    await threeRefreshes();
    expect(source.requests).toHaveLength(4);
    expect(renders()).toBe(0);
  });
}

test('a component that reads only the token renders once per renewal', async () => {
  const { source, renders } = await reading((view) => view.token);
  await threeRefreshes();
  expect(source.requests).toHaveLength(4);
  expect(renders()).toBe(3);
});

test('a component that reads every field renders twice per renewal', async () => {
  const { renders } = await reading((view) => ({ ...view }));
  await threeRefreshes();
  expect(renders()).toBe(6);
});

test('a component that reads only getToken never renders again', async () => {
  const { source, renders } = await reading(({ getToken }) => getToken);
  source.answer = down;
  await pass(5 * HOUR);
  expect(renders()).toBe(0);
});

test('a failed renewal costs no render of a component that reads only the token', async () => {
  const { source, renders } = await reading((view) => view.token);
  source.answer = status(503);
  await pass(HOUR - 2 * SECOND);
  expect(source.requests.length).toBeGreaterThan(3);
  expect(renders()).toBe(0);
});

test('a field that is first read in a later render is tracked from then on', async () => {
  let readMore = false;
  const { page, renders } = await reading((view) => readMore && view.token);
  const before = renders();
  readMore = true;
  page.update({ children: null });
  const seen: (string | undefined)[] = [];
  function Late() {
    const view = useGuestToken();
    seen.push(readMore ? view.token : undefined);
    return null;
  }
  page.update({ children: <Late /> });
  await pass(HOUR);
  expect(before).toBe(0);
  expect(claims(seen.at(-1)).jti).toBeGreaterThan(claims(seen[0]).jti);
});

test('a component that suspends renders once per renewal', async () => {
  let renders = 0;
  function Secret() {
    renders++;
    return <p>{useSuspenseGuestToken().token}</p>;
  }
  const source = fakeSource(issuing(HOUR, SECOND));
  showWidget({ source, children: <Secret /> });
  await pass(SECOND);
  await pass();
  const before = renders;
  for (let n = 0; n < 20; n++) await focusWindow();
  expect(renders - before).toBe(0);
  await threeRefreshes();
  expect(renders - before).toBe(3);
});

test('a provider that renders again with the same children causes no render of its components', async () => {
  const { page, renders } = await reading((view) => ({ ...view }));
  for (let n = 0; n < 10; n++) {
    page.update({
      attributes: { n },
      onEvent: () => undefined,
      retry: { attempts: 2 },
      origins: [],
    });
    await pass();
  }
  expect(renders()).toBe(0);
});

test('getToken, refresh and the guest fetch keep their identity for the provider’s life', async () => {
  const seen = { getToken: new Set(), refresh: new Set(), fetch: new Set() };
  function Reader() {
    const { getToken, refresh, ...rest } = useGuestToken();
    seen.getToken.add(getToken);
    seen.refresh.add(refresh);
    seen.fetch.add(useGuestFetch());
    return <p>{rest.status}</p>;
  }
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source, children: <Reader /> });
  await pass(2 * HOUR);
  source.answer = down;
  await pass(2 * HOUR);
  source.answer = issuing(HOUR);
  await pass(HOUR);
  page.update({ externalId: 'other', origins: ['https://api.mypurecloud.ie'], expiryBufferMs: 1 });
  await pass(HOUR);
  page.update({ externalId: null });
  page.update({ externalId: 'visitor', keepFresh: 'on-demand', source: fakeSource() });
  await pass(HOUR);
  expect(seen.getToken.size).toBe(1);
  expect(seen.refresh.size).toBe(1);
  expect(seen.fetch.size).toBe(1);
});

test('replacing a rejected token renders a component that reads the token once', async () => {
  const tokens: (string | undefined)[] = [];
  let guestFetch: typeof fetch | undefined;
  function Reader() {
    tokens.push(useGuestToken().token);
    guestFetch = useGuestFetch();
    return null;
  }
  showWidget({ source: fakeSource(issuing(HOUR, SECOND)), children: <Reader /> });
  await pass(SECOND);
  const before = tokens.length;
  fakeServer(refusing(tokens.at(-1)));
  guestFetch?.('/api/conversations');
  await pass(SECOND);
  expect(tokens.length - before).toBe(1);
});
