// Writes the lock files of the apps anew, as after a change of our dependencies or of theirs:
// node test/apps/lock.ts [app…]
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const npm = (cwd: string, ...args: string[]): string =>
  execFileSync('npm', [...args, '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd,
    encoding: 'utf8',
  });

const packed = mkdtempSync(join(tmpdir(), 'guest-token-lock-'));
const name = npm(root, 'pack', '--ignore-scripts', '--silent', '--pack-destination', packed).trim();

const wanted = process.argv.slice(2);
for (const manifest of globSync('*/package.json', { cwd: here })) {
  const app = dirname(manifest);
  if (wanted.length > 0 && !wanted.includes(app)) continue;
  const folder = mkdtempSync(join(packed, `${app}-`));
  cpSync(join(here, manifest), join(folder, 'package.json'));
  if (existsSync(join(here, app, 'package-lock.json'))) {
    const lock = JSON.parse(readFileSync(join(here, app, 'package-lock.json'), 'utf8'));
    // or else npm takes our dependencies from here
    delete lock.packages['node_modules/react-guest-token'];
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  }
  cpSync(join(packed, name), join(folder, 'react-guest-token.tgz'));
  npm(folder, 'install', '--package-lock-only', '--omit-lockfile-registry-resolved');
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  // Another tarball with each build.
  delete lock.packages['node_modules/react-guest-token']?.integrity;
  writeFileSync(join(here, app, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${app}: ${Object.keys(lock.packages).length - 1} packages`);
}
