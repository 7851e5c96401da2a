import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { retryDelayMs, shouldRetry, useGuestFetch, useGuestToken } from '../../src/index.ts';

interface Message {
  readonly id: string;
  readonly fromVisitor: boolean;
  readonly text: string;
}

interface Messages {
  readonly messages: readonly Message[];
  /** `"retrying"`: it has failed, and is being tried again. */
  readonly loading: 'no' | 'yes' | 'retrying' | 'failed';
  readonly load: () => void;
  /** The message on its way, or the one that did not arrive. */
  readonly outgoing:
    | { readonly text: string; readonly state: 'sending' | 'retrying' | 'failed' }
    | undefined;
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
