import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

/**
 * The page as a browser gets it from a site without a bundler: what is ours as it is, so that a
 * `process` in it would be missing at run time; React and TanStack as for production.
 */
const productionDependencies: Plugin = {
  name: 'production-dependencies',
  transform: {
    filter: { id: /node_modules/, code: 'process.env.NODE_ENV' },
    handler: (code) => code.replaceAll('process.env.NODE_ENV', '"production"'),
  },
};

/** Bundles one of the pages in `page/`, in memory. */
export function bundlePage(name: string): Promise<string> {
  return bundle(new URL(`./page/${name}.tsx`, import.meta.url));
}

/** Bundles a file and what it imports, in memory. */
export async function bundle(entry: URL): Promise<string> {
  const outputs = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [productionDependencies],
    // or else the JSX of a test run is the development kind
    oxc: { jsx: { runtime: 'automatic', development: false } },
    build: {
      write: false,
      minify: false,
      // Vite leaves process.env alone in a library
      lib: {
        entry: fileURLToPath(entry),
        formats: ['es'],
        fileName: 'page',
      },
      rolldownOptions: { checks: { moduleLevelDirective: false } },
    },
  });
  const [output] = Array.isArray(outputs) ? outputs : [];
  const [chunk] = output?.output ?? [];
  if (!chunk) throw new Error('The page was not built.');
  return chunk.code;
}
