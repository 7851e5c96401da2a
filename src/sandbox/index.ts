export type { SandboxMessage } from './conversations.ts';
export type {
  RetryAfterForm,
  SandboxFault,
  SandboxFaultInput,
  SandboxFaultKind,
  SandboxOperation,
} from './faults.ts';
export { type GenesysSandbox, genesysSandbox } from './genesysSandbox.ts';
export type { SandboxSignIn } from './messagingTokens.ts';
export type { SandboxSettings } from './operations.ts';
export type {
  SandboxCloud,
  SandboxCloudOptions as GenesysSandboxOptions,
  SandboxRequest,
} from './sandboxCloud.ts';
export type { IssuedGuestToken } from './tokens.ts';
