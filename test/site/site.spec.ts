// The built docs as a reader has them: published below a path, with no other origin in reach.
import { type BrowserContext, expect, type FrameLocator, type Page, test } from 'playwright/test';
import { type Site, serveSite } from '../../.ci/site.ts';

let site: Site;
test.beforeAll(async () => {
  site = await serveSite();
});
test.afterAll(() => site.close());

/** What a reader should never see: lines on the console, failed requests, requests to elsewhere. */
let complaints: string[];
let page: Page;
let article: FrameLocator;

test.beforeEach(async ({ context }) => {
  complaints = [];
  await watch(context);
  page = await context.newPage();
  article = page.frameLocator('#storybook-preview-iframe');
});
test.afterEach(() => {
  expect(complaints).toEqual([]);
});

/** Storybook reminds itself of what its next version will ask for; that line is not ours. */
async function watch(context: BrowserContext): Promise<void> {
  context.on('console', (line) => {
    if (!line.text().includes('mandatory in Storybook 11')) complaints.push(line.text());
  });
  context.on('weberror', (error) => complaints.push(`error: ${error.error().message}`));
  context.on('requestfailed', (request) => {
    // The page was left before the answer came.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(request.url());
  });
  context.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  await context.route(
    (url) => !url.href.startsWith(site.url),
    (route) => {
      complaints.push(`elsewhere: ${route.request().url()}`);
      return route.abort();
    },
  );
}

/** A heading's name begins with that of its link to itself. */
const heading = (name: string, level = 1) =>
  article.getByRole('heading', { name: new RegExp(` ${name}$`), level });

test('the site opens with the introduction, whose links lead to the pages they name', async () => {
  await page.goto(site.url);
  await expect(heading('react-guest-token')).toBeVisible();

  await article.getByRole('link', { name: 'Vite', exact: true }).click();
  await expect(heading('Vite')).toBeVisible();
  await article.getByRole('link', { name: 'sandbox', exact: true }).click();
  await expect(heading('Without an account')).toBeVisible();
  await page.goBack();
  await expect(heading('Vite')).toBeVisible();
});

test('a link to a section of another page shows that section', async () => {
  await page.goto(`${site.url}?path=/docs/errors-rejected--docs`);
  await article.getByRole('link', { name: 'troubleshooting' }).click();
  await expect(heading('Troubleshooting')).toBeVisible();
  await expect(heading('404', 2)).toBeInViewport();
});

test('search finds a page by a word of its title, and opens it', async () => {
  await page.goto(site.url);
  await expect(heading('react-guest-token')).toBeVisible();
  await page.getByPlaceholder('Find components').fill('troubleshoot');
  await page
    .getByRole('option', { name: /Troubleshooting/ })
    .first()
    .click();
  await expect(heading('Troubleshooting')).toBeVisible();
});

test('a story runs, mocks and all', async () => {
  await page.goto(`${site.url}?path=/story/stories-chat-widget--conversation`);
  await expect(article.getByText(/You are talking to the sandbox/)).toBeVisible();
  await expect(article.getByRole('status')).toHaveText('Connected');
});
