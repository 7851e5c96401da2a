import type { SandboxFaultInput, SandboxOperation } from '../sandbox/faults.ts';

/** A fault, and where it strikes. */
export type SandboxFailure = readonly [SandboxOperation, SandboxFaultInput];

const presets: Readonly<Record<string, SandboxFailure>> = {
  'wrong-secret': ['login', 'unauthorized'],
  'missing-role': ['visitor', 'forbidden'],
  'rate-limited': ['visitor', { kind: 'rate-limited', seconds: 42 }],
  unavailable: ['visitor', 'unavailable'],
  slow: ['visitor', { kind: 'slow', delayMs: 1000 }],
  'no-socket': ['connect', 'unavailable'],
  'short-session': ['configureSession', { kind: 'short-life', lifeSeconds: 10 }],
  'short-jwt': ['getJwt', { kind: 'short-life', lifeSeconds: 2 }],
};

/** What `--sandbox-fault` can name. */
export const sandboxFaultNames: readonly string[] = Object.keys(presets);

/** @param name one of `sandboxFaultNames` */
export function sandboxFailure(name: string): SandboxFailure | undefined {
  return Object.hasOwn(presets, name) ? presets[name] : undefined;
}
