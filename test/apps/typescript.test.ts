// The published types, with `skipLibCheck: false`, in the TypeScript versions that people have. The app
// also contains mistakes that have to be errors.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, installApp } from './app.ts';

// MSW 3 itself needs 5.7.
const versionsWithoutMsw = ['5.5', '5.6'];
const versions = ['5.7', '5.8', '5.9', '6.0'];

describe('the published types', () => {
  let app: App;
  beforeAll(async () => {
    app = await installApp('typescript');
  });
  afterAll(() => app.close());

  const check = async (version: string, config: string): Promise<string> => {
    const folder = `node_modules/typescript-${version}`;
    const manifest = await readFile(join(app.folder, folder, 'package.json'), 'utf8');
    expect(JSON.parse(manifest).version).toMatch(version);
    return app.run('node', join(folder, 'bin/tsc'), '--project', config);
  };

  it.each([
    { version: '5.4', config: 'tsconfig.withoutMsw.json' },
    { version: '5.4', config: 'tsconfig.bundler.json' },
    { version: '7.0', config: 'tsconfig.json' },
    { version: '7.0', config: 'tsconfig.bundler.json' },
  ])('compile with $version and $config', { tags: ['short'] }, async ({ version, config }) => {
    expect(await check(version, config)).toBe('');
  });

  it.each(versionsWithoutMsw)('of all entries but ./sandbox compile with %s', async (version) => {
    expect(await check(version, 'tsconfig.withoutMsw.json')).toBe('');
  });

  it.each(versions)('of all entries compile with %s', async (version) => {
    expect(await check(version, 'tsconfig.json')).toBe('');
  });
});
