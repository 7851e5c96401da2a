type Call = (url: string, body?: string) => Promise<unknown>;

export function axiosCall(send: typeof fetch, token: string): Call;
export function kyCall(send: typeof fetch, token: string): Call;
export function firebaseGetToken(): Promise<{
  getToken(): Promise<string>;
  close(): Promise<void>;
}>;
