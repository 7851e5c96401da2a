import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { retryDelayMs, shouldRetry, useGuestFetch, useGuestToken } from '../../src/index.ts';

export interface Message {
  readonly id: string;
  readonly fromVisitor: boolean;
  readonly text: string;
}

interface Messages {
  readonly messages: readonly Message[];
  readonly isLoading: boolean;
  readonly failed: boolean;
  readonly sending: string | undefined;
  readonly sendFailed: boolean;
  readonly send: (text: string) => void;
}

/** The widget's own query and mutation, over the guest fetch and with the package's retry functions. */
export function useMessages(conversationUrl: string): Messages {
  const guestFetch = useGuestFetch();
  const { status } = useGuestToken();
  const client = useQueryClient();
  const queryKey = ['messages', conversationUrl];

  async function request(init?: RequestInit): Promise<unknown> {
    const response = await guestFetch(conversationUrl, init);
    // A Response is what shouldRetry and retryDelayMs understand.
    if (!response.ok) throw response;
    return response.json();
  }

  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }) => toMessages(await request({ signal })),
    // Before there is a token, the token is what to wait for.
    enabled: status === 'success',
    retry: shouldRetry,
    retryDelay: retryDelayMs,
  });
  const mutation = useMutation({
    mutationFn: (text: string) =>
      request({
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ body: text }),
      }),
    onSuccess: () => client.invalidateQueries({ queryKey }),
  });
  return {
    messages: query.data ?? [],
    isLoading: query.isPending,
    failed: query.isError,
    sending: mutation.isPending ? mutation.variables : undefined,
    sendFailed: mutation.isError,
    send: mutation.mutate,
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
