import { Lsps2Error, NodeError } from '../../core/errors.ts';

/** bitcoind said no; `rpcCode` is its number. */
class BitcoindError extends Lsps2Error {
  readonly code = 'bitcoind';
  readonly rpcCode: number;

  constructor(method: string, rpcCode: number, message: string) {
    super(`bitcoind: ${method}: ${message} (${rpcCode})`);
    this.rpcCode = rpcCode;
  }
}

export interface RpcClient {
  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T>;
  /** The same, for one wallet. */
  wallet(name: string): RpcClient;
}

const TIMEOUT_MS = 30_000;

/** JSON-RPC to bitcoind; user and password stand in the URL. */
export function rpcClient(url: string): RpcClient {
  if (!URL.canParse(url)) throw new NodeError('the bitcoind URL is not of the form http://user:password@host:port');
  const { username, password, origin, pathname } = new URL(url);
  const secret = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const headers = { authorization: `Basic ${secret}`, 'content-type': 'application/json' };
  const at = (path: string): RpcClient => ({
    wallet: (name) => at(`/wallet/${encodeURIComponent(name)}`),
    async call<T>(method: string, ...params: readonly unknown[]): Promise<T> {
      const body = JSON.stringify({ jsonrpc: '1.0', id: 1, method, params });
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(`${origin}${path}`, { method: 'POST', headers, body, signal }).catch(
        (cause: unknown) => {
          // Never the URL itself: it holds the password.
          throw new NodeError(`no bitcoind answers at ${origin}`, { cause });
        },
      );
      if (response.status === 401) throw new NodeError(`bitcoind at ${origin} refuses the user or password`);
      const answer: unknown = await response.json().catch(() => undefined);
      if (typeof answer !== 'object' || answer === null)
        throw new NodeError(`what answers at ${origin} is no bitcoind`);
      const { result, error } = answer as {
        result: T;
        error: { code: number; message: string } | null;
      };
      if (error) throw new BitcoindError(method, error.code, error.message);
      return result;
    },
  });
  return at(pathname === '/' ? '/' : pathname);
}
