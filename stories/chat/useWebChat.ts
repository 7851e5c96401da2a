import { type GuestTokenView, useGuestToken } from '../../src/index.ts';
import type { ChatConnection, Line } from './connection.ts';
import { useMessages } from './useMessages.ts';

/** A web chat, whose every call carries the guest token. */
export function useWebChat(apiUrl: string): ChatConnection {
  const messages = useMessages(apiUrl);
  const view = useGuestToken();
  const { status, error } = view;
  return {
    ...messages,
    status: error && status !== 'success' ? 'error' : status,
    line: lineOf(view),
  };
}

function lineOf(view: GuestTokenView): Line {
  const { status, error, isFetching, retryAtMs, refresh } = view;
  const text = describe(view);
  if (status === 'success' || error === null) {
    const isBusy = isFetching || error !== null;
    return { text, mood: isBusy ? 'busy' : status === 'error' ? 'bad' : status };
  }
  if (!isOnline(view)) return { text, mood: 'bad' };
  // What it fails with stands in `error`.
  const run = (): void => void refresh().catch(() => undefined);
  return {
    text,
    mood: 'bad',
    retryAtMs,
    action: { label: 'Try now', run, disabled: isFetching },
  };
}

/** Offline there is nothing to try: it goes on by itself. */
function isOnline({ error, retryAtMs }: GuestTokenView): boolean {
  return error?.code !== 'unreachable' || retryAtMs !== undefined;
}

function describe(view: GuestTokenView): string {
  const { status, error, isFetching } = view;
  if (status === 'idle') return 'Signed out';
  if (status === 'success') {
    if (isFetching) return 'Renewing the connection…';
    return error ? 'Connected. The renewal will be tried again.' : 'Connected';
  }
  if (error === null) return 'Connecting…';
  if (!isOnline(view)) return 'You seem to be offline. We go on when you are back.';
  return error.code === 'rate_limited' ? 'Very busy right now.' : 'The connection failed.';
}
