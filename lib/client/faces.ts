import type { PaymentHash } from '../core/ids.ts';
import type { KnownToClient } from '../ports/walletNode.ts';
import type { Book } from './book.ts';
import { hashOf } from '../protocol/bolt11/preimage.ts';
import { type Purchase, purchaseOf } from './purchase.ts';
import { isOpen, type PurchaseRecord } from './record.ts';
import type { Telling } from './telling.ts';

/** Purchases as their users see them. */
export function faces({ book, on }: Pick<Telling, 'on'> & { readonly book: Book }): {
  of(record: PurchaseRecord): Purchase;
  close(): void;
} {
  let closed = false;

  /** Changes an open record; does nothing when it is no longer open. */
  const change = (hash: PaymentHash, how: (record: PurchaseRecord) => PurchaseRecord): Promise<void> =>
    book.turn(() => {
      const record = book.of(hash);
      return { records: record && isOpen(record) ? [how(record)] : [], result: undefined };
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
          await change(paymentHash, (current) => ({ ...current, own: { preimage: preimage.toLowerCase() } }));
        },
        cancel: () => change(paymentHash, (current) => ({ ...current, state: { tag: 'cancelled' } })),
      });
    },
    close() {
      closed = true;
    },
  };
}

/** What a starting client asks its node about. */
export const knownTo = (records: readonly PurchaseRecord[]): KnownToClient => ({
  offers: records.flatMap(({ letIn }) => (letIn ? [letIn.offerId] : [])),
  claiming: records.flatMap(({ state, paymentHash }) => (state.tag === 'claiming' ? [paymentHash] : [])),
});
