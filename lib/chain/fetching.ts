import { TransportError } from '../core/errors.ts';
import type { Abortable } from '../ports/abort.ts';

/** As much of `fetch` as we use. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: 'GET' | 'POST';
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

const TIMEOUT_MS = 15_000;
/** No answer of ours is longer; a longer one is somebody's attack on our memory or their mistake. */
const CHARACTERS_MAX = 4_000_000;

/** The engine's own `fetch`. */
export function ownFetch(): FetchLike {
  const { fetch } = globalThis as { readonly fetch?: FetchLike };
  if (!fetch) throw new TypeError('this engine has no fetch: hand one in');
  return (url, init) => fetch(url, init);
}

/** One request and its text. `where` is for people, and holds no password. @throws TransportError */
export async function ask(
  fetching: FetchLike,
  url: string,
  init: Parameters<FetchLike>[1],
  { where, signal }: Abortable & { readonly where: string },
): Promise<{ readonly status: number; readonly text: string }> {
  const answer = async () => {
    const response = await fetching(url, init);
    return { status: response.status, text: await response.text() };
  };
  const { status, text } = await new Promise<Awaited<ReturnType<typeof answer>>>((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
      settle();
    };
    const aborted = () => end(() => reject(signal?.reason));
    const late = () => reject(new TransportError('timeout', `${where} did not answer within ${TIMEOUT_MS / 1000} s`));
    const timer = setTimeout(() => end(late), TIMEOUT_MS);
    signal?.addEventListener('abort', aborted);
    answer().then(
      (said) => end(() => resolve(said)),
      (cause: unknown) => end(() => reject(new TransportError('offline', `${where} cannot be reached`, { cause }))),
    );
    if (signal?.aborted) aborted();
  });
  if (text.length > CHARACTERS_MAX) throw new TransportError('closed', `${where} said too much`);
  return { status, text };
}

/** What is no JSON object is nobody's answer. @throws TransportError */
export function objectOf(text: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null)
    throw new TransportError('closed', `${where} answers, but not as it should`, { retryable: false });
  return value as Readonly<Record<string, unknown>>;
}

/** @throws TransportError */
export function numberOf(value: unknown, where: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new TransportError('closed', `${where} answers, but not as it should`, { retryable: false });
  return value;
}
