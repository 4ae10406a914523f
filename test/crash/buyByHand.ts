import type { Msat } from '../../lib/core/amount.ts';
import type { NodeId } from '../../lib/core/ids.ts';
import { decodeUtf8, encodeUtf8 } from '../../lib/core/utf8.ts';
import type { PeerMessages } from '../../lib/ports/peerMessages.ts';

const LSPS0 = 37_913;

interface Bought {
  readonly jit_channel_scid: string;
  readonly lsp_cltv_expiry_delta: number;
}

/** Asks and buys in plain JSON-RPC, whatever the client library may think of it. */
export async function buyByHand(node: PeerMessages, lsp: NodeId, amount: Msat | undefined): Promise<Bought> {
  const menu = (await call(node, lsp, 'lsps2.get_info', {})) as { opening_fee_params_menu: readonly object[] };
  const [params] = menu.opening_fee_params_menu;
  const size = amount === undefined ? {} : { payment_size_msat: amount.toString() };
  return (await call(node, lsp, 'lsps2.buy', { opening_fee_params: params, ...size })) as Bought;
}

let count = 0;

/** One request in plain JSON-RPC; rejects with the JSON of the error that came back. */
export function call(node: PeerMessages, lsp: NodeId, method: string, params: object): Promise<unknown> {
  const id = `by hand ${count++}`;
  const reply = new Promise<unknown>((resolve, reject) => {
    const stop = node.onMessage((from, type, payload) => {
      if (from !== lsp || type !== LSPS0) return;
      const answer = JSON.parse(decodeUtf8(payload)) as { id: string; result?: unknown; error?: unknown };
      if (answer.id !== id) return;
      stop();
      if (answer.error === undefined) resolve(answer.result);
      else reject(new Error(JSON.stringify(answer.error)));
    });
  });
  const request = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  return node.send(lsp, LSPS0, encodeUtf8(request)).then(() => reply);
}
