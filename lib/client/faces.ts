import type { PaymentHash } from '../core/ids.ts';
import type { KnownToClient, WalletNode } from '../ports/walletNode.ts';
import type { Book } from './book.ts';
import { hashOf } from '../protocol/bolt11/preimage.ts';
import { type Purchase, purchaseOf } from './purchase.ts';
import { isFilled, isOpen, type PurchaseRecord } from './record.ts';
import type { Telling } from './telling.ts';

/** Purchases as their users see them. */
export function faces({
  book,
  on,
  withdraw,
}: Pick<Telling, 'on'> & { readonly book: Book; readonly withdraw?: WalletNode['withdraw'] }): {
  of(record: PurchaseRecord): Purchase;
  close(): void;
} {
  let closed = false;

  /** Changes an open record. Resolves with whether there was one. */
  const change = (hash: PaymentHash, how: (record: PurchaseRecord) => PurchaseRecord): Promise<boolean> =>
    book.turn(() => {
      const record = book.of(hash);
      const open = record !== undefined && isOpen(record);
      return { records: open ? [how(record)] : [], result: open };
    });

  return {
    of(given) {
      const { paymentHash } = given;
      // One that was forgotten is shown as it was last.
      let last = given;
      const record = () => (last = book.of(paymentHash) ?? last);
      return purchaseOf({
        record,
        closed: () => closed,
        onChange: (f) => on(paymentHash, f),
        async settle(preimage) {
          if (!record().own) throw new RangeError('preimage: none is missing');
          if (hashOf(preimage) !== paymentHash) throw new RangeError('preimage: not that of this purchase');
          const own = { preimage: preimage.toLowerCase() };
          if (await change(paymentHash, (current) => ({ ...current, own }))) return;
          // It was given before, and used: another program may have been faster than our answer.
          const used = isFilled(record()) && record().own?.preimage === own.preimage;
          if (!used) throw new RangeError('this purchase is over');
        },
        async cancel() {
          await change(paymentHash, (current) => ({ ...current, state: { tag: 'cancelled' } }));
          // Of one that was cancelled before, too: the node may not have heard of it.
          if (record().state.tag === 'cancelled') await withdraw?.(paymentHash);
        },
      });
    },
    close() {
      closed = true;
    },
  };
}

/** What a starting client asks its node about. */
export const knownTo = (records: readonly PurchaseRecord[]): KnownToClient => ({
  offers: records.flatMap((record) => {
    const { letIn } = record;
    return letIn && !letIn.closed ? [{ offerId: letIn.offerId, paid: isFilled(record) }] : [];
  }),
  claiming: records.flatMap(({ state, paymentHash }) => (state.tag === 'claiming' ? [paymentHash] : [])),
});
