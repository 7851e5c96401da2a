import { render, screen } from '@testing-library/react';
import { GuestTokenError, GuestTokenProvider } from 'react-guest-token';
import {
  fakeTokenSource,
  GuestTokenTestProvider,
  goOffline,
  goOnline,
  hidePage,
  passTime,
  resetPage,
  showPage,
} from 'react-guest-token/testing';
import { Chat } from './Chat';

const HOUR = 3_600_000;

afterEach(() => {
  resetPage();
  jest.useRealTimers();
  jest.restoreAllMocks();
});

test('a visitor with a token is connected', () => {
  render(<Chat />, { wrapper: GuestTokenTestProvider });
  expect(screen.getByText('Connected as test-visitor')).toBeTruthy();
});

test('a failure is shown', () => {
  const error = new GuestTokenError('unreachable', 'The page is offline.');
  render(
    <GuestTokenTestProvider status="error" error={error}>
      <Chat />
    </GuestTokenTestProvider>,
  );
  expect(screen.getByRole('alert').textContent).toMatch(/offline/);
});

test('a token is renewed before it expires, but not while the page is hidden', async () => {
  jest.useFakeTimers();
  const source = fakeTokenSource();
  render(
    <GuestTokenProvider externalId="ada" source={source}>
      <Chat />
    </GuestTokenProvider>,
  );
  await passTime(0);
  expect(screen.getByText('Connected as visitor-of-ada')).toBeTruthy();
  await passTime(HOUR);
  expect(source.tokens).toHaveLength(2);
  await hidePage();
  await passTime(HOUR);
  expect(source.tokens).toHaveLength(2);
  await showPage();
  expect(source.tokens).toHaveLength(3);
});

test('an expired token is not shown, and a visitor who was offline is connected again', async () => {
  jest.useFakeTimers();
  jest.spyOn(console, 'warn').mockReturnValue();
  const source = fakeTokenSource();
  render(
    <GuestTokenProvider externalId="ada" source={source}>
      <Chat />
    </GuestTokenProvider>,
  );
  await passTime(0);
  await goOffline();
  await source.expireToken();
  expect(screen.getByText('Connecting…')).toBeTruthy();
  await passTime(10_000);
  expect(screen.getByRole('alert')).toBeTruthy();
  await goOnline();
  expect(screen.getByText('Connected as visitor-of-ada')).toBeTruthy();
});
