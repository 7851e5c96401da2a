export { type FakeGuestTokenOverrides, fakeGuestToken } from './fakeGuestToken.ts';
export {
  GuestTokenTestProvider,
  type GuestTokenTestProviderProps,
} from './GuestTokenTestProvider.tsx';
