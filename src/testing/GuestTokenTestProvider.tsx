import { type ReactNode, useMemo, useState } from 'react';
import { GuestTokenError } from '../core/errors.ts';
import { ErrorResets } from '../react/errorResets.ts';
import {
  GuestTokenContext,
  type GuestTokenContextValue,
  type GuestTokenStore,
} from '../react/GuestTokenContext.ts';

interface Common {
  children?: ReactNode;
  /** The last failure, which may stand beside a valid token. Default null. */
  error?: GuestTokenError | null;
  /** Epoch ms. Default undefined. */
  retryAtMs?: number;
  /** Default false. */
  isFetching?: boolean;
  /** What `useGuestFetch` yields. Default: refuses, so that a test makes no request by accident. */
  fetch?: typeof fetch;
  /** Called by `refresh()`. Default: as `getToken()`. */
  onRefresh?: () => Promise<string>;
}

/** One fixed state; what does not go together does not compile. */
export type GuestTokenTestProviderProps =
  | (Common & {
      /** Default `"success"`. */
      status?: 'success';
      /** Default `"test-token"`. */
      token?: string;
      /** Default `"test-visitor"`. */
      visitorId?: string;
      /** Epoch ms. Default: in an hour. */
      expiresAtMs?: number;
    })
  | (Common & { status: 'idle' | 'pending'; token?: never; visitorId?: never; expiresAtMs?: never })
  | (Common & {
      status: 'error';
      error: GuestTokenError;
      token?: never;
      visitorId?: never;
      expiresAtMs?: never;
    });

/**
 * Stands in for `GuestTokenProvider` in component tests: shows one state and makes no request.
 *
 * @example
 * render(<ChatWidget />, { wrapper: GuestTokenTestProvider });
 * render(<GuestTokenTestProvider status="error" error={error}><ChatWidget /></GuestTokenTestProvider>);
 */
export function GuestTokenTestProvider(props: GuestTokenTestProviderProps): ReactNode {
  const { children, fetch: yours, onRefresh } = props;
  const [expiresByDefaultAtMs] = useState(() => Date.now() + 3_600_000);
  const { status = 'success', token, visitorId, error, retryAtMs, isFetching } = props;
  const expiresAtMs = props.expiresAtMs ?? expiresByDefaultAtMs;
  const value = useMemo((): GuestTokenContextValue => {
    const state = fixedState({
      status,
      token,
      visitorId,
      expiresAtMs,
      error,
      retryAtMs,
      isFetching,
    });
    const getToken = (): Promise<string> => tokenOf(state);
    const refresh = onRefresh ?? getToken;
    return {
      store: { getView: () => state, subscribe: () => () => undefined },
      serverView: { ...state, getToken, refresh },
      suspense: state.status === 'idle' ? undefined : { resets: new ErrorResets(), acquire: never },
      getToken,
      refresh,
      fetch: yours ?? refuse,
    };
  }, [status, token, visitorId, expiresAtMs, error, retryAtMs, isFetching, onRefresh, yours]);
  return <GuestTokenContext.Provider value={value}>{children}</GuestTokenContext.Provider>;
}

type GuestTokenState = ReturnType<GuestTokenStore['getView']>;

const noToken = { token: undefined, visitorId: undefined, expiresAtMs: undefined };

interface Fixed {
  readonly status: GuestTokenState['status'];
  readonly token: string | undefined;
  readonly visitorId: string | undefined;
  readonly expiresAtMs: number;
  readonly error: GuestTokenError | null | undefined;
  readonly retryAtMs: number | undefined;
  readonly isFetching: boolean | undefined;
}

function fixedState({ status, token, visitorId, expiresAtMs, ...given }: Fixed): GuestTokenState {
  const { error = null, retryAtMs, isFetching = false } = given;
  const common = { error, retryAtMs, isFetching };
  if (status === 'success') {
    return {
      ...common,
      status,
      token: token ?? 'test-token',
      visitorId: visitorId ?? 'test-visitor',
      expiresAtMs,
    };
  }
  if (status === 'error' && error) return { ...common, ...noToken, status, error };
  return { ...common, ...noToken, status: status === 'idle' ? status : 'pending' };
}

function tokenOf(state: GuestTokenState): Promise<string> {
  if (state.status === 'success') return Promise.resolve(state.token);
  if (state.status === 'pending') return never();
  const nobody = new GuestTokenError('aborted', 'There is no visitor in this test.');
  return Promise.reject(state.error ?? nobody);
}

/** A state that is fixed is never settled. */
function never<Result>(): Promise<Result> {
  return new Promise(() => undefined);
}

const refuse: typeof fetch = () =>
  Promise.reject(
    new GuestTokenError('misconfigured', 'The GuestTokenTestProvider makes no requests.', {
      hint: 'Give it a fetch of the test.',
    }),
  );
