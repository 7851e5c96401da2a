import { GuestTokenProvider, useGuestToken } from 'react-guest-token';

function Chat() {
  const { status, visitorId, error } = useGuestToken();
  if (status === 'success') return <p>Connected as {visitorId}</p>;
  if (status === 'error') return <p role="alert">{error.message}</p>;
  return <p>Connecting…</p>;
}

export default function App() {
  return (
    <GuestTokenProvider externalId="anonymous">
      <Chat />
    </GuestTokenProvider>
  );
}
