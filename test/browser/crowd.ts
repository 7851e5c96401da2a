import type { Profile, Tab } from './engines/engine.ts';
import type { Site } from './site.ts';

declare global {
  interface Window {
    /** How many messages the page has sent to other tabs. */
    sentMessages: number;
  }
}

/** Tabs of one visitor, opened together, all of which keep their token fresh. */
export type Crowd = readonly [Tab, ...Tab[]];

/** What one renewal has cost. */
export interface Renewal {
  readonly requests: number;
  /** How many messages each tab has sent. */
  readonly messages: readonly number[];
  /** Locks that were still held or awaited a second later. */
  readonly locksLeft: number;
  /** Ms from the first tab that asked to the last one that had the new token. */
  readonly tookMs: number;
}

/** Opens a crowd, and waits until each tab has the first token. */
export async function openCrowd(
  site: Site,
  profile: Pick<Profile, 'newTab'>,
  count: number,
): Promise<Crowd> {
  const url = site.page('anna', { keepFresh: 'always' }, { setup: [countMessages] });
  async function openTab(): Promise<Tab> {
    const tab = await profile.newTab();
    await tab.goto(url);
    return tab;
  }
  const others = Array.from({ length: count - 1 }, openTab);
  const crowd: Crowd = await Promise.all([openTab(), ...others]);
  for (const tab of crowd) {
    await tab.evaluate(() => window.guest.until(({ shown }) => shown.status === 'success'));
  }
  return crowd;
}

function countMessages(): void {
  window.sentMessages = 0;
  const send = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    window.sentMessages++;
    send.call(this, message);
  };
}

/** Waits until each tab has a new token. */
export async function nextRenewal(site: Site, crowd: Crowd): Promise<Renewal> {
  const askedBefore = site.asked;
  const sentBefore = await Promise.all(crowd.map(sentBy));
  const old = await crowd[0].evaluate(() => window.guest.shown.token);
  const times = await Promise.all(crowd.map((tab) => tab.evaluate(renewed, old)));
  const left = await crowd[0].evaluate(locksLeft);
  const sent = await Promise.all(crowd.map(sentBy));
  return {
    requests: site.asked - askedBefore,
    messages: sent.map((count, index) => count - (sentBefore[index] ?? 0)),
    locksLeft: left,
    tookMs:
      Math.max(...times.map(({ gotAtMs }) => gotAtMs)) -
      Math.min(...times.flatMap(({ askedAtMs }) => askedAtMs)),
  };
}

function sentBy(tab: Tab): Promise<number> {
  return tab.evaluate(() => window.sentMessages);
}

/** In a page: waits for another token than this; when it came, and when the page asked for it, if so. */
async function renewed(
  old: string | undefined,
): Promise<{ gotAtMs: number; askedAtMs: readonly number[] }> {
  const { guest } = window;
  const eventsBefore = guest.events.length;
  await guest.until(({ shown }) => shown.token !== undefined && shown.token !== old);
  return {
    gotAtMs: guest.gotAtMs().at(-1) ?? Number.NaN,
    askedAtMs: guest.events
      .slice(eventsBefore)
      .filter(({ type }) => type === 'acquiring')
      .map(({ atMs }) => atMs),
  };
}

/** In a page: the locks of its origin, held or awaited; 0 as soon as there is none, else after a second. */
async function locksLeft(): Promise<number> {
  const endsAtMs = performance.now() + 1_000;
  for (;;) {
    const { held = [], pending = [] } = await navigator.locks.query();
    const count = held.length + pending.length;
    if (count === 0 || performance.now() > endsAtMs) return count;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
