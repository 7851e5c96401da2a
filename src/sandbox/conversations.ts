import { asRecord } from '../core/json.ts';
import { badRequest, genesysError, randomId } from './replies.ts';
import { AGENT_SCRIPT } from './script.ts';
import type { IssuedGuestToken } from './tokens.ts';

/** A message, in the form of Genesys' web chat. */
export interface SandboxMessage {
  readonly id: string;
  readonly conversation: { readonly id: string };
  readonly sender: { readonly id: string; readonly role: 'CUSTOMER' | 'AGENT' };
  readonly body: string;
  readonly bodyType: 'standard';
  /** ISO 8601. */
  readonly timestamp: string;
}

export interface SandboxConversations {
  /** `GET`: `{ entities }`, oldest first. */
  read(conversationId: string, guest: IssuedGuestToken): Response;
  /** `POST { body }`: the visitor's message; the agent's answer is then in the list. */
  write(conversationId: string, guest: IssuedGuestToken, body: unknown, nowMs: number): Response;
  clear(): void;
}

interface Conversation {
  readonly externalId: string;
  readonly messages: SandboxMessage[];
}

/** Conversations that belong to the visitor who wrote first: another one's token is no key to them. */
export function createSandboxConversations(): SandboxConversations {
  const conversations = new Map<string, Conversation>();

  function open(id: string, guest: IssuedGuestToken): Conversation | Response {
    const found = conversations.get(id) ?? { externalId: guest.externalId, messages: [] };
    if (found.externalId !== guest.externalId) {
      return genesysError(
        403,
        'not.authorized',
        'You are not authorized to perform the requested action.',
      );
    }
    return found;
  }

  return {
    read(id, guest) {
      const conversation = open(id, guest);
      if (conversation instanceof Response) return conversation;
      return Response.json({
        entities: conversation.messages,
        total: conversation.messages.length,
      });
    },
    write(id, guest, body, nowMs) {
      const { body: text } = asRecord(body);
      if (typeof text !== 'string' || text.trim() === '') {
        return badRequest('The field "body" must be a text that is not empty.');
      }
      const conversation = open(id, guest);
      if (conversation instanceof Response) return conversation;
      const { messages } = conversation;
      const timestamp = new Date(nowMs).toISOString();
      const say = (sender: SandboxMessage['sender'], said: string): SandboxMessage => ({
        id: randomId(),
        conversation: { id },
        sender,
        body: said,
        bodyType: 'standard',
        timestamp,
      });
      const message = say({ id: guest.visitorId, role: 'CUSTOMER' }, text);
      const turn = messages.length / 2;
      const reply = AGENT_SCRIPT[turn % AGENT_SCRIPT.length] ?? '';
      messages.push(message, say({ id: 'agent-sandbox', role: 'AGENT' }, reply));
      conversations.set(id, conversation);
      return Response.json(message);
    },
    clear() {
      conversations.clear();
    },
  };
}
