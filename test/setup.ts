import '@testing-library/jest-dom/vitest';
import { cleanup } from '@testing-library/react';
import { afterEach, expect } from 'vitest';
import { takeStrays, watchStrays } from './strays.ts';

watchStrays();

afterEach(() => {
  cleanup();
  expect(takeStrays(), 'stray console lines and requests').toEqual([]);
});
