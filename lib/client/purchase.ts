import type { Msat } from '../core/amount.ts';
import { TransportError } from '../core/errors.ts';
import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import type { Abortable } from '../ports/abort.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import { endOf, isOpen, type PurchaseRecord } from './record.ts';
import type { AlertReason, PurchaseState } from './state.ts';

/** A JIT channel that was bought, and the invoice that is paid through it. */
export interface Purchase {
  readonly scid: Scid;
  readonly lsp: NodeId;
  /** BOLT 11, for the payer. One purchase has one invoice, and it is paid once. */
  readonly invoice: string;
  readonly paymentHash: PaymentHash;
  /** Undefined: the payer decides. */
  readonly paymentSize: Msat | undefined;
  /** Undefined as long as the payer has not decided. */
  readonly openingFee: Msat | undefined;
  readonly trust: Trust;
  /** Unix seconds. */
  readonly validUntil: number;
  readonly state: PurchaseState;
  /**
   * Until when the app should stay open, or be ready to be woken, for this payment: Unix seconds; undefined when nothing is
   * to come any more.
   */
  readonly keepOpenUntil: number | undefined;
  /** What went wrong after the money was ours. */
  readonly alerts: readonly AlertReason[];
  /**
   * Resolves when it is paid, expired, cancelled, or when an attempt to pay it was refused. After `refused` the purchase still
   * takes a right payment until it expires (listen to `changed`); `cancel` ends that. Aborting gives up waiting, not the
   * purchase. @throws TransportError when the client is closed before.
   */
  outcome(options?: Abortable): Promise<PurchaseState>;
  /**
   * Gives the preimage of a purchase that was made for your own payment hash; a payment that is held is then taken, and
   * one that comes later too. @throws RangeError when it is not the preimage, none is missing, or the purchase is over; what the store throws.
   */
  settle(preimage: string): Promise<void>;
  /** From now on its payment is refused; a payment that has passed the gate stays. @throws what the store throws. */
  cancel(): Promise<void>;
}

/** No HTLC lives longer. Some nodes must be told again what to do with one when its channel is closed. */
const HTLC_SECONDS = 14 * 86_400;
const isSettling = ({ state }: PurchaseRecord): boolean =>
  state.tag === 'claiming' || (state.tag === 'held' && state.until !== 'parts');

const OUTCOMES = new Set<PurchaseState['tag']>(['paid', 'refused', 'expired', 'cancelled']);

export interface Live {
  closed(): boolean;
  record(): PurchaseRecord;
  onChange(f: () => void): () => void;
  settle(preimage: string): Promise<void>;
  cancel(): Promise<void>;
}

/** The face of a record; its `state` is always the newest. */
export function purchaseOf(live: Live): Purchase {
  const { scid, lsp, invoice, paymentHash, paymentSize, trust, validUntil } = live.record();
  return {
    scid,
    lsp,
    invoice,
    paymentHash,
    paymentSize,
    trust,
    validUntil,
    get openingFee() {
      return live.record().openingFee;
    },
    get state() {
      return live.record().state;
    },
    get keepOpenUntil() {
      const record = live.record();
      if (isSettling(record)) return endOf(record) + HTLC_SECONDS;
      return isOpen(record) ? endOf(record) : undefined;
    },
    get alerts() {
      return live.record().alerts ?? [];
    },
    outcome: ({ signal } = {}) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const { state } = live.record();
          if (signal?.aborted) end(() => reject(signal.reason));
          else if (OUTCOMES.has(state.tag)) end(() => resolve(state));
          else if (live.closed()) end(() => reject(new TransportError('closed', 'the client was closed')));
        };
        const end = (settle: () => void) => {
          stop();
          signal?.removeEventListener('abort', look);
          settle();
        };
        const stop = live.onChange(look);
        signal?.addEventListener('abort', look);
        look();
      }),
    settle: (preimage) => live.settle(preimage),
    cancel: () => live.cancel(),
  };
}
