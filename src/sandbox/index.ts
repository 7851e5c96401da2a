export type {
  RetryAfterForm,
  SandboxFault,
  SandboxFaultInput,
  SandboxFaultKind,
  SandboxOperation,
} from './faults.ts';
export { type GenesysSandbox, genesysSandbox } from './genesysSandbox.ts';
export type { SandboxStructuredMessage } from './messagingFrames.ts';
export type { SandboxConnection, SandboxSocket } from './messagingSocket.ts';
export type { SandboxSignIn } from './messagingTokens.ts';
export type { SandboxRequest } from './requestLog.ts';
export type { SandboxCloud, SandboxCloudOptions as GenesysSandboxOptions } from './sandboxCloud.ts';
export type { SandboxSettings } from './settings.ts';
export type { SandboxHandshake, SandboxMessagingControls } from './socketHost.ts';
export type { IssuedGuestToken } from './tokens.ts';
export type { SandboxMember, SandboxMessage } from './webChat.ts';
