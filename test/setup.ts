import '@testing-library/jest-dom/vitest';
import { cleanup } from '@testing-library/react';
import { version } from 'react';
import { version as domVersion } from 'react-dom';
import { afterEach, expect } from 'vitest';
import { takeStrays, watchStrays } from './strays.ts';

watchStrays();

// or else `npm run test:react18` could test the usual React without anybody noticing
if (process.env.REACT) {
  expect([version, domVersion].map((full) => full.split('.')[0])).toEqual([
    process.env.REACT,
    process.env.REACT,
  ]);
}

afterEach(() => {
  cleanup();
  expect(takeStrays(), 'stray console lines and requests').toEqual([]);
});
