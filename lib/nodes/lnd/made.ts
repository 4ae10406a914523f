import type { Msat } from '../../core/amount.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Store } from '../../ports/store.ts';
import { type Loaded, type Records, records } from '../parts/records.ts';

/** An HTLC that we told lnd to settle. */
export interface ClaimedPart {
  readonly chanId: bigint;
  readonly htlcId: bigint;
  readonly amount: Msat;
  /** Height at which lnd gives it back by itself. */
  readonly deadline: number;
}

/** A claim that was decided. It is durable before lnd hears the preimage. */
export interface Claim {
  /**
   * `decided`: nobody but lnd has the preimage yet. `abandoned`: nor will anybody get it. `settling`: whoever sent the parts may have it.
   * `settled`: the money is ours, and the gates have not heard of it yet.
   */
  readonly stage: 'decided' | 'abandoned' | 'settling' | 'settled' | 'told';
  readonly preimage: string;
  readonly received: Msat;
  /** Once it is settled: what was claimed and did not come. */
  readonly missing?: Msat;
  readonly extraFee: Msat;
  readonly parts: readonly ClaimedPart[];
  /** What each channel had received in all before, in satoshi, by channel point: the books by which the outcome is told. */
  readonly before: readonly (readonly [channelPoint: string, satoshis: bigint])[];
}

/** A payment that an invoice was made for. */
export interface Made {
  readonly paymentSecret: string;
  /** Absent where the caller keeps it. */
  readonly preimage?: string;
  /** Absent: the payer decides. */
  readonly amount?: Msat;
  readonly minFinalCltvExpiryDelta: number;
  /** Unix seconds. */
  readonly endsAt: number;
  readonly claim?: Claim;
}

const isMade = (record: unknown): record is Made =>
  typeof record === 'object' && record !== null && 'paymentSecret' in record && 'endsAt' in record;

/** HTLCs of an invoice may live on for so long after its end. */
const KEEP_SECONDS = 14 * 86_400;

/** Reads them, and forgets what is long over. */
export async function madePayments(store: Store, loaded: Loaded, clock: Clock): Promise<Records<Made>> {
  const kept = records(store, loaded, { prefix: 'lnd/payment/', check: isMade });
  const now = Math.floor(clock.nowMs() / 1000);
  for (const [hash, { endsAt, claim }] of kept.all()) {
    const isOpen = claim !== undefined && claim.stage !== 'told';
    if (!isOpen && now > endsAt + KEEP_SECONDS) await kept.remove(hash);
  }
  return kept;
}
