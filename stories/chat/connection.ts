export interface Message {
  readonly id: string;
  readonly fromVisitor: boolean;
  readonly text: string;
}

export interface Messages {
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

/** What the line under the title says. */
export interface Line {
  readonly mood: 'success' | 'busy' | 'bad' | 'pending' | 'idle';
  readonly text: string;
  /** When the next try comes by itself: epoch ms. */
  readonly retryAtMs?: number | undefined;
  /** What the visitor can do about it. */
  readonly action?: {
    readonly label: string;
    readonly run: () => void;
    readonly disabled?: boolean;
  };
}

/** All that the widget knows of what it is connected to: a web chat, or Web Messaging. */
export interface ChatConnection extends Messages {
  /** `"idle"`: nobody is signed in. `"ended"`: the conversation is over, and takes no more messages. */
  readonly status: 'idle' | 'pending' | 'success' | 'error' | 'ended';
  readonly line: Line;
}
