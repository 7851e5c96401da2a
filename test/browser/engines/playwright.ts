import { type BrowserContext, chromium, type Page } from 'playwright';
import { launchOptions } from '../../../.ci/browser.ts';
import type { Engine, Profile, Tab } from './engine.ts';

/** Chromium without a screen. Each tab is visible; a hidden one only seems so to its page. */
export async function launchChromium(): Promise<Engine> {
  const browser = await chromium.launch(await launchOptions());
  return {
    async newProfile(onStray) {
      const context = await browser.newContext();
      context.on('weberror', (error) => onStray(String(error.error())));
      context.on('console', (message) => {
        if (message.type() === 'error') onStray(message.text());
      });
      return profile(context);
    },
    close: () => browser.close(),
  };
}

function profile(context: BrowserContext): Profile {
  return {
    async newTab({ hidden = false } = {}) {
      const page = await context.newPage();
      if (hidden) await page.addInitScript(seemHidden);
      return tab(page);
    },
    close: () => context.close(),
  };
}

function seemHidden(): void {
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
  Object.defineProperty(document, 'hidden', { get: () => true });
}

function tab(page: Page): Tab {
  return {
    async goto(url) {
      await page.goto(url);
    },
    evaluate: page.evaluate.bind(page),
    close: () => page.close(),
    // By the debugger: the life-cycle command (`Page.setWebLifecycleState`) does nothing to a
    // visible page, and without a screen all are visible.
    async freeze() {
      const session = await page.context().newCDPSession(page);
      await session.send('Debugger.enable');
      await session.send('Debugger.pause');
      return async () => {
        await session.send('Debugger.disable');
      };
    },
    async crash() {
      const session = await page.context().newCDPSession(page);
      const crashed = page.waitForEvent('crash');
      session.send('Page.crash').catch(() => undefined);
      await crashed;
    },
  };
}
