import { useGuestToken } from 'react-guest-token';

export function Chat() {
  const { status, visitorId, error } = useGuestToken();
  if (status === 'success') return <p>Connected as {visitorId}</p>;
  if (status === 'error') return <p role="alert">{error.message}</p>;
  return <p>Connecting…</p>;
}
