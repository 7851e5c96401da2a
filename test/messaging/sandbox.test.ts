// The source on the sandbox's socket, whose faults are what a broken server or proxy would send.
import { expect, test } from 'vitest';
import type { SandboxFaultInput } from '../../src/sandbox/faults.ts';
import { createSandboxCloud } from '../../src/sandbox/sandboxCloud.ts';
import { ask, pass, sourceOn, withFakeTime } from './asking.ts';
import { ScriptedSocket, SESSION_TOKEN } from './scriptedSocket.ts';

withFakeTime();

/** A configured session of the sandbox. */
function openSession() {
  const sandbox = createSandboxCloud();
  const { socketUrl, deploymentId } = sandbox;
  const handshake = sandbox.connect(`${socketUrl}/v1?deploymentId=${deploymentId}`);
  if (typeof handshake !== 'function') throw new Error('The sandbox has refused the socket.');
  const socket = new ScriptedSocket((request) => connection.receive(JSON.stringify(request)));
  const connection = handshake({
    send: (frame) => socket.receive(frame),
    close: () => socket.close(),
    cut: () => socket.close(),
  });
  const configure = { action: 'configureSession', deploymentId, startNew: false };
  connection.receive(JSON.stringify({ ...configure, token: SESSION_TOKEN }));
  return { sandbox, socket };
}

test('the JWT of the sandbox reads the history, and nothing after its minute', async () => {
  const { sandbox, socket } = openSession();
  const asked = ask(sourceOn(socket).source);
  await pass();
  expect(asked.reply?.expires_in).toBe(55);
  const read = async (): Promise<number> => {
    const headers = { Authorization: `Bearer ${asked.reply?.token}` };
    const url = `${sandbox.apiUrl}/api/v2/webmessaging/messages`;
    return (await sandbox.fetch(url, { headers })).status;
  };
  expect(await read()).toBe(200);
  await pass(55_000);
  expect(await read()).toBe(200);
  await pass(5_000);
  expect(await read()).toBe(401);
});

test.each<[SandboxFaultInput, string, string?]>([
  [{ kind: 'rate-limited', seconds: 3 }, 'rate_limited'],
  ['unauthorized', 'unauthorized'],
  ['forbidden', 'forbidden', 'reauthenticate'],
  [{ kind: 'unavailable', status: 4006 }, 'rejected', 'session_expired'],
  [{ kind: 'unavailable', status: 4007 }, 'rejected', 'session_not_found'],
  [{ kind: 'unavailable', status: 5000 }, 'unavailable'],
  ['empty-token', 'malformed_reply'],
  ['exp-in-ms', 'malformed_reply'],
  ['unknown-class', 'malformed_reply'],
  ['foreign-tracing-id', 'timed_out'],
  ['html', 'timed_out'],
  ['hang', 'timed_out'],
  ['cut', 'unreachable'],
])('the sandbox’s fault %o becomes a typed error', async (fault, code, reason) => {
  const { sandbox, socket } = openSession();
  sandbox.fault('getJwt', fault);
  const asked = ask(sourceOn(socket).source);
  await pass(8_000);
  const error = Object(asked.error);
  expect([error.code, error.reason]).toEqual([code, reason]);
  expect(sandbox.count('getJwt')).toBe(1);
});
