// What a renewal costs from 1 to 20 real tabs of one visitor, in Chromium: npm run bench:tabs
import { nextRenewal, openCrowd, type Renewal } from '../browser/crowd.ts';
import { launch } from '../browser/engines/engine.ts';
import { openSite } from '../browser/site.ts';

const COUNTS = [1, 2, 5, 10, 20];
const RENEWALS = 3;
/** Renewed after four fifths of it. */
const TOKEN_LIFE_SECONDS = 10;

const site = await openSite();
const browser = await launch('chromium');

console.log('tabs  requests  messages  messages/tab  locks left    ms   (per renewal; ms: median)');
for (const count of COUNTS) {
  site.sandbox.configure({ tokenLifeSeconds: TOKEN_LIFE_SECONDS });
  const profile = await browser.newProfile(console.error);
  const crowd = await openCrowd(site, profile, count);
  const renewals: Renewal[] = [];
  while (renewals.length < RENEWALS) renewals.push(await nextRenewal(site, crowd));
  await profile.close();
  site.reset();
  console.log(row(count, renewals));
}
await browser.close();
await site.close();

function row(count: number, renewals: readonly Renewal[]): string {
  const messages = mean(renewals.map((renewal) => sum(renewal.messages)));
  const tookMs = renewals.map((renewal) => renewal.tookMs).sort((a, b) => a - b);
  return [
    String(count).padStart(4),
    mean(renewals.map(({ requests }) => requests))
      .toFixed(1)
      .padStart(9),
    messages.toFixed(1).padStart(9),
    (messages / count).toFixed(1).padStart(13),
    mean(renewals.map(({ locksLeft }) => locksLeft))
      .toFixed(1)
      .padStart(11),
    String(tookMs[Math.floor(tookMs.length / 2)]).padStart(5),
  ].join(' ');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
