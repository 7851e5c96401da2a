import {
  GuestTokenProvider,
  type GuestTokenView,
  isGuestTokenError,
  useGuestFetch,
  useGuestToken,
} from 'react-guest-token';

function Chat() {
  const view: GuestTokenView = useGuestToken();
  const guestFetch: typeof fetch = useGuestFetch();
  if (view.status === 'error') return <p>{view.error.code}</p>;
  if (view.status !== 'success') return null;
  const token: string = view.token;
  const send = (): void => {
    guestFetch('/messages', { method: 'POST' }).catch((error: unknown) => {
      if (isGuestTokenError(error)) console.log(error.hint);
    });
  };
  return (
    <button type="button" onClick={send}>
      {token.length}
    </button>
  );
}

export const app = (
  <GuestTokenProvider externalId="ada" keepFresh="always" onEvent={({ type }) => console.log(type)}>
    <Chat />
  </GuestTokenProvider>
);

// @ts-expect-error a provider needs a visitor
export const wrong = <GuestTokenProvider />;
