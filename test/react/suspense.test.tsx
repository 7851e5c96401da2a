import { act, render, screen } from '@testing-library/react';
import { type ReactNode, StrictMode, Suspense } from 'react';
import { describe, expect, test } from 'vitest';
import {
  type GuestTokenError,
  GuestTokenProvider,
  type GuestTokenProviderProps,
  isGuestTokenError,
  type SuspenseGuestTokenView,
  useSuspenseGuestToken,
} from '../../src/index.ts';
import { allowConsole } from '../strays.ts';
import {
  down,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  pass,
  SECOND,
  setOnline,
  sleepMachine,
  status,
  withFakeTime,
} from './page.tsx';
import { Boundary, settle } from './suspending.tsx';

withFakeTime();

function show(props: Partial<GuestTokenProviderProps>, where: 'inside' | 'above' = 'inside') {
  const errors: unknown[] = [];
  const views: SuspenseGuestTokenView[] = [];
  let renders = 0;
  function Secret() {
    renders++;
    const view = useSuspenseGuestToken();
    views.push({ ...view });
    return <p>token {view.token}</p>;
  }
  const boundaries = (children: ReactNode) => (
    <Boundary onCatch={(error) => errors.push(error)}>
      <Suspense fallback="connecting">{children}</Suspense>
    </Boundary>
  );
  const provider = (children: ReactNode) => (
    <GuestTokenProvider externalId="visitor" {...props}>
      {children}
    </GuestTokenProvider>
  );
  const { unmount } = render(
    where === 'inside' ? provider(boundaries(<Secret />)) : boundaries(provider(<Secret />)),
    { wrapper: StrictMode },
  );
  return {
    errors,
    views,
    unmount,
    /** How often the component was called, whether it suspended or not. */
    get renders() {
      return renders;
    },
    get error(): GuestTokenError | undefined {
      const last = errors.at(-1);
      return isGuestTokenError(last) ? last : undefined;
    },
  };
}

async function retry(): Promise<void> {
  await act(async () => screen.getByText('retry').click());
  await settle();
}

/** What is on screen: hidden elements are not. */
function shown(): string {
  const visible = [...document.querySelectorAll('p, button')].filter(
    (element) => element instanceof HTMLElement && element.style.display !== 'none',
  );
  const fallback = document.body.textContent?.includes('connecting') ? ['connecting'] : [];
  return [...visible.map((element) => element.textContent), ...fallback].join(' ');
}

for (const where of ['inside', 'above'] as const) {
  describe(`with the boundaries ${where} the provider`, () => {
    test('a component suspends until there is a token, and again when it has expired', async () => {
      const source = fakeSource(issuing(HOUR, SECOND));
      const { views } = show({ source }, where);
      expect(shown()).toBe('connecting');
      await settle(SECOND);
      expect(shown()).toMatch(/^token ey/);
      const first = views.at(-1)?.token;
      sleepMachine(2 * HOUR);
      await focusWindow();
      expect(shown()).toBe('connecting');
      await settle(SECOND);
      expect(shown()).toMatch(/^token ey/);
      expect(views.at(-1)?.token).not.toBe(first);
      expect(source.requests).toHaveLength(2);
    });

    test('a token that expires after its renewal has failed shows the error boundary', async () => {
      allowConsole(/./);
      const source = fakeSource(issuing(HOUR));
      const page = show({ source }, where);
      await settle();
      source.answer = down;
      await settle(HOUR - 1);
      expect(shown()).toMatch(/^token ey/);
      await settle(1);
      expect(shown()).toBe('retry');
      expect(page.error?.code).toBe('unreachable');
      source.answer = issuing(HOUR);
      await retry();
      expect(shown()).toMatch(/^token ey/);
    });

    test('a renewal does not suspend', async () => {
      const source = fakeSource(issuing(HOUR));
      show({ source }, where);
      await settle();
      source.answer = issuing(HOUR, 5 * SECOND);
      for (let second = 0; second < 70; second++) {
        await pass(second === 0 ? 58 * MINUTE : SECOND);
        expect(shown()).toMatch(/^token ey/);
      }
      expect(source.requests).toHaveLength(2);
    });

    test('a failed acquisition shows the error boundary, and resetting it starts a new one', async () => {
      allowConsole(/./); // React tells of caught errors
      const source = fakeSource(status(400));
      const page = show({ source }, where);
      await settle();
      expect(shown()).toBe('retry');
      expect(page.error?.code).toBe('rejected');
      expect(source.requests).toHaveLength(1);
      source.answer = issuing(HOUR, SECOND);
      await retry();
      expect(shown()).toBe('connecting');
      await settle(SECOND);
      expect(shown()).toMatch(/^token ey/);
      expect(source.requests).toHaveLength(2);
    });

    test('a reset that fails again shows the new error, with one request per reset', async () => {
      allowConsole(/./);
      const source = fakeSource(status(400));
      const page = show({ source }, where);
      await settle();
      source.answer = status(501);
      await retry();
      expect(shown()).toBe('retry');
      expect(page.error?.code).toBe('unavailable');
      await retry();
      expect(shown()).toBe('retry');
      expect(source.requests).toHaveLength(3);
    });
  });
}

