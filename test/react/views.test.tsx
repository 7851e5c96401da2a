// What a component has in hand: a snapshot of the moment at which it was rendered.
import { act, screen } from '@testing-library/react';
import { Suspense, useState } from 'react';
import { describe, expect, test } from 'vitest';
import { type GuestTokenView, useGuestToken, useSuspenseGuestToken } from '../../src/index.ts';
import {
  down,
  fakeSource,
  focusWindow,
  HOUR,
  issuing,
  MINUTE,
  outcomeOf,
  type Page,
  pass,
  SECOND,
  setVisible,
  showWidget,
  sleepMachine,
  status,
  withFakeTime,
} from './page.tsx';

withFakeTime();

interface Kept {
  readonly view: GuestTokenView;
  /** What it said when it was rendered. */
  readonly said: GuestTokenView;
}

/** A page that keeps each view that was rendered. */
function keepViews(props: Parameters<typeof showWidget>[0], use = useGuestToken) {
  const kept: Kept[] = [];
  function Keeper() {
    const view = use();
    kept.push({ view, said: { ...view } });
    return <p>{view.token ?? 'none'}</p>;
  }
  const children = (
    <Suspense fallback="connecting">
      <Keeper />
    </Suspense>
  );
  return { kept, page: showWidget({ ...props, children }) };
}

/** A token, its renewal, failures, its end, a sleep, and a visitor who leaves. */
async function liveThroughAll(page: Page, source: ReturnType<typeof fakeSource>): Promise<void> {
  await pass(HOUR);
  source.answer = status(503);
  await pass(2 * HOUR);
  source.answer = issuing(HOUR);
  await pass(10 * MINUTE);
  sleepMachine(2 * HOUR);
  await focusWindow();
  await setVisible(false);
  await pass(2 * HOUR);
  await setVisible(true);
  page.update({ externalId: null });
  await pass();
}

test('a view never changes after it was returned', async () => {
  const source = fakeSource(issuing(HOUR, SECOND));
  const { kept, page } = keepViews({ source });
  await liveThroughAll(page, source);
  expect(new Set(kept.map(({ said }) => said.status))).toEqual(
    new Set(['pending', 'success', 'error', 'idle']),
  );
  for (const { view, said } of kept) expect({ ...view }).toEqual(said);
});

test('status and token of a view always agree', async () => {
  const source = fakeSource(issuing(HOUR, SECOND));
  const { kept, page } = keepViews({ source });
  await liveThroughAll(page, source);
  for (const { view } of kept) {
    expect(typeof view.token).toBe(view.status === 'success' ? 'string' : 'undefined');
    expect(typeof view.expiresAtMs).toBe(view.status === 'success' ? 'number' : 'undefined');
  }
});

test('the Suspense hook’s view keeps its token after it has expired', async () => {
  const source = fakeSource(issuing(HOUR));
  const { kept } = keepViews({ source }, useSuspenseGuestToken);
  await pass();
  await pass();
  source.answer = issuing(HOUR, SECOND);
  sleepMachine(2 * HOUR);
  await focusWindow();
  await pass(SECOND);
  await pass();
  expect(kept.length).toBeGreaterThan(1);
  for (const { view, said } of kept) expect(view.token).toBe(said.token);
});

describe('a view', () => {
  test('a frozen view can be read after its token was renewed', async () => {
    const { kept, page } = keepViews({ source: fakeSource(issuing(HOUR)) });
    await pass();
    const { view, said } = kept.at(-1) as Kept;
    Object.freeze(view);
    await pass(HOUR);
    expect(kept.at(-1)?.view.token).not.toBe(said.token);
    for (const field of Object.keys(said) as (keyof GuestTokenView)[]) {
      expect(view[field]).toBe(said[field]);
    }
    page.update({ externalId: null });
    await pass();
    expect(view.token).toBe(said.token);
  });

  test('a component that freezes its view during render still renders for the fields it reads', async () => {
    const tokens: (string | undefined)[] = [];
    function Freezer() {
      const view = Object.freeze(useGuestToken());
      tokens.push(view.token);
      return null;
    }
    showWidget({ source: fakeSource(issuing(HOUR)), children: <Freezer /> });
    await pass();
    // React 18 renders when a stretch of time is over
    for (let renewals = 1; renewals <= 3; renewals++) await pass(HOUR);
    expect(new Set(tokens).size).toBe(5);
  });

  test('a view can be spread, and its data can be cloned', async () => {
    const source = fakeSource(issuing(HOUR));
    const { kept, page } = keepViews({ source });
    await liveThroughAll(page, source);
    for (const { view, said } of kept) {
      const { getToken, refresh, error, ...data } = view;
      expect(structuredClone(data)).toEqual(data);
      expect({ ...data, getToken, refresh, error }).toEqual(said);
    }
  });
});

test('a callback keeps the token it was made for, and getToken returns the next one', async () => {
  const source = fakeSource(issuing(HOUR));
  let send: () => { sent: string; asked: Promise<string> } | undefined = () => undefined;
  function Chat() {
    const view = useGuestToken();
    if (view.status !== 'success') return <p>none</p>;
    send = () => ({ sent: view.token.slice(), asked: view.getToken() });
    return <p>{view.token}</p>;
  }
  const page = showWidget({ source, children: <Chat /> });
  await pass();
  const before = page.probe.shown;
  sleepMachine(2 * HOUR);
  const call = send();
  expect(call?.sent).toBe(before);
  const asked = outcomeOf(call?.asked ?? Promise.reject(new Error('not rendered')));
  await pass();
  expect(asked.token).toMatch(/^ey/);
  expect(asked.token).not.toBe(before);
});

describe('a render after expiry', () => {
  test('a component that renders again after expiry shows no token before any timer or event', async () => {
    const source = fakeSource(issuing(HOUR));
    let again: () => void = () => undefined;
    function Chat() {
      const [renders, setRenders] = useState(1);
      again = () => setRenders(renders + 1);
      return <p data-testid="chat">{`${renders} ${useGuestToken().token ?? 'none'}`}</p>;
    }
    showWidget({ source, children: <Chat /> });
    await pass();
    expect(screen.getByTestId('chat').textContent).toMatch(/ ey/);
    source.answer = down;
    sleepMachine(2 * HOUR);
    act(() => again());
    expect(screen.getByTestId('chat').textContent).toMatch(/ none$/);
  });

  test('reading the token of an earlier view does not keep an expired token on screen', async () => {
    const source = fakeSource(issuing(HOUR));
    const { kept } = keepViews({ source });
    await pass();
    source.answer = down;
    sleepMachine(2 * HOUR);
    expect(kept.at(-1)?.view.token).toMatch(/^ey/);
    await pass(30 * SECOND);
    expect(screen.queryByText('none')).not.toBeNull();
  });
});
