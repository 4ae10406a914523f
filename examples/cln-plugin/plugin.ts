import { join } from 'node:path';
import { type Client, client, formatScid, type Log, msat } from 'lsps2';
import { clnHookedWallet, clnHost, clnStore, type Lightningd } from 'lsps2/cln';
import type { Params, Started, Told } from './host.ts';
import { OPTIONS, PURCHASES } from './manifest.ts';
import { rpcOver } from './rpc.ts';

/**
 * Starts on what lightningd says in `init`. The client here sells and buys nothing: it judges by the purchases that the wallet's program
 * writes into the datastore.
 */
export async function startPlugin(init: Params, told: Told, log: Log): Promise<Started> {
  const options = init['options'] as Params;
  const cln = await lightningdOf(init, told, log);
  const store = clnStore(cln);
  const others = options[OPTIONS.others] === 'refuse' ? 'refuse' : 'accept';
  const wallet = await clnHookedWallet(cln, { store, others });
  const maxToSelfDelayBlocks = Number(options[OPTIONS.maxToSelfDelay]);
  const jit = await client({ node: wallet, store, lsps: [], limits: { maxFee: msat(0n), maxToSelfDelayBlocks }, log });
  return { wallet, methods: { [PURCHASES]: () => listed(jit) } };
}

/** The lightningd that said `init`. */
export function lightningdOf(init: Params, told: Told, log: Log): Promise<Lightningd> {
  const configuration = init['configuration'] as Params;
  const socket = join(String(configuration['lightning-dir']), String(configuration['rpc-file']));
  return clnHost({ rpc: rpcOver(socket), ...told }, { log });
}

/** What `lsps2-purchases` answers. */
const listed = (jit: Client) => ({
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
