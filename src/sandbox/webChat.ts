import { asRecord, isText } from '../core/json.ts';
import { badRequest, genesysError, randomId } from './replies.ts';
import { AGENT_SCRIPT } from './script.ts';
import type { IssuedGuestToken } from './tokens.ts';

/** Someone in a web chat. */
export interface SandboxMember {
  readonly id: string;
  readonly displayName: string;
  readonly role: 'CUSTOMER' | 'AGENT';
  readonly state: 'CONNECTED';
}

/** A message of a web chat. */
export interface SandboxMessage {
  readonly id: string;
  readonly conversation: { readonly id: string };
  readonly sender: SandboxMember;
  readonly body: string;
  readonly bodyType: 'standard';
  /** ISO 8601. */
  readonly timestamp: string;
}

export interface WebChats {
  /**
   * `POST …/conversations`: a conversation of the visitor who asks, or of a new one.
   *
   * @param issue makes the JWT of the conversation
   */
  create(
    body: unknown,
    guest: IssuedGuestToken | undefined,
    issue: (externalId: string, memberId: string) => IssuedGuestToken,
  ): Response;
  /** `GET …/messages`. */
  read(conversationId: string, guest: IssuedGuestToken, query: URLSearchParams): Response;
  /** `POST …/members/{memberId}/messages`: the agent's answer is then in the list. */
  write(
    ids: { conversationId: string; memberId: string },
    guest: IssuedGuestToken,
    body: unknown,
    nowMs: number,
  ): Response;
  clear(): void;
}

interface Conversation {
  readonly externalId: string;
  readonly member: SandboxMember;
  /** Oldest first. */
  readonly messages: SandboxMessage[];
}

const AGENT: SandboxMember = {
  id: 'agent-sandbox',
  displayName: 'Agent',
  role: 'AGENT',
  state: 'CONNECTED',
};

/** The legacy web chat: conversations that belong to one visitor, and that no other one's token opens. */
export function createWebChats(): WebChats {
  const conversations = new Map<string, Conversation>();

  function open(id: string, guest: IssuedGuestToken): Conversation | Response {
    const found = conversations.get(id);
    if (!found) return notFound();
    return found.externalId === guest.externalId ? found : notAuthorized();
  }

  return {
    create(body, guest, issue) {
      const wrong = wrongField(body);
      if (wrong !== undefined) return badRequest(wrong);
      const [id, memberId] = [randomId(), randomId()];
      const externalId = guest?.externalId ?? id;
      const displayName = String(asRecord(asRecord(body).memberInfo).displayName);
      const member = { id: memberId, displayName, role: 'CUSTOMER', state: 'CONNECTED' } as const;
      conversations.set(id, { externalId, member, messages: [] });
      const { token: jwt } = issue(externalId, memberId);
      // The sandbox plays no event stream: messages are read with GET.
      return Response.json({ id, jwt, eventStreamUri: `wss://not-played.invalid/${id}`, member });
    },
    read(id, guest, query) {
      const conversation = open(id, guest);
      if (conversation instanceof Response) return conversation;
      const entities = chosen(conversation.messages, query);
      return Response.json({ entities, pageSize: entities.length });
    },
    write({ conversationId: id, memberId }, guest, body, nowMs) {
      const conversation = open(id, guest);
      if (conversation instanceof Response) return conversation;
      const { member, messages } = conversation;
      if (member.id !== memberId) return notFound();
      const { body: text } = asRecord(body);
      if (!isText(text)) return badRequest('The field "body" must be a text that is not empty.');
      const timestamp = new Date(nowMs).toISOString();
      const say = (sender: SandboxMember, said: string): SandboxMessage => ({
        id: randomId(),
        conversation: { id },
        sender,
        body: said,
        bodyType: 'standard',
        timestamp,
      });
      const message = say(member, text);
      const turn = messages.length / 2;
      messages.push(message, say(AGENT, AGENT_SCRIPT[turn % AGENT_SCRIPT.length] ?? ''));
      return Response.json(message);
    },
    clear() {
      conversations.clear();
    },
  };
}

/** What Genesys' client needs in a new conversation, as its types have it. */
function wrongField(body: unknown): string | undefined {
  const { organizationId, deploymentId, routingTarget, memberInfo } = asRecord(body);
  const { targetType, targetAddress } = asRecord(routingTarget);
  const required = {
    organizationId,
    deploymentId,
    'routingTarget.targetType': targetType,
    'routingTarget.targetAddress': targetAddress,
    'memberInfo.displayName': asRecord(memberInfo).displayName,
  };
  const wrong = Object.entries(required).find(([, value]) => !isText(value));
  return wrong && `The field "${wrong[0]}" must be a text that is not empty.`;
}

/** The part of the messages that a client asks for: `after`, `before`, `sortOrder`, `maxResults`. */
function chosen(messages: readonly SandboxMessage[], query: URLSearchParams): SandboxMessage[] {
  const indexOf = (name: string): number => messages.findIndex(({ id }) => id === query.get(name));
  // Genesys' client sends those that it does not use with an empty value.
  const end = query.get('before') ? Math.max(indexOf('before'), 0) : messages.length;
  const between = messages.slice(indexOf('after') + 1, end);
  const inOrder = query.get('sortOrder') === 'descending' ? between.toReversed() : between;
  return inOrder.slice(0, Number(query.get('maxResults') || 100));
}

function notFound(): Response {
  return genesysError(404, 'not.found', 'The requested resource was not found.');
}

function notAuthorized(): Response {
  return genesysError(
    403,
    'not.authorized',
    'You are not authorized to perform the requested action.',
  );
}
