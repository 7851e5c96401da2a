export { type FakeGuestTokenOverrides, fakeGuestToken } from './fakeGuestToken.ts';
export { focusPage, goOffline, goOnline, hidePage, resetPage, showPage } from './fakePage.ts';
export { passTime, sleepMachine } from './fakeTime.ts';
export {
  type FakeTokenSource,
  type FakeTokenSourceOptions,
  fakeTokenSource,
} from './fakeTokenSource.ts';
export {
  GuestTokenTestProvider,
  type GuestTokenTestProviderProps,
} from './GuestTokenTestProvider.tsx';
