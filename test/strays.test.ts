// @vitest-environment node
import { expect, it } from 'vitest';
import { allowConsole, takeStrays } from './strays.ts';

it('a console line that nobody expected is a stray', () => {
  console.error('%s has failed', 'it');
  console.warn('careful');
  expect(takeStrays()).toEqual(['console.error: it has failed', 'console.warn: careful']);
});

it('a line that the test allows is none, in that test only', () => {
  allowConsole(/^careful/);
  console.warn('careful here');
  expect(takeStrays()).toEqual([]);
  console.warn('careful again');
  expect(takeStrays()).toEqual(['console.warn: careful again']);
});

it('a request that no handler and no test server answers is one', async () => {
  await expect(fetch('https://nobody.example/')).rejects.toThrow();
  expect(takeStrays()).toEqual(['a request that nobody answers, to nobody.example']);
});
