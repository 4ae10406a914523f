import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { BoughtFor, Invoices } from '../../ports/walletNode.ts';
import type { Lightningd } from './lightningd.ts';
import type { Made, MadePayments } from './made.ts';
import { invoiceSecret, labelOf } from './secret.ts';

const BYTES = 32;

export type Unsigned = Parameters<Invoices['sign']>[0];

interface Sold {
  readonly made: Made;
  readonly bought: BoughtFor | undefined;
}

/** An invoice that is being made. */
interface Making extends Sold {
  /** Absent: the caller's. */
  readonly preimage: Uint8Array | undefined;
}

export interface ClnInvoicesInit {
  /** Where payments are written down for who keeps the gates by hooks; absent: nobody does. */
  readonly made?: MadePayments;
  readonly clock: Clock;
  readonly random: Random;
  forBooks(unsigned: Unsigned, making: Sold): string;
  /** Called before anybody has the invoice. */
  readonly signed?: (hash: PaymentHash, making: Sold) => Promise<void>;
}

/**
 * Invoices of lightningd, with a route hint of our own: its RPC `invoice` takes none. The payer's is signed (`signinvoice`); what lightningd is
 * to take goes into its books (`createinvoice`), as `forBooks` writes it.
 */
export function clnInvoices(cln: Lightningd, o: ClnInvoicesInit): Invoices {
  const { made, clock, random } = o;
  const making = new Map<PaymentHash, Making>();
  return {
    async newPayment({ paymentHash: given, amount, expirySeconds, minFinalCltvExpiryDelta, bought }) {
      const preimage = given === undefined ? random(BYTES) : undefined;
      const hash = preimage ? paymentHash(toHex(sha256(preimage))) : (given as PaymentHash);
      const paymentSecret = preimage ? invoiceSecret(preimage) : toHex(random(BYTES));
      const record: Made = {
        paymentSecret,
        minFinalCltvExpiryDelta,
        endsAt: Math.floor(clock.nowMs() / 1000) + expirySeconds,
        ...(amount === undefined ? {} : { amount }),
      };
      await made?.put(hash, record);
      making.set(hash, { made: record, preimage, bought });
      return { paymentHash: hash, paymentSecret };
    },
    async sign(unsigned) {
      const { paymentHash: hash, text } = unsigned;
      const mine = making.get(hash);
      if (!mine) throw new NodeError('this invoice is for a payment that is not of this node');
      const books = o.forBooks(unsigned, mine);
      await o.signed?.(hash, mine);
      const { preimage } = mine;
      if (preimage) await cln.createInvoice({ text: books, label: labelOf(hash), preimage });
      else await made?.put(hash, { ...mine.made, text: books });
      // lightningd puts the fields into an order of its own.
      const signed = await cln.signInvoice(text);
      making.delete(hash);
      return signed;
    },
  };
}
