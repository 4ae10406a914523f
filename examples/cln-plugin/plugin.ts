import { join } from 'node:path';
import { type Client, client, formatScid, type Log, msat } from 'lsps2';
import { clnHookedWallet, clnHost, clnStore, type HookedWallet } from 'lsps2/cln';
import { OPTIONS } from './manifest.ts';
import { rpcCall } from './rpc.ts';

type Json = Readonly<Record<string, unknown>>;

/** A wallet's gates inside lightningd. */
export interface Plugin {
  readonly wallet: HookedWallet;
  readonly jit: Client;
}

/** What is told to the plugin, and passed on. */
export interface Told {
  onNotification(f: (method: string, params: Json) => void): () => void;
  onCustomMessage(f: (from: string, payload: string) => void): () => void;
}

/**
 * Starts on what lightningd says in `init`. The client here sells and buys nothing: it judges by the purchases that the wallet's program
 * writes into the datastore.
 */
export async function startPlugin(init: Json, told: Told, log: Log): Promise<Plugin> {
  const [options, configuration] = [init['options'] as Json, init['configuration'] as Json];
  const socket = join(String(configuration['lightning-dir']), String(configuration['rpc-file']));
  const cln = await clnHost({ rpc: (method, params) => rpcCall(socket, method, params), ...told }, { log });
  const store = clnStore(cln);
  const others = options[OPTIONS.others] === 'refuse' ? 'refuse' : 'accept';
  const wallet = await clnHookedWallet(cln, { store, others });
  const maxToSelfDelayBlocks = Number(options[OPTIONS.maxToSelfDelay]);
  const jit = await client({ node: wallet, store, lsps: [], limits: { maxFee: msat(0n), maxToSelfDelayBlocks }, log });
  return { wallet, jit };
}

/** What `lsps2-purchases` answers. */
export const listed = ({ jit }: Plugin) => ({
  purchases: jit.purchases().map(({ scid, lsp, paymentHash, paymentSize, trust, state, validUntil }) => ({
    jit_channel_scid: formatScid(scid),
    lsp_id: lsp,
    payment_hash: paymentHash,
    ...(paymentSize === undefined ? {} : { payment_size_msat: Number(paymentSize) }),
    trust,
    valid_until: validUntil,
    state: state.tag,
    ...('gross' in state && state.gross !== undefined ? { gross_msat: Number(state.gross) } : {}),
    ...('fee' in state && state.fee !== undefined ? { extra_fee_total_msat: Number(state.fee) } : {}),
    ...('received' in state && state.received !== undefined ? { received_msat: Number(state.received) } : {}),
    ...('reason' in state ? { reason: state.reason } : {}),
  })),
});
