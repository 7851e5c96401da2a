import { describe, expect, test, vi } from 'vitest';
import {
  down,
  fakeSource,
  focusWindow,
  HOUR,
  happen,
  issuing,
  MINUTE,
  outcomeOf,
  Probe,
  pass,
  SECOND,
  setVisible,
  showWidget,
  sleepMachine,
  status,
  watchListeners,
  withFakeTime,
} from './page.tsx';

withFakeTime();

/** A widget with a one-hour token, after two hours of sleep that nobody has told it about. */
async function afterSleep(props: Parameters<typeof showWidget>[0] = {}) {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source, ...props });
  await pass();
  const dead = page.view.token;
  sleepMachine(2 * HOUR);
  return { source, page, dead };
}

describe('a page that wakes with an expired token', () => {
  test.for([
    ['focus', window],
    ['pageshow', window],
    ['online', window],
    ['resume', document],
    ['visibilitychange', document],
  ] as const)('%s replaces a token that expired during sleep', async ([event, target]) => {
    const { source, page, dead } = await afterSleep();
    page.probe.tokens.length = 0;
    await happen(event, target);
    expect(source.requests).toHaveLength(2);
    expect(page.view.status).toBe('success');
    expect(page.probe.tokens).not.toContain(dead);
  });

  test('a page that keeps its visibilitychange to itself does not hide it from the session', async () => {
    const { source } = await afterSleep();
    const keep = (event: Event): void => event.stopImmediatePropagation();
    document.addEventListener('visibilitychange', keep, true);
    await happen('visibilitychange', document);
    document.removeEventListener('visibilitychange', keep, true);
    expect(source.requests).toHaveLength(2);
  });

  test('a token that expired during sleep is replaced within 30 s without any event', async () => {
    const { source, page, dead } = await afterSleep();
    page.probe.tokens.length = 0;
    await pass(30 * SECOND);
    expect(source.requests).toHaveLength(2);
    expect(page.probe.shown).toMatch(/^success ey/);
    expect(page.probe.shown).not.toContain(dead);
    expect(page.probe.tokens).not.toContain(dead);
  });
});

test('a component that mounts after sleep, before any timer, shows no expired token', async () => {
  const { page, dead } = await afterSleep();
  const late = new Probe();
  page.update({ children: <late.Widget /> });
  expect(late.tokens).not.toContain(dead);
});

test('the first getToken after sleep waits for a new token', async () => {
  const { source, page, dead } = await afterSleep();
  source.answer = issuing(HOUR, SECOND);
  const got = outcomeOf(page.view.getToken());
  await pass(SECOND - 1);
  expect(got).toEqual({});
  await pass(1);
  expect(got.token).toBe(page.view.token);
  expect(got.token).not.toBe(dead);
  expect(source.requests).toHaveLength(2);
});

test('many wake-ups at once cause one request', async () => {
  const { source } = await afterSleep();
  source.answer = issuing(HOUR, SECOND);
  for (const event of ['pageshow', 'focus', 'online']) await happen(event);
  await happen('resume', document);
  await setVisible(true);
  await pass(SECOND);
  expect(source.requests).toHaveLength(2);
});

test('focus renews a stale token before it expires', async () => {
  const source = fakeSource(issuing(HOUR));
  const page = showWidget({ source });
  await pass();
  const stale = page.view.token;
  sleepMachine(59 * MINUTE);
  source.answer = issuing(HOUR, SECOND);
  await focusWindow();
  expect(page.view).toMatchObject({ status: 'success', token: stale, isFetching: true });
  await pass(SECOND);
  expect(page.view.token).not.toBe(stale);
});

test('wake-ups with a fresh token cause no request', async () => {
  const source = fakeSource(issuing(HOUR));
  showWidget({ source });
  await pass();
  for (let n = 0; n < 10; n++) {
    await focusWindow();
    await setVisible(false);
    await setVisible(true);
    await happen('pageshow');
    await happen('resume', document);
    await happen('online');
  }
  expect(source.requests).toHaveLength(1);
});

test('renewal continues without further events if the first request after sleep fails', async () => {
  const { source, page } = await afterSleep({ retry: { attempts: 1 } });
  source.answer = down;
  await focusWindow();
  expect(page.view.status).toBe('error');
  source.answer = issuing(HOUR);
  await pass(30 * SECOND);
  expect(page.view.status).toBe('success');
  await pass(10 * HOUR);
  expect(page.view.status).toBe('success');
  expect(source.requests).toHaveLength(13); // 1 before, 1 failed, 11 lives of 59 min
});

test('a cool-down that ended during sleep no longer holds', async () => {
  const source = fakeSource(status(400));
  const page = showWidget({ source });
  await pass();
  source.answer = issuing(HOUR);
  sleepMachine(HOUR);
  await pass(30 * SECOND);
  expect(page.view.status).toBe('success');
});

describe('one timer', () => {
  test('a provider has one timer however many components use the token', async () => {
    const source = fakeSource(issuing(HOUR));
    const { Widget } = new Probe();
    const page = showWidget({
      source,
      children: Array.from({ length: 200 }, (_, n) => <Widget key={String(n)} />),
    });
    await pass();
    expect(vi.getTimerCount()).toBe(1);
    await pass(10 * HOUR);
    expect(vi.getTimerCount()).toBe(1);
    expect(source.requests).toHaveLength(11);
    page.unmount();
  });

  test('a provider has as many listeners for 200 components as for one', async () => {
    const listeners = watchListeners();
    const page = showWidget({ source: fakeSource() });
    await pass();
    const forOne = listeners.count;
    expect(forOne).toBeGreaterThan(0);
    const { Widget } = new Probe();
    page.update({ children: Array.from({ length: 200 }, (_, n) => <Widget key={String(n)} />) });
    await pass(MINUTE);
    expect(listeners.count).toBe(forOne);
  });
});
