import puppeteer, { type Browser, type BrowserContext, type Page } from 'puppeteer-core';
import { launchOptions } from '../../../.ci/browser.ts';
import { startDisplay } from './display.ts';
import type { Engine, Profile, Tab } from './engine.ts';
import { commandPath } from './installed.ts';

/**
 * Chromium with a screen, and with its back/forward cache, which drivers switch off. A tab behind
 * another one is hidden.
 */
export async function launchChrome(): Promise<Engine> {
  const display = await startDisplay();
  const { executablePath = '', args = [] } = await launchOptions();
  const browser = await puppeteer.launch({
    executablePath,
    headless: false,
    args,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    env: { ...process.env, DISPLAY: display.name },
  });
  return engine(browser, () => display.close());
}

/** Firefox, where a tab behind another one is hidden, without a screen, too. */
export async function launchFirefox(): Promise<Engine> {
  const executablePath = commandPath('firefox-esr', 'firefox') ?? '';
  return engine(await puppeteer.launch({ browser: 'firefox', executablePath }), () => undefined);
}

function engine(browser: Browser, onClosed: () => void): Engine {
  return {
    newProfile: async (onStray) => profile(await browser.createBrowserContext(), onStray),
    async close() {
      await browser.close();
      onClosed();
    },
  };
}

function profile(context: BrowserContext, onStray: (text: string) => void): Profile {
  // One after the other: Chrome puts windows that are opened together into one, as tabs.
  let latest: Promise<unknown> = Promise.resolve();
  return {
    async newTab({ hidden = false } = {}) {
      const opening = latest.then(() =>
        context.newPage(hidden ? { type: 'tab', background: true } : { type: 'window' }),
      );
      latest = opening.catch(() => undefined);
      const page = await opening;
      page.on('pageerror', (error) => onStray(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') onStray(message.text());
      });
      return tab(page);
    },
    close: () => context.close(),
  };
}

function tab(page: Page): Tab {
  return {
    async goto(url) {
      await page.goto(url);
    },
    evaluate: page.evaluate.bind(page),
    close: () => page.close(),
  };
}
