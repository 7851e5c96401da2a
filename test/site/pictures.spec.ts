// The main stories as they look, light and dark: `npm run test:site -- --update-snapshots` after a change
// that you want, and then look at the pictures.
import { expect, type Page, test } from 'playwright/test';
import { hasBundled } from '../../.ci/browser.ts';
import { openEntry, type Site, serveSite } from '../../.ci/site.ts';

test.skip(
  !hasBundled,
  'Pictures are compared in the Chromium that npm installs on Linux x64 only.',
);

let site: Site;
test.beforeAll(async () => {
  site = await serveSite();
});
test.afterAll(() => site.close());

const pictures = {
  introduction: ['introduction--docs', 'docs'],
  chat: ['stories-chat-widget--conversation', 'story'],
  messaging: ['stories-web-messaging--signed-in', 'story'],
  card: ['stories-token-card--first-load', 'story'],
  inspector: ['stories-inspector--open', 'story'],
  faultLab: ['stories-fault-lab--all-is-well', 'story'],
  twoTabs: ['stories-two-tabs--one-request-for-both', 'story'],
} as const;

for (const [name, [id, viewMode]] of Object.entries(pictures)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`${name} looks as it did, ${colorScheme}`, async ({ browser }) => {
      const page = await browser.newPage({ colorScheme, viewport: { width: 800, height: 640 } });
      await freeze(page);
      await openEntry(page, site, id, viewMode);
      await expect(page).toHaveScreenshot(`${name}.${colorScheme}.png`, {
        maxDiffPixelRatio: 0.002,
      });
      await page.close();
    });
  }
}

/** Clocks stand still while timers run, and chance repeats itself: each run shows the same. */
async function freeze(page: Page): Promise<void> {
  await page.clock.setFixedTime('2026-11-24T12:00:00Z');
  await page.addInitScript(() => {
    performance.now = () => 1_000;
    let seed = 1;
    Math.random = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    crypto.getRandomValues = (array) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (const index of bytes.keys()) bytes[index] = Math.random() * 256;
      return array;
    };
    crypto.randomUUID = () => {
      const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
        byte.toString(16).padStart(2, '0'),
      ).join('');
      return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5') as never;
    };
  });
}
