#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { createSandboxCloud } from '../sandbox/sandboxCloud.ts';
import { check } from './check.ts';
import { sandboxFailure } from './sandboxPresets.ts';
import { type SandboxServer, startSandbox } from './sandboxServer.ts';
import { serve } from './serve.ts';
import { genesysTable } from './settings/genesysSettings.ts';
import { type Input, namingTheSetting, readSettings, UsageError } from './settings/readSettings.ts';
import { allTables, type GenesysSettings, serveTable } from './settings/settings.ts';
import { shortUsage, usage } from './settings/usage.ts';

/** @returns the exit code; undefined: the process goes on */
async function run(args: string[]): Promise<number | undefined> {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(usage());
    return 0;
  }
  const command = commandOf(positionals);
  const input: Input = { flags: values, env: process.env };
  const genesys = readSettings(genesysTable, input);
  const options = command === 'serve' ? readSettings(serveTable, input) : undefined;
  const sandbox = await startSandboxOf(genesys);
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

function commandOf([command, ...rest]: string[]): 'check' | 'serve' {
  if (command === undefined) throw new UsageError(shortUsage);
  if (command !== 'check' && command !== 'serve') {
    throw new UsageError(`Unknown command "${command}": it is check or serve.\n\n${shortUsage}`);
  }
  if (rest.length === 0) return command;
  throw new UsageError(`${command} takes options only, not "${rest.join(' ')}".\n\n${shortUsage}`);
}

async function startSandboxOf({
  sandbox: isWanted,
  sandboxFault,
  channelId,
}: GenesysSettings): Promise<SandboxServer | undefined> {
  if (sandboxFault !== undefined && !isWanted) {
    throw new UsageError('--sandbox-fault needs --sandbox.');
  }
  if (!isWanted) return undefined;
  const sandbox = createSandboxCloud({ channelId });
  const failure = sandboxFault === undefined ? undefined : sandboxFailure(sandboxFault);
  if (failure) sandbox.fault(...failure);
  return startSandbox(sandbox);
}

function parse(args: string[]) {
  const flags = Object.values(allTables).flatMap(
    ({ flag, placeholder }: { flag?: string; placeholder?: string }) =>
      flag === undefined
        ? []
        : [[flag, { type: placeholder === undefined ? 'boolean' : 'string' } as const] as const],
  );
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { ...Object.fromEntries(flags), help: { type: 'boolean' } },
    });
  } catch (error) {
    const problem = error instanceof Error ? `${error.message}\n\n` : '';
    throw new UsageError(`${problem}${shortUsage}`);
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (thrown) {
  const error = namingTheSetting(thrown, allTables);
  console.error(error instanceof Error ? error.message : error);
  // at once: the sandbox may be listening already
  process.exit(error instanceof UsageError ? 2 : 1);
}
