import { DEFAULT_CHANNEL_ID } from '../../core/defaults.ts';
import { sandboxFaultNames } from '../sandboxPresets.ts';
import { oneOf, onOff, secureUrl, setting, text } from './setting.ts';

/** The account, of both commands. */
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
    kind: secureUrl,
    option: 'apiUrl',
    help: "in place of the region's https://api.… host",
  }),
  loginUrl: setting({
    variable: 'GENESYS_LOGIN_URL',
    kind: secureUrl,
    option: 'loginUrl',
    help: "in place of the region's https://login.… host",
  }),
};
