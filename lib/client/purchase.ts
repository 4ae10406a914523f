import type { Msat } from '../core/amount.ts';
import { TransportError } from '../core/errors.ts';
import type { NodeId, PaymentHash } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import type { Abortable } from '../ports/abort.ts';
import type { Trust } from '../protocol/lsps2/messages.ts';
import type { PurchaseRecord, PurchaseState } from './record.ts';

/** A JIT channel that was bought, and the invoice that is paid through it. */
export interface Purchase {
  readonly scid: Scid;
  readonly lsp: NodeId;
  /** BOLT 11, for the payer. */
  readonly invoice: string;
  readonly paymentHash: PaymentHash;
  readonly paymentSize: Msat;
  readonly openingFee: Msat;
  readonly trust: Trust;
  /** Unix seconds. */
  readonly validUntil: number;
  readonly state: PurchaseState;
  /**
   * Resolves when it is paid, expired, cancelled, or when an attempt to pay it was refused. After `refused` the purchase still
   * takes a right payment until it expires (listen to `changed`); `cancel` ends that. Aborting gives up waiting, not the
   * purchase. @throws TransportError when the client is closed before.
   */
  outcome(options?: Abortable): Promise<PurchaseState>;
  /** From now on its payment is refused; a payment that has passed the gate stays. @throws what the store throws. */
  cancel(): Promise<void>;
}

const OUTCOMES = new Set<PurchaseState['tag']>(['paid', 'refused', 'expired', 'cancelled']);

export interface Live {
  closed(): boolean;
  record(): PurchaseRecord;
  onChange(f: () => void): () => void;
  cancel(): Promise<void>;
}

/** The face of a record; its `state` is always the newest. */
export function purchaseOf(live: Live): Purchase {
  const { scid, lsp, invoice, paymentHash, paymentSize, openingFee, trust, validUntil } = live.record();
  return {
    scid,
    lsp,
    invoice,
    paymentHash,
    paymentSize,
    openingFee,
    trust,
    validUntil,
    get state() {
      return live.record().state;
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
    cancel: () => live.cancel(),
  };
}
