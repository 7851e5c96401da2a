import { DEFAULT_CHANNEL_ID } from '../core/defaults.ts';
import { sandboxFaultNames } from './sandboxPresets.ts';
import {
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
  encryptionKey: setting({
    variable: 'GUEST_TOKEN_ENCRYPTION_KEY',
    kind: passphrase,
    isSecret: true,
    option: 'encryptionKey',
    help: 'encrypts the tokens in Redis',
  }),
};

export type GenesysSettings = ValuesOf<typeof genesysTable>;
export type ServeSettings = ValuesOf<typeof serveTable>;
