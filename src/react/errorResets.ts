import type { GuestTokenError } from '../core/errors.ts';

/** The providers whose components have thrown an error, each time that it was shown. */
const throwers = new WeakMap<GuestTokenError, ReadonlySet<ErrorResets>[]>();

/**
 * The failures that React has not shown yet. It renders a failed tree twice, with new state, before it
 * does, and on a slow machine it lets other work in between.
 */
const throwing = new Map<GuestTokenError, Set<ErrorResets>>();

/**
 * Tells a component that renders again because its error boundary was reset from one that is new on
 * the page: only the former is a person's wish to try again. React says neither, so it is read from
 * what has rendered before. A component that a state below its provider brings in looks like a reset.
 */
export class ErrorResets {
  #isRendering = false;
  #hasJustThrown = false;
  /** Its components have thrown an error, and none has waited for a token, or had one, since. */
  #hasFailed = false;
  /** Its tree is not on the page: it never was, or an error boundary above it took it off. */
  #isDiscarded = true;

  /** The provider renders. */
  onRender(): void {
    this.#isRendering = true;
    queueMicrotask(() => this.onCommit());
  }

  onCommit(): void {
    this.#isRendering = false;
  }

  onMount(): void {
    this.#isDiscarded = false;
  }

  onUnmount(): void {
    this.#isDiscarded = this.#hasJustThrown;
  }

  onThrow(error: GuestTokenError): void {
    this.#hasJustThrown = true;
    if (throwing.size === 0) {
      onceShown(() => {
        for (const [failure, together] of throwing) {
          throwers.set(failure, [...(throwers.get(failure) ?? []), together]);
          for (const thrower of together) {
            thrower.#hasFailed ||= thrower.#hasJustThrown;
            thrower.#hasJustThrown = false;
          }
        }
        throwing.clear();
      });
    }
    throwing.set(error, (throwing.get(error) ?? new Set()).add(this));
  }

  /** A component waits for a token, or has one. */
  onProgress(): void {
    this.#hasFailed = false;
    this.#hasJustThrown = false;
  }

  /** Whether a component that finds this error renders because a boundary was reset. */
  isReset(error: GuestTokenError): boolean {
    const turns = throwers.get(error) ?? [];
    const hasThrown = turns.some((together) => together.has(this));
    // The session may have tried again, and failed again, since the boundary caught its error.
    if (this.#hasFailed && !hasThrown) throwers.set(error, [...turns, new Set([this])]);
    // What renders together with its provider is new on the page.
    if (this.#hasFailed || hasThrown) return !this.#isRendering;
    // A boundary above the provider has put a new provider in place of the one that threw.
    return turns.some((together) => [...together].every((thrower) => thrower.#isDiscarded));
  }
}

/** For changes that can't be observed, as inside a shadow root. Nobody resets a boundary sooner. */
const SHOWN_AFTER_MS = 500;

/** Calls back once React has shown what it has rendered: the page changes. */
function onceShown(work: () => void): void {
  if (!globalThis.MutationObserver) {
    queueMicrotask(work);
    return;
  }
  const observer = new MutationObserver(onShown);
  const timer = setTimeout(onShown, SHOWN_AFTER_MS);
  observer.observe(document, { childList: true, subtree: true });
  function onShown(): void {
    observer.disconnect();
    clearTimeout(timer);
    work();
  }
}
