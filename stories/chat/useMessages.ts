import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { retryDelayMs, shouldRetry, useGuestFetch, useGuestToken } from '../../src/index.ts';
import type { Message, Messages } from './connection.ts';

/** Where the messages of one conversation are read and written. */
interface Conversation {
  readonly messagesUrl: string;
  readonly memberMessagesUrl: string;
}

/** Who chats with whom; the page of a shop would know. */
const newConversation = {
  organizationId: 'shop',
  deploymentId: 'shop-chat',
  routingTarget: { targetType: 'QUEUE', targetAddress: 'Support' },
  memberInfo: { displayName: 'Visitor' },
};

/** The widget's own queries and mutation, over the guest fetch and with the package's retry functions. */
export function useMessages(apiUrl: string): Messages {
  const guestFetch = useGuestFetch();
  const { status } = useGuestToken();
  const client = useQueryClient();
  const conversationsUrl = `${apiUrl}/api/v2/webchat/guest/conversations`;
  const queryKey = ['messages', conversationsUrl];

  async function request(url: string, init: RequestInit): Promise<unknown> {
    const response = await guestFetch(url, init);
    // A Response is what shouldRetry and retryDelayMs understand.
    if (!response.ok) throw response;
    return response.json();
  }

  function post(url: string, body: object): Promise<unknown> {
    const headers = { 'Content-Type': 'application/json' };
    return request(url, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** The one conversation of this widget, created by whoever needs it first. */
  function openConversation(): Promise<Conversation> {
    return client.ensureQueryData({
      queryKey: ['conversation', conversationsUrl],
      queryFn: async () =>
        toConversation(conversationsUrl, await post(conversationsUrl, newConversation)),
      staleTime: Number.POSITIVE_INFINITY,
    });
  }

  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const { messagesUrl } = await openConversation();
      return toMessages(await request(messagesUrl, { signal }));
    },
    // Before there is a token, the token is what to wait for.
    enabled: status === 'success',
    retry: shouldRetry,
    retryDelay: retryDelayMs,
  });
  const mutation = useMutation({
    mutationFn: async (text: string) => {
      const { memberMessagesUrl } = await openConversation();
      return post(memberMessagesUrl, { body: text });
    },
    // A message whose answer was lost may stand there twice. A chat can live with that; a payment
    // could not, and would leave this out.
    retry: shouldRetry,
    retryDelay: retryDelayMs,
    onSuccess: () => client.invalidateQueries({ queryKey }),
  });
  return {
    messages: query.data ?? [],
    loading: loadingOf(query),
    load: () => void query.refetch(),
    outgoing: outgoingOf(mutation),
    send: mutation.mutate,
  };
}

function loadingOf(query: {
  isPending: boolean;
  isError: boolean;
  failureCount: number;
}): Messages['loading'] {
  if (query.isError) return 'failed';
  if (!query.isPending) return 'no';
  return query.failureCount > 0 ? 'retrying' : 'yes';
}

function outgoingOf(mutation: {
  status: string;
  variables: string | undefined;
  failureCount: number;
}): Messages['outgoing'] {
  const { status, variables: text, failureCount } = mutation;
  if (text === undefined || status === 'success') return undefined;
  if (status === 'error') return { text, state: 'failed' };
  return { text, state: failureCount > 0 ? 'retrying' : 'sending' };
}

function toConversation(conversationsUrl: string, body: unknown): Conversation {
  const url = `${conversationsUrl}/${field(body, 'id')}`;
  const memberId = field(field(body, 'member'), 'id');
  return {
    messagesUrl: `${url}/messages`,
    memberMessagesUrl: `${url}/members/${memberId}/messages`,
  };
}

/** Genesys' list of messages, as far as the widget shows it. */
function toMessages(body: unknown): Message[] {
  const entities = field(body, 'entities');
  if (!Array.isArray(entities)) return [];
  return entities.map((entity: unknown, index) => ({
    id: String(field(entity, 'id') ?? index),
    text: String(field(entity, 'body') ?? ''),
    fromVisitor: field(field(entity, 'sender'), 'role') === 'CUSTOMER',
  }));
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
