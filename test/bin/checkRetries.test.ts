// @vitest-environment node
// `check` in a process of its own, against a Genesys that this test plays on another port.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type SandboxServer, startSandbox } from '../../src/bin/sandboxServer.ts';
import { createSandboxCloud, type SandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { runBroker } from './process.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

let genesys: SandboxCloud;
let server: SandboxServer;
beforeEach(async () => {
  genesys = createSandboxCloud();
  server = await startSandbox(genesys);
});
afterEach(() => server.close(true));

const check = (env: Record<string, string> = {}): ReturnType<typeof runBroker> =>
  runBroker(['check'], {
    GENESYS_CLIENT_ID: genesys.clientId,
    GENESYS_CLIENT_SECRET: genesys.clientSecret,
    GENESYS_API_URL: server.apiUrl,
    GENESYS_LOGIN_URL: server.loginUrl,
    ...env,
  });

it('check waits for a 429 as long as it is told, and tries again', async () => {
  genesys.fault('visitor', { kind: 'rate-limited', seconds: 1 }, { times: 1 });
  const { code, stdout, stderr } = await check();
  expect(stdout).toMatch(/^rate_limited: waiting \d s before attempt 2 of 3 …$/m);
  expect(stdout).toMatch(/^match: true$/m);
  expect([code, stderr]).toEqual([0, '']);
  expect(genesys.count('visitor')).toBe(2);
});

it('check says in seconds when to come back, where that is too long to wait', async () => {
  genesys.fault('visitor', { kind: 'rate-limited', seconds: 240 });
  const { code, stderr } = await check();
  expect(stderr).toMatch(/^failed \(rate_limited\): /m);
  const [, seconds] = /^fix: Run check again in (\d+) s/m.exec(stderr) ?? [];
  expect(Number(seconds)).toBeGreaterThanOrEqual(238);
  expect(Number(seconds)).toBeLessThanOrEqual(300);
  expect(code).toBe(1);
  expect(genesys.count('visitor')).toBe(1);
});

it('check says that a 5xx is not the fault of the settings, and where to look', async () => {
  genesys.fault('visitor', { kind: 'unavailable', status: 501 });
  const { code, stderr } = await check();
  expect(stderr).toMatch(/^failed \(unavailable\): .*501/m);
  expect(stderr).toMatch(/^fix: Genesys Cloud fails on its side.*status\.mypurecloud\.com/m);
  expect(stderr).toMatch(/^Genesys' correlation id: /m);
  expect(code).toBe(1);
});

it('check names what to look at where Genesys can not be reached, after three attempts', async () => {
  const { code, stdout, stderr } = await check({ GENESYS_API_URL: 'http://127.0.0.1:1' });
  expect(stdout.match(/^unreachable: waiting \d+ s before attempt [23] of 3 …$/gm)).toHaveLength(2);
  expect(stderr).toMatch(/^failed \(unreachable\): /m);
  expect(stderr).toMatch(/^fix: Check GENESYS_ENVIRONMENT, .*firewall/m);
  expect(code).toBe(1);
});
