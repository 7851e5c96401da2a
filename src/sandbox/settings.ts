/** What can be changed while the sandbox runs. */
export interface SandboxSettings {
  /** Seconds that a guest token lives. Default 3,600; JWTs of Web Messaging at most 900, those for its history 60. */
  tokenLifeSeconds: number;
  /** Seconds that an OAuth access token lives. Default 86,400, as at Genesys. */
  accessTokenLifeSeconds: number;
  /** Calls per access token and minute. Default 300, as at Genesys. */
  requestsPerMinute: number;
  /** Ms that Genesys' clock is ahead of the real one; negative: behind. Default 0. */
  clockOffsetMs: number;
  /** Seconds that a Web Messaging session lives. Default 86,400. */
  sessionLifeSeconds: number;
  /** Ms until the agent answers on the socket. Default 0. */
  agentDelayMs: number;
  /** Whether Web Messaging has Genesys' limits: on history, echoes, requests, messages and connections. Default false. */
  messagingLimits: boolean;
}

export const DEFAULT_SETTINGS: SandboxSettings = {
  tokenLifeSeconds: 3600,
  accessTokenLifeSeconds: 86_400,
  requestsPerMinute: 300,
  clockOffsetMs: 0,
  sessionLifeSeconds: 86_400,
  agentDelayMs: 0,
  messagingLimits: false,
};

/** `base` with the settings that `changes` names; an undefined one changes nothing. */
export function withGiven(
  base: SandboxSettings,
  changes: Partial<SandboxSettings>,
): SandboxSettings {
  const given = Object.entries(changes).filter(
    ([name, value]) => Object.hasOwn(DEFAULT_SETTINGS, name) && value !== undefined,
  );
  return { ...base, ...Object.fromEntries(given) };
}
