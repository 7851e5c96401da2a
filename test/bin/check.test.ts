// @vitest-environment node
import { describe, expect, it, vi } from 'vitest';
import { runBroker } from './process.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

describe('guest-token-broker check --sandbox', () => {
  it('shows visitor, fingerprint and expiry, and that the second request got the same token', async () => {
    const { code, stdout, stderr } = await runBroker(['check', '--sandbox']);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^visitor: +visitor-[0-9a-f-]{36}$/m);
    expect(stdout).toMatch(/^fingerprint: [0-9a-f]{12}$/m);
    expect(stdout).toMatch(/^expires: +\d{4}-\d\d-\d\dT[\d:.]+Z \(in 60 min\)$/m);
    expect(stdout).toMatch(/^match: true$/m);
    expect(code).toBe(0);
  });

  it('never prints the token', async () => {
    const { stdout, stderr } = await runBroker(['check', '--sandbox']);
    expect(stdout + stderr).not.toMatch(/eyJ/);
  });

  it.each<[string, string[], Record<string, string>]>([
    ['a wrong secret', [], { GENESYS_CLIENT_SECRET: 'not-the-one' }],
    ['the fault wrong-secret', ['--sandbox-fault', 'wrong-secret'], {}],
  ])('with %s says to check the client, and exits 1', async (_, flags, env) => {
    const { code, stdout, stderr } = await runBroker(['check', '--sandbox', ...flags], env);
    expect(stderr).toMatch(/^failed \(unauthorized\): /m);
    expect(stderr).toMatch(/^fix: .*GENESYS_CLIENT_ID.*GENESYS_CLIENT_SECRET/m);
    expect(stderr).toMatch(/^\(The sandbox's own client is sandbox-client /m);
    expect(stdout + stderr).not.toContain('not-the-one');
    expect(code).toBe(1);
  });

  it('with a missing role says which permission and scope, and exits 1', async () => {
    const { code, stderr } = await runBroker([
      'check',
      '--sandbox',
      '--sandbox-fault',
      'missing-role',
    ]);
    expect(stderr).toMatch(/^failed \(forbidden\): /m);
    expect(stderr).toMatch(/^fix: .*role.*webchat:visitor:create/m);
    expect(stderr).toMatch(/^Genesys' correlation id: [0-9a-f-]{36}$/m);
    expect(code).toBe(1);
  });
});

describe('guest-token-broker', () => {
  it.each([
    [{}, /^Set GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET [^\n]*\.\n$/],
    [{ GENESYS_CLIENT_ID: 'id' }, /^Set GENESYS_CLIENT_SECRET [^\n]*\.\n$/],
  ])(
    'without credentials (%o) names the variables in one sentence, and exits 2',
    async (env, sentence) => {
      const { code, stdout, stderr } = await runBroker(['check'], env);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(sentence);
    },
  );

  it.each([
    [[], /^Usage:/],
    [['chek'], /^Unknown command "chek": it is check or serve\.\n\nUsage:/],
    [['check', 'twice'], /^check takes options only, not "twice"\.\n\nUsage:/],
    [['check', '--frob'], /--frob[\s\S]*Usage:/],
    [['check', '--sandbox', '--sandbox-fault', 'toString'], /^--sandbox-fault must be one of/],
    [['check', '--sandbox-fault', 'slow'], /^--sandbox-fault needs --sandbox\.\n$/],
    [['serve', '--sandbox', '--port', '65536'], /^--port must be/],
  ])('%j is told what is wrong, and exits 2', async (args, message) => {
    const { code, stderr } = await runBroker(args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it('a mistake stays on the screen: what follows is short and names --help', async () => {
    const { stderr } = await runBroker(['chek']);
    expect(stderr.trim().split('\n').length).toBeLessThan(10);
    expect(stderr).toContain('guest-token-broker --help');
  });

  it('--help explains, and exits 0', async () => {
    const { code, stdout } = await runBroker(['--help']);
    expect(stdout).toMatch(/^Usage: guest-token-broker/);
    for (const name of ['--sandbox-fault', 'GENESYS_CLIENT_ID', 'GUEST_TOKEN_COOKIE_SECRET']) {
      expect(stdout).toContain(name);
    }
    expect(code).toBe(0);
  });
});
