/** Headless Chromium, what `npm test` drives; Chrome with a screen; Firefox; WebKitGTK. */
export type EngineName = 'chromium' | 'chrome' | 'firefox' | 'webkit';

declare module 'vitest' {
  interface ProvidedContext {
    engine: EngineName;
  }
}

/** A running browser. */
export interface Engine {
  /** @param onStray called with each error that a page of the profile prints or throws */
  newProfile(onStray: (text: string) => void): Promise<Profile>;
  close(): Promise<void>;
}

/** Tabs that share cookies, locks and channels with each other, and with nobody else. */
export interface Profile {
  /** A tab of its own, not a frame. Visible to its page unless it is to be hidden. */
  newTab(options?: { hidden?: boolean }): Promise<Tab>;
  /** Closes all its tabs. */
  close(): Promise<void>;
}

export interface Tab {
  /** Resolves after the `load` event. */
  goto(url: string): Promise<void>;
  /** Runs a function in the page. It sees nothing of the test but its argument, which is JSON. */
  evaluate: Evaluate;
  close(): Promise<void>;
  /**
   * Stops the page: no timer, message or answer reaches it. Headless Chromium only.
   *
   * @returns lets it go on, with everything that has come in meanwhile
   */
  freeze?(): Promise<() => Promise<void>>;
  /** Kills the page's process. Headless Chromium only. */
  crash?(): Promise<void>;
}

interface Evaluate {
  <Result>(work: () => Result): Promise<Awaited<Result>>;
  <Argument, Result>(
    work: (argument: Argument) => Result,
    argument: Argument,
  ): Promise<Awaited<Result>>;
}

export async function launch(name: EngineName): Promise<Engine> {
  switch (name) {
    case 'chromium':
      return (await import('./playwright.ts')).launchChromium();
    case 'chrome':
      return (await import('./puppeteer.ts')).launchChrome();
    case 'firefox':
      return (await import('./puppeteer.ts')).launchFirefox();
    case 'webkit':
      return (await import('./webDriver.ts')).launchWebKit();
  }
}
