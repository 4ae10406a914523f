import { base64 } from '@scure/base';
import { wholeSat } from '../core/amount.ts';
import { TransportError } from '../core/errors.ts';
import { encodeUtf8 } from '../core/utf8.ts';
import type { ChainView } from '../ports/chainView.ts';
import { ask, type FetchLike, numberOf, objectOf, ownFetch } from './fetching.ts';

const SAT_PER_BTC = 1e8;
const UNAUTHORIZED = 401;

/** A URL with user and password; URL classes of React Native do not know them. */
const FORM = /^(https?):\/\/([^:@/]+):([^@/]+)@([^@/]+)(\/.*)?$/;

/**
 * A full node of one's own, by its RPC (`gettxout`, mempool included), as `http://user:password@127.0.0.1:8332`.
 * @throws TypeError on another form of URL
 */
export function bitcoindView(url: string, { fetch = ownFetch() }: { readonly fetch?: FetchLike } = {}): ChainView {
  const [, scheme, user = '', password = '', host, path = '/'] = FORM.exec(url) ?? [];
  if (scheme === undefined || host === undefined)
    throw new TypeError('the bitcoind URL is not of the form http://user:password@host:port');
  const where = `bitcoind at ${host}`;
  const secret = base64.encode(encodeUtf8(`${decodeURIComponent(user)}:${decodeURIComponent(password)}`));
  const headers = { authorization: `Basic ${secret}`, 'content-type': 'application/json' };
  return {
    async output({ txid, vout }, { signal } = {}) {
      const body = JSON.stringify({ jsonrpc: '1.0', id: 'lsps2', method: 'gettxout', params: [txid, vout, true] });
      const sent = { method: 'POST', headers, body } as const;
      const { status, text } = await ask(fetch, `${scheme}://${host}${path}`, sent, { where, signal });
      if (status === UNAUTHORIZED)
        throw new TransportError('closed', `${where} refuses the user or password`, { retryable: false });
      const { result, error } = objectOf(text, where);
      if (error) throw new TransportError('closed', `${where} cannot say`, { cause: error });
      if (result === null || result === undefined) return undefined;
      const { value, confirmations, scriptPubKey } = result as Record<string, unknown>;
      const { hex } = (scriptPubKey ?? {}) as Record<string, unknown>;
      return {
        script: String(hex),
        value: wholeSat(BigInt(Math.round(numberOf(value, where) * SAT_PER_BTC))),
        confirmations: numberOf(confirmations, where),
      };
    },
  };
}
