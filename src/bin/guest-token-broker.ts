#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { createSandboxCloud } from '../testing/sandboxCloud.ts';
import { check } from './check.ts';
import { type SandboxFailure, type SandboxServer, startSandbox } from './sandboxServer.ts';
import { serve } from './serve.ts';
import {
  readGenesysSettings,
  readPort,
  readSandboxFault,
  readServeSettings,
  SANDBOX_FAULT_NAMES,
  UsageError,
} from './settings.ts';

const USAGE = `Usage: guest-token-broker <command> [options]

  check    asks for a guest token twice and says what to fix when that fails
  serve    answers POST /api/guest-token (and POST /), and GET /healthz

Options
  --sandbox              play Genesys Cloud in this process: no account needed
  --sandbox-fault NAME   let the sandbox fail: ${SANDBOX_FAULT_NAMES.join(', ')}
  --port PORT            of serve; default 8787, 0 for any free one
  --host HOST            of serve; default 127.0.0.1
  --help                 this text

Environment
  GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET   the OAuth client (grant: client credentials)
  GENESYS_ENVIRONMENT                        default mypurecloud.com
  GENESYS_CHANNEL_ID                         default webchat-default
  GUEST_TOKEN_COOKIE_SECRET                  serve: signs the cookie that tells visitors apart
  GUEST_TOKEN_ALLOWED_ORIGINS                serve: other origins that may ask, with commas between
  REDIS_URL                                  serve: shares tokens and limits between machines;
                                             needs the package redis
  GUEST_TOKEN_ENCRYPTION_KEY                 serve: encrypts the tokens in Redis
`;

async function run(args: string[]): Promise<number | undefined> {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [command, ...rest] = positionals;
  if (rest.length > 0 || (command !== 'check' && command !== 'serve')) throw new UsageError(USAGE);
  const genesys = readGenesysSettings(process.env, values.sandbox);
  const failure = readSandboxFault(values['sandbox-fault'], values.sandbox);
  const options = command === 'serve' && {
    ...readServeSettings(process.env, values.sandbox),
    port: readPort(values.port),
    hostname: values.host,
  };
  const sandbox = values.sandbox ? await playGenesys(genesys.channelId, failure) : undefined;
  if (options) {
    await serve(genesys, sandbox, options);
    return undefined;
  }
  try {
    return await check(genesys, sandbox);
  } finally {
    await sandbox?.close();
  }
}

function playGenesys(
  channelId: string,
  failure: SandboxFailure | undefined,
): Promise<SandboxServer> {
  const sandbox = createSandboxCloud({ channelId });
  if (failure) sandbox.fault(...failure);
  return startSandbox(sandbox);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        sandbox: { type: 'boolean', default: false },
        'sandbox-fault': { type: 'string' },
        port: { type: 'string', default: '8787' },
        host: { type: 'string', default: '127.0.0.1' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    const problem = error instanceof Error ? `${error.message}\n\n` : '';
    throw new UsageError(`${problem}${USAGE}`);
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // at once: the sandbox may be listening already
  process.exit(error instanceof UsageError ? 2 : 1);
}
