import { defaultHttpLimits } from '../httpServer.ts';
import { logLevels } from '../log.ts';
import { list, oneOf, onOff, passphrase, setting, text, wholeNumber } from './setting.ts';

const HOUR_MS = 3_600_000;
const durationMs = wholeNumber(1, HOUR_MS);
const port = wholeNumber(0, 65_535, ' (any free port)');

/** Where `serve` listens, what one client can hold of it, and what it logs. */
export const serverTable = {
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
  adminPort: setting({
    variable: 'GUEST_TOKEN_ADMIN_PORT',
    flag: 'admin-port',
    placeholder: 'PORT',
    kind: port,
    help: 'where /metrics is, with the health checks beside it; without it there are no metrics',
  }),
  adminHost: setting({
    variable: 'GUEST_TOKEN_ADMIN_HOST',
    flag: 'admin-host',
    placeholder: 'HOST',
    kind: text,
    fallback: '127.0.0.1',
    help: 'the address of that port; anybody who reaches it can read the metrics',
  }),
  allowedHosts: setting({
    variable: 'GUEST_TOKEN_ALLOWED_HOSTS',
    flag: 'allowed-hosts',
    placeholder: 'LIST',
    kind: list,
    fallback: '',
    help: 'comma-separated: hosts that requests may name; empty allows any',
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
    help: 'how long all headers of a request may take',
  }),
  requestTimeoutMs: setting({
    variable: 'GUEST_TOKEN_REQUEST_TIMEOUT_MS',
    flag: 'request-timeout-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: String(defaultHttpLimits.requestTimeoutMs),
    help: 'how long headers and body may take',
  }),
  idleTimeoutMs: setting({
    variable: 'GUEST_TOKEN_IDLE_TIMEOUT_MS',
    flag: 'idle-timeout-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: String(defaultHttpLimits.idleTimeoutMs),
    help: 'how long a connection stays open between requests; set it longer than the load balancer does',
  }),
  drainMs: setting({
    variable: 'GUEST_TOKEN_DRAIN_MS',
    flag: 'drain-ms',
    placeholder: 'MS',
    kind: wholeNumber(0, HOUR_MS),
    fallback: '3000',
    help: 'how long /readyz says "draining" after SIGTERM, before the listener closes',
  }),
  shutdownMs: setting({
    variable: 'GUEST_TOKEN_SHUTDOWN_MS',
    flag: 'shutdown-ms',
    placeholder: 'MS',
    kind: durationMs,
    fallback: '10000',
    help: 'how long requests under way get after that',
  }),
  logLevel: setting({
    variable: 'GUEST_TOKEN_LOG_LEVEL',
    flag: 'log-level',
    placeholder: 'LEVEL',
    kind: oneOf(...logLevels),
    fallback: 'info',
    help: `the lowest level of log lines: ${logLevels.join(', ')}`,
  }),
  identityKey: setting({
    variable: 'GUEST_TOKEN_IDENTITY_KEY',
    kind: passphrase,
    isSecret: true,
    option: 'identityKey',
    help: 'keys the hash that names a visitor in log lines; without it each process has its own',
  }),
  logAddress: setting({
    variable: 'GUEST_TOKEN_LOG_ADDRESS',
    kind: onOff,
    fallback: 'off',
    help: 'adds the address that asks to the log lines of requests',
  }),
};
