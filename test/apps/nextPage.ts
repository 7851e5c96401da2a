import type { Page } from 'playwright';
import type { App } from './app.ts';
import { hereDocumentOfPage } from './docs.ts';

/** Tells the route handler where the sandbox is. */
export async function asTheNextPageSays(app: App, brokerPort: string): Promise<void> {
  const env = hereDocumentOfPage('quickStarts/nextjs', '.env.local');
  await app.write('.env.local', env.replaceAll('8787', brokerPort));
}

export async function signIn(page: Page): Promise<void> {
  await page.getByText('Sign in to chat with us.').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Sign in as Ada' }).click();
}
