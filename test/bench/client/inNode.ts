// Runs the cases in a process of its own, `page` with jsdom, `server` without, and prints a line of
// JSON for each work.
import { builtinEnvironments } from 'vitest/runtime';

const [where, before] = process.argv.slice(2);
if (where === 'page') {
  await builtinEnvironments.jsdom.setup(globalThis, { jsdom: { url: 'http://localhost/' } });
}
const bundled: string = new URL('.cache/cases.js', import.meta.url).href;
const { onPage, onServer }: typeof import('./cases.tsx') = await import(bundled);
await (where === 'page' ? onPage : onServer)(!!before, (results) => {
  console.log(JSON.stringify(results));
});
process.exit();
