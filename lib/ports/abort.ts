/** What we need of the platform's AbortSignal, so that no DOM types are needed to compile. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Last argument of calls that can be given up: they then reject with `signal.reason`. */
export interface Abortable {
  readonly signal?: AbortSignalLike | undefined;
}

/** Ends a subscription or a timer; calling it again does nothing. */
export type Stop = () => void;
