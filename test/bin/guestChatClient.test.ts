// @vitest-environment node
// Genesys' legacy client for guests, over real HTTP against `serve --sandbox`.
import guestChat from 'purecloud-guest-chat-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newConversation } from '../sandbox/newConversation.ts';
import { type BrokerProcess, startBroker } from './process.ts';

// A busy machine starts processes slowly.
vi.setConfig({ testTimeout: 30_000 });

const { instance: client } = guestChat.ApiClient;
let broker: BrokerProcess;

beforeAll(async () => {
  broker = startBroker(['serve', '--sandbox', '--port', '0']);
  const [, url = ''] = await broker.printed(/"listening","url":"([^"]+)"/);
  client.config.basePath = `${url}/api`;
});
afterAll(() => broker.child.kill('SIGKILL'));

const api = new guestChat.WebChatApi();

/**
 * Creates a conversation. Version 13.2.0 adds the headers of a call without a JWT to its defaults, and
 * its logger then writes `Authorization: [REDACTED]` into them, which every later call would send.
 */
async function create(body: typeof newConversation) {
  try {
    return await api.postWebchatGuestConversations(body);
  } finally {
    Object.assign(client, { defaultHeaders: {} });
  }
}

async function chat() {
  const { id = '', jwt = '', member } = await create(newConversation);
  client.setJwt(jwt);
  return { conversationId: id, memberId: member?.id ?? '' };
}

describe("Genesys' guest chat client", () => {
  it('postWebchatGuestConversations creates a conversation with its JWT and member', async () => {
    const reply = await create(newConversation);
    expect(reply).toMatchObject({
      id: expect.any(String),
      jwt: expect.stringMatching(/^eyJ/),
      eventStreamUri: expect.stringMatching(/^wss:/),
      member: { id: expect.any(String), displayName: 'Ada', role: 'CUSTOMER' },
    });
  });

  it('postWebchatGuestConversationMemberMessages writes, getWebchatGuestConversationMessages reads', async () => {
    const { conversationId, memberId } = await chat();
    const written = await api.postWebchatGuestConversationMemberMessages(conversationId, memberId, {
      body: 'Where is my parcel?',
    });
    expect(written).toMatchObject({
      body: 'Where is my parcel?',
      bodyType: 'standard',
      sender: { id: memberId },
      conversation: { id: conversationId },
    });
    const asTheAgent = api.postWebchatGuestConversationMemberMessages(
      conversationId,
      'agent-sandbox',
      { body: 'I am the agent' },
    );
    await expect(asTheAgent).rejects.toMatchObject({ status: 404 });
    const all = await api.getWebchatGuestConversationMessages(conversationId);
    expect(all.entities).toMatchObject([{ id: written.id }, { sender: { role: 'AGENT' } }]);
    const answers = await api.getWebchatGuestConversationMessages(conversationId, {
      after: written.id ?? '',
    });
    expect(answers.entities).toHaveLength(1);
  });

  it("is refused in another visitor's conversation, with a made-up JWT, and without required fields", async () => {
    const { conversationId } = await chat();
    await chat();
    const read = () => api.getWebchatGuestConversationMessages(conversationId);
    await expect(read()).rejects.toMatchObject({ status: 403, code: 'not.authorized' });
    client.setJwt('made-up');
    await expect(read()).rejects.toMatchObject({ status: 401, code: 'bad.credentials' });
    await expect(create({ ...newConversation, organizationId: '' })).rejects.toMatchObject({
      status: 400,
      code: 'bad.request',
    });
  });
});
