// What is measured, in Node and in Chromium alike; bundled for production by ../client.ts.
import { QueryClient } from '@tanstack/react-query';
import { renderToString } from 'react-dom/server';
import * as before from 'react-guest-token-before';
import * as now from '../../../src/index.ts';
import { type Crowd, type CrowdKind, crowdOf, type Field, type Library } from './crowds.tsx';
import { atOnce, type Case, inTurn, measure, type Report } from './measure.ts';
import { axiosCall, firebaseGetToken, kyCall } from './peers.js';

const ROUNDS = 7;
const API = 'https://api.mypurecloud.ie';
const TEXT = 'x'.repeat(100);
const COUNTS = [1, 100, 1_000, 10_000];

/** The package as it is, and as it was in another checkout if one was named. */
const libraries = (withBefore: boolean): [string, Library][] => [
  ['react-guest-token', now],
  ...(withBefore ? [['before', before] satisfies [string, Library]] : []),
];

async function tokenCases(libs: [string, Library][]): Promise<Case[]> {
  const client = new QueryClient();
  const options = {
    queryKey: ['token'],
    queryFn: async () => 'opaque',
    staleTime: Number.POSITIVE_INFINITY,
  };
  await client.fetchQuery(options);
  const endsAtMs = Date.now() + 3_600_000;
  const firebase = await firebaseGetToken();
  const subjects: [string, () => Promise<unknown>][] = [
    ['async closure', async () => (Date.now() < endsAtMs ? 'opaque' : undefined)],
    ['firebase', firebase.getToken],
    ['fetchQuery', () => client.fetchQuery(options)],
  ];
  for (const [name, library] of libs) {
    const crowd = await crowdOf(library, 0, 'token').mount();
    subjects.push([name, () => crowd.getToken()]);
  }
  return subjects.flatMap(([subject, getToken]) => [
    { work: 'getToken in turn', subject, sample: () => inTurn(5_000, getToken) },
    ...[100, 1_000, 10_000].map((count) => ({
      work: `getToken, ${count.toLocaleString('en')} at once`,
      subject,
      sample: () => atOnce(count, getToken),
    })),
  ]);
}

async function fetchCases(libs: [string, Library][]): Promise<Case[]> {
  const send: typeof fetch = async () => new Response(null);
  globalThis.fetch = send;
  const url = `${API}/api/v2/conversations`;
  const calls: [string, (url: string, body?: string) => Promise<unknown>][] = [
    ['axios with auth-refresh', axiosCall(send, 'opaque')],
    ['ky', kyCall(send, 'opaque')],
  ];
  const cases: Case[] = [];
  for (const [name, library] of libs) {
    for (const origins of [[API], [...Array(19).keys()].map((n) => `https://api${n}.example`)]) {
      const crowd = await mountWithOrigins(library, [...origins, API]);
      const call = (to: string, body?: string): Promise<unknown> =>
        crowd.fetch(to, body ? { method: 'POST', body } : undefined);
      if (origins.length < 2) calls.push([name, call]);
      else {
        const sample = (): Promise<number> => inTurn(1_000, () => call(url));
        cases.push({ work: 'fetch, GET, 20 origins', subject: name, sample });
      }
    }
  }
  for (const [subject, call] of calls) {
    cases.push({
      work: 'fetch, GET',
      subject,
      sample: () => inTurn(1_000, () => call(url)),
    });
    cases.push({
      work: 'fetch, POST of 100 B',
      subject,
      sample: () => inTurn(300, () => call(url, TEXT)),
    });
  }
  return cases;
}

function mountWithOrigins(library: Library, origins: string[]): Promise<Crowd> {
  const { GuestTokenProvider } = library;
  const wrapped = {
    ...library,
    GuestTokenProvider: (props: now.GuestTokenProviderProps) => (
      <GuestTokenProvider {...props} origins={origins} />
    ),
  };
  return crowdOf(wrapped, 0, 'token').mount();
}

/** Renewals of a crowd; a new one for each sample, since a session renews ten times a minute at most. */
function renewalCase(subject: string, kind: CrowdKind, count: number, field: Field): Case {
  return {
    work: `renewal, ${count.toLocaleString('en')} read ${field}`,
    subject,
    async sample() {
      const crowd = await crowdOf(kind, count, field).mount();
      await crowd.renew();
      const us = await inTurn(count > 1_000 ? 1 : 5, crowd.renew);
      crowd.unmount();
      return us;
    },
  };
}

const kinds = (libs: [string, Library][]): [string, CrowdKind][] => [
  ['context', 'context'],
  ['useQuery', 'useQuery'],
  ...libs,
];

export async function onPage(withBefore: boolean, report: Report): Promise<void> {
  const libs = libraries(withBefore);
  const fields: Field[] = ['visitorId', 'token'];
  const renewals = fields.flatMap((field) =>
    COUNTS.flatMap((count) =>
      kinds(libs).map(([name, kind]) => renewalCase(name, kind, count, field)),
    ),
  );
  await measure(await tokenCases(libs), ROUNDS, report);
  await measure(await fetchCases(libs), ROUNDS, report);
  await measure(renewals, 3, report);
}

/** To be called where there is no document. */
export function onServer(withBefore: boolean, report: Report): Promise<void> {
  const cases = kinds(libraries(withBefore)).map(([subject, kind]) => ({
    work: 'server rendering of 1,000',
    subject,
    sample: () => inTurn(5, async () => renderToString(crowdOf(kind, 1_000, 'visitorId').element)),
  }));
  return measure(cases, 15, report);
}

/** Mounts a crowd and keeps it, for whoever weighs the heap from outside. */
export async function keep(subject: string, count: number, withBefore: boolean): Promise<void> {
  const all: [string, CrowdKind][] = [['nothing', 'nothing'], ...kinds(libraries(withBefore))];
  const [, kind] = all.find(([name]) => name === subject) ?? [];
  if (kind) kept.push(await crowdOf(kind, count, 'visitorId').mount());
}
const kept: Crowd[] = [];

export function letGo(): void {
  for (const crowd of kept.splice(0)) crowd.unmount();
}
