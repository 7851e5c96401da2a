import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import { defaultHttpLimits } from './httpServer.ts';
import { logLevels } from './log.ts';
import { sandboxFaultNames } from './sandboxPresets.ts';
import {
  countOrList,
  httpUrl,
  list,
  oneOf,
  onOff,
  passphrase,
  setting,
  text,
  type ValuesOf,
  wholeNumber,
} from './setting.ts';

const HOUR_MS = 3_600_000;
const durationMs = wholeNumber(1, HOUR_MS);
const rate = wholeNumber(1, 1_000_000);
const port = wholeNumber(0, 65_535, ' (any free port)');

/** Of both commands. */
export const genesysTable = {
  sandbox: setting({
    flag: 'sandbox',
    kind: onOff,
    fallback: 'off',
    help: 'play Genesys Cloud in this process: no account needed',
  }),
  sandboxFault: setting({
    flag: 'sandbox-fault',
    placeholder: 'NAME',
    kind: oneOf(...sandboxFaultNames),
    help: `let the sandbox fail: ${sandboxFaultNames.join(', ')}`,
  }),
  clientId: setting({
    variable: 'GENESYS_CLIENT_ID',
    kind: text,
    isSecret: true,
    option: 'clientId',
    help: 'the OAuth client (grant: Client Credentials); required without --sandbox',
  }),
  clientSecret: setting({
    variable: 'GENESYS_CLIENT_SECRET',
    kind: text,
    isSecret: true,
    option: 'clientSecret',
    help: 'its secret; required without --sandbox',
  }),
  environment: setting({
    variable: 'GENESYS_ENVIRONMENT',
    kind: text,
    fallback: 'mypurecloud.com',
    option: 'environment',
    help: "the region's domain",
  }),
  channelId: setting({
    variable: 'GENESYS_CHANNEL_ID',
    kind: text,
    fallback: DEFAULT_CHANNEL_ID,
    option: 'channelId',
    help: 'the channel of requests that name none',
  }),
  apiUrl: setting({
    variable: 'GENESYS_API_URL',
    kind: httpUrl,
    option: 'apiUrl',
    help: "in place of the region's https://api.… host",
  }),
  loginUrl: setting({
    variable: 'GENESYS_LOGIN_URL',
    kind: httpUrl,
    option: 'loginUrl',
    help: "in place of the region's https://login.… host",
  }),
};

