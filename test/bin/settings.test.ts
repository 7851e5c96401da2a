// @vitest-environment node
// How the command line is set up: variables, options, files, and what it says about mistakes.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runBroker, startBroker } from './process.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const started: { kill(signal: 'SIGKILL'): unknown }[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

const folder = mkdtempSync(join(tmpdir(), 'guest-token-broker-'));

function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('a setting that can not work', () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    [
      'the region',
      ['check'],
      { GENESYS_ENVIRONMENT: 'https://mypurecloud.ie' },
      /^GENESYS_ENVIRONMENT must be a domain such as mypurecloud\.ie\.\n$/,
    ],
    [
      'an origin',
      ['serve'],
      { GUEST_TOKEN_ALLOWED_ORIGINS: 'shop.example' },
      /^GUEST_TOKEN_ALLOWED_ORIGINS must be like https:\/\/host\.\n$/,
    ],
    [
      'a number',
      ['serve'],
      { GUEST_TOKEN_PORT: 'http' },
      /^Set GUEST_TOKEN_PORT to a whole number from 0 \(any free port\) to 65535\.\n$/,
    ],
  ])('%s is named by its variable, with exit code 2', async (_, args, env, message) => {
    const { code, stdout, stderr } = await runBroker(args, {
      GENESYS_CLIENT_ID: 'id',
      GENESYS_CLIENT_SECRET: 'secret',
      GUEST_TOKEN_COOKIE_SECRET: 'a long and secret text, 32+ bytes',
      ...env,
    });
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });

  it('does not stop a command that has no use for it', async () => {
    const { code } = await runBroker(['check', '--sandbox'], { GUEST_TOKEN_PORT: 'http' });
    expect(code).toBe(0);
  });
});

it('an option beats its variable', async () => {
  const broker = startBroker(['serve', '--sandbox', '--port', '0'], { GUEST_TOKEN_PORT: 'http' });
  started.push(broker.child);
  await broker.printed(/"event":"listening"/);
});

describe('a secret in a file', () => {
  it('is used without the line break at its end', async () => {
    const { code, stderr } = await runBroker(['check', '--sandbox'], {
      GENESYS_CLIENT_ID_FILE: fileWith('id', 'sandbox-client\n'),
      GENESYS_CLIENT_SECRET_FILE: fileWith('secret', 'sandbox-secret\n'),
    });
    expect([code, stderr]).toEqual([0, '']);
  });

  it('that is wrong is refused by Genesys, so it was not ignored', async () => {
    const { code, stderr } = await runBroker(['check', '--sandbox'], {
      GENESYS_CLIENT_SECRET_FILE: fileWith('wrong', 'not-the-one'),
    });
    expect(stderr).toMatch(/^failed \(unauthorized\)/);
    expect(stderr).not.toContain('not-the-one');
    expect(code).toBe(1);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'that is not there',
      { GENESYS_CLIENT_SECRET_FILE: '/nowhere/secret' },
      /^GENESYS_CLIENT_SECRET_FILE names \/nowhere\/secret, which can't be read \(ENOENT\)\.\n$/,
    ],
    [
      'that is empty',
      { GENESYS_CLIENT_SECRET_FILE: fileWith('empty', '\n') },
      /^GENESYS_CLIENT_SECRET_FILE names .*, which is empty\.\n$/,
    ],
    [
      'beside the variable itself',
      { GENESYS_CLIENT_SECRET_FILE: '/nowhere/secret', GENESYS_CLIENT_SECRET: 'very-secret' },
      /^Set GENESYS_CLIENT_SECRET or GENESYS_CLIENT_SECRET_FILE, not both\.\n$/,
    ],
  ])('%s is a mistake that exits 2', async (_, env, message) => {
    const { code, stderr } = await runBroker(['check', '--sandbox'], env);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
