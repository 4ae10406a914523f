import { wholeSat } from '../core/amount.ts';
import { TransportError } from '../core/errors.ts';
import type { Abortable } from '../ports/abort.ts';
import type { ChainView } from '../ports/chainView.ts';
import { ask, type FetchLike, numberOf, objectOf, ownFetch } from './fetching.ts';

const NOT_FOUND = 404;
const OK = 200;

/**
 * An Esplora server (`https://host/api`), mempool included. It learns which channel you look for, and you believe what it says:
 * take one that is not your LSP's.
 */
export function esploraView(base: string, { fetch = ownFetch() }: { readonly fetch?: FetchLike } = {}): ChainView {
  const root = base.replace(/\/+$/, '');
  const where = `the Esplora server ${root}`;

  async function get(path: string, { signal }: Abortable): Promise<string | undefined> {
    const { status, text } = await ask(fetch, `${root}${path}`, { method: 'GET' }, { where, signal });
    if (status === NOT_FOUND) return undefined;
    if (status !== OK) throw new TransportError('closed', `${where} answers with status ${status}`);
    return text;
  }

  return {
    async output({ txid, vout }, options = {}) {
      const text = await get(`/tx/${txid}`, options);
      if (text === undefined) return undefined;
      const { vout: outputs, status } = objectOf(text, where);
      const output = Array.isArray(outputs) ? (outputs[vout] as Record<string, unknown> | undefined) : undefined;
      if (!output) return undefined;
      const spent = await get(`/tx/${txid}/outspend/${vout}`, options);
      if (spent === undefined || objectOf(spent, where)['spent'] !== false) return undefined;
      const { confirmed, block_height: height } = (status ?? {}) as Record<string, unknown>;
      return {
        script: String(output['scriptpubkey']),
        value: wholeSat(BigInt(Math.round(numberOf(output['value'], where)))),
        confirmations: confirmed === true ? await depth(numberOf(height, where), options) : 0,
      };
    },
  };

  async function depth(height: number, options: Abortable): Promise<number> {
    const tip = numberOf(Number(await get('/blocks/tip/height', options)), where);
    return Math.max(tip - height + 1, 0);
  }
}
