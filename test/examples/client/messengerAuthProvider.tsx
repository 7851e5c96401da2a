import { useEffect } from 'react';

/** What one sign-in at your identity provider brought. It works once, for Messenger or for your broker, never for both. */
export interface SignInCode {
  readonly authCode: string;
  readonly redirectUri: string;
  /** PKCE: what the code was asked for with. */
  readonly codeVerifier?: string;
  readonly nonce?: string;
  readonly maxAge?: number;
  readonly iss?: string;
}

interface Ask {
  resolve(result?: SignInCode): void;
}

interface AuthProviderPlugin {
  registerCommand(name: 'getAuthCode' | 'reAuthenticate', answer: (ask: Ask) => void): void;
  ready(): void;
}

declare global {
  interface Window {
    /** The snippet's function; another one takes its place when the script has loaded. */
    Genesys?: {
      (call: 'registerPlugin', name: string, plugin: (plugin: AuthProviderPlugin) => void): void;
      (call: 'command', name: string): void;
    };
  }
}

interface Props {
  /** The latest sign-in; null while nobody has signed in. */
  code: SignInCode | null;
  /** Starts your sign-in. Resolves when the visitor is back, unless the page is left for it. */
  onReauthenticate: () => void | Promise<void>;
}

// A plugin can't be taken back, so all this belongs to the page and not to a component.
let isRegistered = false;
let latest: Props | undefined;
let handedOut: string | undefined;
const waiting: Ask[] = [];

/** Signs visitors in to Genesys' own Messenger. Put the snippet before your app's script. */
export function MessengerAuthProvider({ code, onReauthenticate }: Props): null {
  useEffect(() => {
    latest = { code, onReauthenticate };
    register();
    handOut();
    return () => {
      latest = undefined;
    };
  }, [code, onReauthenticate]);
  return null;
}

/** Messenger keeps tokens of its own in localStorage: they stay until it is told. */
export function signOutOfMessenger(): void {
  window.Genesys?.('command', 'Auth.logout');
}

function register(): void {
  // A second one fails: "Name is already taken". StrictMode mounts everything twice.
  if (isRegistered || !window.Genesys) return;
  isRegistered = true;
  window.Genesys('registerPlugin', 'AuthProvider', (plugin) => {
    plugin.registerCommand('getAuthCode', (ask) => {
      waiting.push(ask);
      // Asks of one turn get the same code.
      queueMicrotask(handOut);
    });
    plugin.registerCommand('reAuthenticate', (ask) => {
      const signedIn = Promise.resolve(latest?.onReauthenticate());
      signedIn.then(
        () => ask.resolve(),
        () => undefined, // the visitor has given up; Messenger keeps its button
      );
    });
    plugin.ready();
  });
}

/** Answers who waits, as soon as there is a code that nobody has had. */
function handOut(): void {
  const code = latest?.code;
  if (!code || code.authCode === handedOut || waiting.length === 0) return;
  handedOut = code.authCode;
  for (const ask of waiting.splice(0)) ask.resolve(code);
}
