import { render } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SignInCode } from './client/messengerAuthProvider.tsx';

type Resolve = (result?: SignInCode) => void;
type Command = (ask: { resolve: Resolve }) => void;

/** Genesys' snippet and script, as far as plug-ins go. */
class StandIn {
  readonly commands = new Map<string, Command>();
  readonly called: string[] = [];
  readonly #queue: unknown[][] = [];
  isReady = false;

  /** What the snippet puts on the page: it remembers calls. */
  addSnippet(): void {
    vi.stubGlobal('Genesys', (...call: unknown[]) => this.#queue.push(call));
  }

  /** The script takes the snippet's place, and carries out what was called before. */
  load(): void {
    vi.stubGlobal('Genesys', (...call: unknown[]) => this.#run(call));
    for (const call of this.#queue.splice(0)) this.#run(call);
  }

  /** Messenger calls a command of the plug-in. */
  ask(command: string): Promise<SignInCode | undefined> {
    return new Promise((resolve) => this.commands.get(command)?.({ resolve }));
  }

  #run([call, name, plugin]: unknown[]): void {
    if (call !== 'registerPlugin') {
      this.called.push(`${call} ${name}`);
      return;
    }
    if (this.commands.size > 0) throw new Error('Name is already taken');
    Reflect.apply(plugin as () => void, undefined, [
      {
        registerCommand: (command: string, answer: Command) => this.commands.set(command, answer),
        ready: () => {
          this.isReady = true;
        },
      },
    ]);
  }
}

let genesys: StandIn;
let example: typeof import('./client/messengerAuthProvider.tsx');

beforeEach(async () => {
  genesys = new StandIn();
  genesys.addSnippet();
  // a page of its own for each test
  vi.resetModules();
  example = await import('./client/messengerAuthProvider.tsx');
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const code = (authCode: string): SignInCode => ({ authCode, redirectUri: 'https://shop.example/' });

function showPage(
  first: SignInCode | null,
  onReauthenticate: () => void | Promise<void> = vi.fn(),
) {
  const page = (latest: SignInCode | null) => (
    <StrictMode>
      <example.MessengerAuthProvider code={latest} onReauthenticate={onReauthenticate} />
    </StrictMode>
  );
  const { rerender, unmount } = render(page(first));
  return { unmount, signIn: (latest: SignInCode | null) => rerender(page(latest)) };
}

/** What an ask has got so far. */
async function soFar(ask: Promise<SignInCode | undefined>): Promise<string | undefined> {
  await new Promise((resolve) => setTimeout(resolve));
  return (await Promise.race([ask, Promise.resolve(undefined)]))?.authCode;
}

describe('Genesys’ own Messenger', () => {
  test('gets the plug-in once, under StrictMode, before or after its script has loaded', async () => {
    const before = showPage(code('code-1'));
    genesys.load();
    expect(genesys.isReady).toBe(true);
    before.unmount();
    showPage(code('code-1'));
    expect([...genesys.commands.keys()]).toEqual(['getAuthCode', 'reAuthenticate']);
  });

  test('gets the code of the latest sign-in', async () => {
    const { signIn } = showPage(code('code-1'));
    genesys.load();
    signIn(code('code-2'));
    expect(await genesys.ask('getAuthCode')).toEqual(code('code-2'));
  });

  test('gets no code twice, and the next one as soon as there is one', async () => {
    const { signIn } = showPage(code('code-1'));
    genesys.load();
    await genesys.ask('getAuthCode');
    const second = genesys.ask('getAuthCode');
    expect(await soFar(second)).toBeUndefined();
    signIn(code('code-1'));
    expect(await soFar(second)).toBeUndefined();
    signIn(code('code-2'));
    expect(await soFar(second)).toBe('code-2');
  });

  test('gets no earlier code again, though the app shows an old one', async () => {
    const { signIn } = showPage(code('code-1'));
    genesys.load();
    await genesys.ask('getAuthCode');
    signIn(code('code-2'));
    await genesys.ask('getAuthCode');
    signIn(code('code-1'));
    expect(await soFar(genesys.ask('getAuthCode'))).toBeUndefined();
  });

  test('gets one code for asks that come together', async () => {
    const { signIn } = showPage(code('code-1'));
    genesys.load();
    const together = [genesys.ask('getAuthCode'), genesys.ask('getAuthCode')];
    expect(await Promise.all(together.map(soFar))).toEqual(['code-1', 'code-1']);
    const later = [genesys.ask('getAuthCode'), genesys.ask('getAuthCode')];
    signIn(code('code-2'));
    expect(await Promise.all(later.map(soFar))).toEqual(['code-2', 'code-2']);
  });

  test('waits for a visitor who has yet to sign in', async () => {
    const { signIn } = showPage(null);
    genesys.load();
    const ask = genesys.ask('getAuthCode');
    expect(await soFar(ask)).toBeUndefined();
    signIn(code('code-1'));
    expect(await soFar(ask)).toBe('code-1');
  });

  test('has the app sign the visitor in again, and goes on when that is done', async () => {
    let done: () => void = () => undefined;
    const onReauthenticate = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
    const { signIn } = showPage(code('code-1'), onReauthenticate);
    genesys.load();
    let isResolved = false;
    genesys.ask('reAuthenticate').then(() => (isResolved = true));
    expect(onReauthenticate).toHaveBeenCalledTimes(1);
    await new Promise((resolve) => setTimeout(resolve));
    expect(isResolved).toBe(false);
    signIn(code('code-2'));
    done();
    await vi.waitFor(() => expect(isResolved).toBe(true));
    expect((await genesys.ask('getAuthCode'))?.authCode).toBe('code-2');
  });

  test.each([
    ['gives up', () => Promise.reject(new Error('closed'))],
    [
      'can not begin to sign in',
      () => {
        throw new Error('blocked');
      },
    ],
  ])('stays where it is when the visitor %s', async (_, onReauthenticate) => {
    showPage(code('code-1'), onReauthenticate);
    genesys.load();
    let isResolved = false;
    genesys.ask('reAuthenticate').then(() => (isResolved = true));
    await new Promise((resolve) => setTimeout(resolve));
    expect(isResolved).toBe(false);
  });

  test('is signed out by a command of the function that is there then', () => {
    showPage(code('code-1'));
    genesys.load();
    example.signOutOfMessenger();
    expect(genesys.called).toEqual(['command Auth.logout']);
  });

  test('may be missing', () => {
    vi.stubGlobal('Genesys', undefined);
    showPage(code('code-1'));
    expect(() => example.signOutOfMessenger()).not.toThrow();
  });
});
