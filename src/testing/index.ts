export { type FakeGuestTokenOverrides, fakeGuestToken } from './fakeGuestToken.ts';
export {
  GuestTokenTestProvider,
  type GuestTokenTestProviderProps,
} from './GuestTokenTestProvider.tsx';
export { type GenesysSandbox, genesysSandbox } from './genesysSandbox.ts';
export type {
  SandboxCloud,
  SandboxCloudOptions as GenesysSandboxOptions,
  SandboxRequest,
} from './sandboxCloud.ts';
export type { SandboxMessage } from './sandboxConversation.ts';
export type {
  RetryAfterForm,
  SandboxFault,
  SandboxFaultInput,
  SandboxFaultKind,
  SandboxOperation,
} from './sandboxFaults.ts';
export type { SandboxSignIn } from './sandboxMessaging.ts';
export type { SandboxSettings } from './sandboxOperations.ts';
export type { IssuedGuestToken } from './sandboxTokens.ts';