test('a failed renewal does not reach the error boundary while the token is valid', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = show({ source });
  await settle();
  source.answer = status(400);
  await settle(HOUR - SECOND);
  expect(shown()).toMatch(/^token ey/);
  expect(page.views.at(-1)).toMatchObject({ status: 'success', error: { code: 'rejected' } });
  expect(page.errors).toEqual([]);
});

test('resetting the boundary ends a wait that the server asked for', async () => {
  allowConsole(/./);
  const source = fakeSource(status(429, { 'Retry-After': '120' }));
  const page = show({ source });
  await settle();
  expect(page.error).toMatchObject({
    code: 'rate_limited',
    retryAtMs: Date.now() + 120 * SECOND,
  });
  source.answer = issuing();
  await retry();
  expect(shown()).toMatch(/^token ey/);
});

test('a wait that the server asks for after the boundary was reset is kept', async () => {
  allowConsole(/./);
  const source = fakeSource(status(400));
  show({ source });
  await settle();
  source.answer = status(429, { 'Retry-After': '20' });
  await retry();
  await settle(19 * SECOND);
  expect(shown()).toBe('connecting');
  expect(source.requests).toHaveLength(2);
  source.answer = issuing();
  await settle(SECOND);
  expect(shown()).toMatch(/^token ey/);
});

test('a component that suspends is not rendered while attempts fail, and shows the last failure', async () => {
  allowConsole(/./);
  const answer = status(503);
  const source = fakeSource(async (...request) => {
    await issuing(HOUR, SECOND)(...request);
    return answer(...request);
  });
  const page = show({ source });
  await settle();
  const before = page.renders;
  for (let second = 0; second < 6; second++) await settle(SECOND);
  expect(source.requests).toHaveLength(3);
  expect(page.renders).toBe(before);
  await settle(2 * SECOND);
  expect(shown()).toBe('retry');
  expect(page.error?.code).toBe('unavailable');
});

test('page events during suspension cause no second request', async () => {
  const source = fakeSource(issuing(HOUR, 5 * SECOND));
  show({ source });
  for (let n = 0; n < 20; n++) await focusWindow();
  await settle(5 * SECOND);
  expect(shown()).toMatch(/^token ey/);
  expect(source.requests).toHaveLength(1);
});

test('a component that suspends offline has its token as soon as the page is online', async () => {
  await setOnline(false);
  const source = fakeSource();
  show({ source });
  await settle(8 * SECOND);
  expect(shown()).toBe('connecting');
  await setOnline(true);
  await settle();
  expect(shown()).toMatch(/^token ey/);
  expect(source.requests).toHaveLength(1);
});

test('the Suspense hook’s view has getToken and refresh', async () => {
  const source = fakeSource();
  const { views } = show({ source });
  await settle();
  const view = views.at(-1);
  const before = view?.token;
  expect(await view?.getToken()).toBe(before);
  const refreshed = view?.refresh();
  await settle();
  expect(await refreshed).toBe(views.at(-1)?.token);
  expect(views.at(-1)?.token).not.toBe(before);
});
