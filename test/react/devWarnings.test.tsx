// What the console says in development, once, and never in production.
import { QueryClient } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { GuestTokenProviderProps } from '../../src/index.ts';
import {
  anotherCopy,
  down,
  fakeSource,
  HOUR,
  issuing,
  type Library,
  MINUTE,
  outcomeOf,
  Probe,
  pass,
  reply,
  SECOND,
  showWidget,
  status,
  withFakeTime,
} from './page.tsx';
import { fakeServer } from './server.ts';

withFakeTime();

let lines: string[];
/** A copy of the package that has not warned yet. */
let library: Library;
beforeEach(async () => {
  lines = [];
  vi.spyOn(console, 'warn').mockImplementation((...line) => void lines.push(line.join(' ')));
  library = await anotherCopy();
});

const show = (props: Partial<GuestTokenProviderProps>) => showWidget(props, undefined, library);

describe('two providers of one visitor with inline sources that have no key', () => {
  function showTwo(
    left: Partial<GuestTokenProviderProps>,
    right: Partial<GuestTokenProviderProps>,
  ): () => void {
    const { GuestTokenProvider } = library;
    const probes = [new Probe(library), new Probe(library)] as const;
    const Page = () => (
      <>
        <GuestTokenProvider externalId="anna" source={async () => reply()} {...left}>
          {probes.map(({ Widget }, n) => (
            <Widget key={String(n)} />
          ))}
        </GuestTokenProvider>
        <GuestTokenProvider externalId="anna" source={async () => reply()} {...right} />
      </>
    );
    const { rerender } = render(<Page />);
    return () => rerender(<Page />);
  }

  test('two keyless inline sources of one visitor raise one warning that says what to add', async () => {
    const again = showTwo({}, {});
    await pass();
    for (let renders = 0; renders < 3; renders++) {
      again();
      await pass(MINUTE);
    }
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^react-guest-token: /);
    expect(lines[0]).toMatch(/\bkey\b/);
    expect(lines[0]).not.toContain('anna');
  });

  test('two keyless inline sources raise no warning in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    showTwo({}, {});
    await pass(MINUTE);
    expect(lines).toEqual([]);
  });

  const shared = async () => reply();
  const keyed = (key: string) => Object.assign(async () => reply(), { key });
  test.for([
    ['share one function', { source: shared }, { source: shared }],
    ['have a key each', { source: keyed('left') }, { source: keyed('right') }],
    ['have URLs', { source: '/api/guest-token' }, { source: '/api/guest-token' }],
    ['are for two visitors', {}, { externalId: 'ben' }],
    ['are for two channels', {}, { channelId: 'support' }],
    ['are for nobody', { externalId: null }, { externalId: null }],
  ] as const)('two providers raise no warning if they %s', async ([, left, right]) => {
    fakeServer(() => Response.json(reply()));
    showTwo(left, right);
    await pass(MINUTE);
    expect(lines).toEqual([]);
  });

  test('two keyless inline sources raise no warning one after the other', async () => {
    const first = show({ externalId: 'anna', source: async () => reply() });
    await pass();
    first.unmount();
    await pass();
    show({ externalId: 'anna', source: async () => reply() });
    await pass(MINUTE);
    expect(lines).toEqual([]);
  });
});

describe('a session that changes again and again', () => {
  type Changes = (n: number) => Partial<GuestTokenProviderProps>;
  const source = fakeSource(issuing(HOUR));

  /** Renders it with other props, four times. */
  async function change(changes: Changes, everyMs: number = SECOND): Promise<void> {
    const page = show({ externalId: 'anna', source, ...changes(0) });
    for (let n = 1; n < 5; n++) {
      await pass(everyMs);
      page.update(changes(n));
    }
    await pass(everyMs);
  }

  const inRender: [string, Changes][] = [
    ['a queryClient', () => ({ queryClient: new QueryClient() })],
    ['a key', (n) => ({ source: Object.assign(async () => reply(), { key: `key-${n}` }) })],
  ];
  test.for(inRender)('%s that each render makes raises one warning', async ([, changes]) => {
    await change(changes);
    expect(lines).toEqual([expect.stringMatching(/queryClient.*\bkey\b.*once/)]);
    expect(lines[0]).not.toContain('anna');
  });

  test('a queryClient that each render makes raises no warning in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await change(() => ({ queryClient: new QueryClient() }));
    expect(lines).toEqual([]);
  });

  const clients = [new QueryClient(), new QueryClient()];
  const meant: [string, Changes, number?][] = [
    ['one visitor after the other', (n) => ({ externalId: `visitor-${n}` })],
    ['one channel after the other', (n) => ({ channelId: `channel-${n}` })],
    ['a second client', (n) => ({ queryClient: clients[Math.min(n, 1)] })],
    ['other attributes', (n) => ({ attributes: { page: n } })],
    ['another client every minute', () => ({ queryClient: new QueryClient() }), MINUTE],
  ];
  test.for(meant)('%s raises no warning', async ([, changes, everyMs]) => {
    await change(changes, everyMs);
    expect(lines).toEqual([]);
  });
});