/** Of `serve` alone. */
export const serveTable = {
  port: setting({
    variable: 'GUEST_TOKEN_PORT',
    flag: 'port',
    placeholder: 'PORT',
    kind: port,
    fallback: '8787',
    help: 'where it listens; 0 for any free port',
  }),
  host: setting({
    variable: 'GUEST_TOKEN_HOST',
    flag: 'host',
    placeholder: 'HOST',
    kind: text,
    fallback: '127.0.0.1',
    help: 'the address it listens on; 0.0.0.0 in a container',
  }),
  allowedHosts: setting({
    variable: 'GUEST_TOKEN_ALLOWED_HOSTS',
    flag: 'allowed-hosts',
    placeholder: 'LIST',
    kind: list,
    fallback: '',
    help: 'hosts that requests may name, with commas between; any where it is empty',
  }),
  maxConnections: setting({
    variable: 'GUEST_TOKEN_MAX_CONNECTIONS',
    flag: 'max-connections',
    placeholder: 'COUNT',
    kind: wholeNumber(1, 1_000_000),
    fallback: String(defaultHttpLimits.maxConnections),
    help: 'open connections; those beyond are closed at once',
  }),
  headerTimeoutMs: setting({
    variable: 'GUEST_TOKEN_HEADER_TIMEOUT_MS',
    flag: 'header-timeout-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: String(defaultHttpLimits.headerTimeoutMs),
    help: 'within which all headers of a request must come',
  }),
  requestTimeoutMs: setting({
    variable: 'GUEST_TOKEN_REQUEST_TIMEOUT_MS',
    flag: 'request-timeout-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: String(defaultHttpLimits.requestTimeoutMs),
    help: 'within which headers and body must come',
  }),
  idleTimeoutMs: setting({
    variable: 'GUEST_TOKEN_IDLE_TIMEOUT_MS',
    flag: 'idle-timeout-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: String(defaultHttpLimits.idleTimeoutMs),
    help: 'that a connection stays open between requests; longer than the load balancer keeps it',
  }),
  drainMs: setting({
    variable: 'GUEST_TOKEN_DRAIN_MS',
    flag: 'drain-ms',
    placeholder: 'MS',
    kind: wholeNumber(0, HOUR_MS),
    fallback: '3000',
    help: 'between "not ready" at /readyz and the end of listening, after SIGTERM',
  }),
  shutdownMs: setting({
    variable: 'GUEST_TOKEN_SHUTDOWN_MS',
    flag: 'shutdown-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: '10000',
    help: 'that requests under way get after that',
  }),
  cookieSecret: setting({
    variable: 'GUEST_TOKEN_COOKIE_SECRET',
    kind: passphrase,
    isSecret: true,
    option: 'cookieSecret',
    help: 'signs the cookie that tells visitors apart; required without --sandbox',
  }),
  allowedOrigins: setting({
    variable: 'GUEST_TOKEN_ALLOWED_ORIGINS',
    flag: 'allowed-origins',
    placeholder: 'LIST',
    kind: list,
    fallback: '',
    option: 'allowedOrigins',
    help: 'other origins whose pages may ask, with commas between',
  }),
  redisUrl: setting({
    variable: 'REDIS_URL',
    kind: text,
    isSecret: true,
    help: 'shares tokens and limits between machines; needs the package redis',
  }),
  redisPrefix: setting({
    variable: 'GUEST_TOKEN_REDIS_PREFIX',
    flag: 'redis-prefix',
    placeholder: 'PREFIX',
    kind: text,
    fallback: 'react-guest-token:',
    option: 'prefix',
    help: 'of all keys in Redis; another one for each organisation that shares it',
  }),
  perVisitor: setting({
    variable: 'GUEST_TOKEN_PER_VISITOR',
    flag: 'per-visitor',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '60',
    option: 'limits.perVisitor',
    help: 'requests a minute of one visitor',
  }),
  perIp: setting({
    variable: 'GUEST_TOKEN_PER_IP',
    flag: 'per-ip',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '600',
    option: 'limits.perIp',
    help: 'requests a minute from one address',
  }),
  trustedProxies: setting({
    variable: 'GUEST_TOKEN_TRUSTED_PROXIES',
    flag: 'trusted-proxies',
    placeholder: 'COUNT|LIST',
    kind: countOrList,
    fallback: '0',
    option: 'limits.trustedProxies',
    help: 'your proxies in front: how many, or their addresses and CIDRs with commas between',
  }),
  ipv6PrefixLength: setting({
    variable: 'GUEST_TOKEN_IPV6_PREFIX_LENGTH',
    kind: wholeNumber(1, 128),
    fallback: '64',
    option: 'limits.ipv6PrefixLength',
    help: 'leading bits of an IPv6 address that count as one address',
  }),
  upstream: setting({
    variable: 'GUEST_TOKEN_UPSTREAM',
    flag: 'upstream',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '300',
    option: 'limits.upstream',
    help: 'calls to Genesys a minute, over all visitors and machines',
  }),
  maxWaitMs: setting({
    variable: 'GUEST_TOKEN_MAX_WAIT_MS',
    flag: 'max-wait-ms',
    placeholder: 'MS',
    kind: wholeNumber(0, HOUR_MS),
    fallback: '2000',
    option: 'limits.maxWaitMs',
    help: 'that a request for a new token may wait for its turn',
  }),
  encryptionKey: setting({
    variable: 'GUEST_TOKEN_ENCRYPTION_KEY',
    kind: passphrase,
    isSecret: true,
    option: 'encryptionKey',
    help: 'encrypts the tokens in Redis',
  }),
  logLevel: setting({
    variable: 'GUEST_TOKEN_LOG_LEVEL',
    flag: 'log-level',
    placeholder: 'LEVEL',
    kind: oneOf(...logLevels),
    fallback: 'info',
    help: `the lowest level of log lines: ${logLevels.join(', ')}`,
  }),
  logAddress: setting({
    variable: 'GUEST_TOKEN_LOG_ADDRESS',
    kind: onOff,
    fallback: 'off',
    help: 'on: log lines of requests have the address that asks',
  }),
};

export type GenesysSettings = ValuesOf<typeof genesysTable>;
export type ServeSettings = ValuesOf<typeof serveTable>;
