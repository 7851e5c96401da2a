interface Session {
  url: string;
  deploymentId: string;
  /** A UUID that the widget makes once per conversation. */
  sessionId: string;
  /** `getToken` of `useGuestToken()`. */
  getToken: () => Promise<string>;
}

/**
 * Opens Genesys' web messaging socket. Call it again for each reconnect: `getToken` yields a token that
 * is valid at that moment, so no connection is begun with one that ran out meanwhile.
 */
export async function openSession(session: Session): Promise<WebSocket> {
  const { url, deploymentId, sessionId, getToken } = session;
  const code = await getToken();
  const socket = new WebSocket(url);
  socket.addEventListener('open', () => {
    const action = 'configureAuthenticatedSession';
    socket.send(JSON.stringify({ action, deploymentId, token: sessionId, data: { code } }));
  });
  return socket;
}
