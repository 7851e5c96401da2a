import { useEffect } from 'react';

/** The result of one sign-in at your identity provider. It works once: for Messenger or for your broker. */
export interface SignInCode {
  readonly authCode: string;
  readonly redirectUri: string;
  /** The PKCE verifier that belongs to the code. */
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
    /** Set by the snippet, and replaced once Messenger's script has loaded. */
    Genesys?: {
      (call: 'registerPlugin', name: string, plugin: (plugin: AuthProviderPlugin) => void): void;
      (call: 'command', name: string): void;
    };
  }
}

interface Props {
  /** The latest sign-in, or null if nobody has signed in. */
  code: SignInCode | null;
  /** Starts your sign-in. Resolves when the visitor has signed in, unless that leaves the page. */
  onReauthenticate: () => void | Promise<void>;
}

// A plugin can't be unregistered, so this state belongs to the page instead of a component.
let isRegistered = false;
let latest: Props | undefined;
const usedCodes = new Set<string>();
const waiting: Ask[] = [];

/** Signs visitors in to Genesys' own Messenger. Load Genesys' snippet before your app. */
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

/** Messenger keeps its own tokens in localStorage until you sign it out. */
export function signOutOfMessenger(): void {
  window.Genesys?.('command', 'Auth.logout');
}

function register(): void {
  // Registering twice fails with "Name is already taken", and StrictMode mounts everything twice.
  if (isRegistered || !window.Genesys) return;
  isRegistered = true;
  window.Genesys('registerPlugin', 'AuthProvider', (plugin) => {
    plugin.registerCommand('getAuthCode', (ask) => {
      waiting.push(ask);
      // Requests made together get the same code.
      queueMicrotask(handOut);
    });
    plugin.registerCommand('reAuthenticate', (ask) => {
      const signIn = async (): Promise<void> => latest?.onReauthenticate();
      signIn().then(
        () => ask.resolve(),
        () => undefined, // the visitor gave up; Messenger keeps showing its button
      );
    });
    plugin.ready();
  });
}

/** Answers everyone who waits, as soon as there is an unused code. */
function handOut(): void {
  const code = latest?.code;
  if (!code || usedCodes.has(code.authCode) || waiting.length === 0) return;
  usedCodes.add(code.authCode);
  for (const ask of waiting.splice(0)) ask.resolve(code);
}