describe('an acquisition that fails', () => {
  const source = 'https://shop.example/api/guest-token';

  test('a failed acquisition prints one line with URL, status, code, reason and a link', async () => {
    const body = { code: 'forbidden', reason: 'foreign_origin', detail: 'a secret detail' };
    fakeServer(() => Response.json(body, { status: 403 }));
    show({ source });
    await pass();
    expect(lines).toHaveLength(1);
    for (const part of [source, '403', 'forbidden', 'foreign_origin']) {
      expect(lines[0]).toContain(part);
    }
    expect(lines[0]).toMatch(/https:\/\/\S*forbidden/);
    expect(lines[0]).not.toContain('a secret detail');
  });

  test('three failed attempts print one line, and each later acquisition another', async () => {
    fakeServer(() => new Response(null, { status: 503 }));
    show({ source });
    await pass(2 * SECOND);
    expect(lines).toEqual([]);
    await pass(2 * SECOND);
    expect(lines).toHaveLength(1);
    await pass(34 * SECOND);
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/unavailable/);
  });

  test('a refresh in a loop prints one line for each minute in which the source is not asked', async () => {
    const page = show({ source: fakeSource(issuing(HOUR)) });
    await pass();
    const loop = async (times: number): Promise<void> => {
      while (times-- > 0) {
        outcomeOf(page.view.refresh());
        await pass(SECOND / 10);
      }
    };
    await loop(100);
    expect(lines).toEqual([expect.stringMatching(/rate_limited/)]);
    await pass(MINUTE);
    await loop(100);
    expect(lines).toHaveLength(2);
  });

  test('a failed acquisition without URL and status prints its code and a link', async () => {
    show({ source: fakeSource(down) });
    await pass(10 * SECOND);
    expect(lines).toEqual([expect.stringMatching(/unreachable.*https:\/\/\S*unreachable/)]);
  });

  test('a failed renewal prints a line although the token is still valid', async () => {
    const source = fakeSource(issuing(HOUR));
    const page = show({ source });
    await pass();
    source.answer = status(400);
    await pass(59 * MINUTE);
    expect(page.view.status).toBe('success');
    expect(lines).toEqual([expect.stringMatching(/rejected/)]);
  });

  test.for(['<b>', 'a reason with blanks', 'x'.repeat(41), 'Foreign_Origin', 42, null])(
    'a reason that is not a slug is not printed: %j',
    async (reason) => {
      fakeServer(() => Response.json({ reason }, { status: 403 }));
      show({ source });
      await pass();
      expect(lines).toHaveLength(1);
      expect(lines[0]).not.toContain(String(reason));
    },
  );

  test('a failed acquisition prints neither password nor query of the URL', async () => {
    fakeServer(() => new Response(null, { status: 400 }));
    show({ source: 'https://me:hunter2@shop.example/api/guest-token?key=hunter3' });
    await pass(10 * SECOND);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/hunter/);
  });

  test.for(['it was given up', 'it was in production'] as const)(
    'a failing acquisition prints nothing if %s',
    async (why) => {
      if (why === 'it was in production') vi.stubEnv('NODE_ENV', 'production');
      fakeServer(() => new Response(null, { status: 503 }));
      const page = show({ source });
      await pass(SECOND);
      if (why === 'it was given up') page.unmount();
      await pass(MINUTE);
      expect(lines).toEqual([]);
    },
  );
});

describe('a call to an origin that is not in `origins`', () => {
  const elsewhere = 'https://api.mypurecloud.ie/api/v2/conversations';

  async function callAll(
    urls: readonly string[],
    code = 401,
    props: Partial<GuestTokenProviderProps> = {},
  ): Promise<void> {
    fakeServer(() => new Response(null, { status: code }));
    const page = show({ source: fakeSource(), ...props });
    await pass();
    for (const url of urls) {
      const call = outcomeOf(page.fetch(url));
      await pass(SECOND);
      expect(call.status).toBe(code);
    }
  }

  test('calls that return 401 from an unlisted origin raise one warning that names origin and option', async () => {
    await callAll([elsewhere, elsewhere, elsewhere]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('https://api.mypurecloud.ie');
    expect(lines[0]).toMatch(/\borigins\b/);
    expect(lines[0]).not.toContain('conversations');
  });

  test('calls to an unlisted origin raise no warning without a 401', async () => {
    await callAll([elsewhere], 200);
    await callAll([elsewhere], 404);
    expect(lines.filter((line) => /\borigins\b/.test(line))).toEqual([]);
  });

  test('calls that return 401 from a listed origin raise no warning', async () => {
    await callAll([elsewhere], 401, { origins: ['https://api.mypurecloud.ie'] });
    expect(lines.filter((line) => /\borigins\b/.test(line))).toEqual([]);
  });

  test('calls that return 401 from an unlisted origin raise no warning in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await callAll([elsewhere]);
    expect(lines).toEqual([]);
  });
});
