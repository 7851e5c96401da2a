// The Vite quick start's widget, compiled by the React Compiler.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type App, freePort, installApp } from './app.ts';
import { expectTokenAndRenewal, startBroker } from './visit.ts';

describe('an app of Vite that the React Compiler compiles', () => {
  let app: App;
  let url: string;
  beforeAll(async () => {
    app = await installApp('vite', 'reactCompiler');
    const broker = await startBroker(app);
    await app.edit('vite.config.ts', '8787', broker.port);
    const port = String(await freePort());
    url = `http://localhost:${port}/`;
    await app.start(/Local: +http/, 'npm', 'run', 'dev', '--', '--port', port);
  });
  afterAll(() => app.close());

  it('gets and renews a token', () => expectTokenAndRenewal(url));

  it('is compiled indeed', async () => {
    const code = await (await fetch(`${url}src/App.tsx`)).text();
    expect(code).toContain('react_compiler-runtime');
  });

  it('type-checks, and builds without a warning', async () => {
    expect(await app.run('npm', 'run', 'build')).not.toMatch(/warn|error/i);
  });
});
