import { NodeError } from '../../core/errors.ts';
import type { Msat } from '../../core/amount.ts';
import { fromHex } from '../../core/bytes.ts';
import type { Lnd } from './lnd.ts';

/**
 * lnd goes to the chain for an HTLC in time only if it has the preimage among its invoices or those of forwards that came back; one with which an
 * interceptor settled it hands on and forgets. A peer that took it, and never said so, would let the HTLC run out and keep the money. So lnd
 * gets it first, as an invoice that nobody is handed: without its payment secret nothing is taken for it. On the chain lnd asks us once more.
 */
export async function givePreimage(
  lnd: Lnd,
  { preimage, received }: { readonly preimage: string; readonly received: Msat },
): Promise<void> {
  try {
    await addInvoice(lnd, { rPreimage: fromHex(preimage), valueMsat: received });
  } catch (cause) {
    if (cause instanceof NodeError && /already exists/.test(cause.detail)) return;
    throw cause;
  }
}

/** Asks for an invoice that lnd cannot make: whether we may ask is what counts. @throws NodeError `permission` */
export async function checkMayGive(lnd: Lnd): Promise<void> {
  await addInvoice(lnd, { rPreimage: new Uint8Array(1), valueMsat: 0n }).catch((cause: unknown) => {
    if (cause instanceof NodeError && cause.reason === 'permission') throw cause;
  });
}

const MEMO = 'lsps2: the preimage of a payment to the phantom';
/** No HTLC lives so long. */
const EXPIRY_SECONDS = 14n * 86_400n;

const addInvoice = (lnd: Lnd, o: { readonly rPreimage: Uint8Array; readonly valueMsat: bigint }) =>
  lnd.call('AddInvoice', lnd.lightning.addInvoice.bind(lnd.lightning), { memo: MEMO, expiry: EXPIRY_SECONDS, ...o });
