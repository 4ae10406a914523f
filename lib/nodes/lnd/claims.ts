import { type Msat, msat, sum } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import type { Channel } from '../../generated/lnd/lightning.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import { channelOver, listChannels } from './channels.ts';
import type { Lnd } from './lnd.ts';
import type { Claim, ClaimedPart, Made } from './made.ts';
import type { Records } from '../parts/records.ts';

const FIRST_LOOK_MS = 100;
const LOOK_EVERY_MS = 1_000;
/** On the chain it takes blocks. */
const LOOK_ON_CHAIN_EVERY_MS = 30_000;
const MSAT_PER_SAT = 1000n;

/** Follows claims to their end by lnd's own books. */
export interface Claims {
  follow(hash: PaymentHash): void;
  close(): void;
}

export function claims(o: {
  readonly lnd: Lnd;
  readonly made: Records<Made>;
  readonly clock: Clock;
  tell(news: (to: Gates) => Promise<void>): void;
}): Claims {
  const { lnd, made } = o;
  const followed = new Set<PaymentHash>();
  let over = false;
  const failed = (cause: unknown) =>
    lnd.log({ level: 'warn', event: 'lnd.claim_unknown', fields: { cause: String(cause) } });

  /** Whether there is nothing more to look for. */
  async function look(hash: PaymentHash): Promise<boolean | 'on chain'> {
    const record = made.get(hash);
    const claim = record?.claim;
    if (!record || !claim || claim.stage === 'told') return true;
    if (claim.stage !== 'settled') {
      const outcome = outcomeOf(claim, await listChannels(lnd));
      if (outcome.tag !== 'settled') {
        if (outcome.tag === 'pending') return false;
        if (outcome.tag === 'on chain') return 'on chain';
        const { claim: gone, ...rest } = record;
        await made.put(hash, rest);
        o.tell((to) => to.partsGone({ paymentHash: hash, received: gone?.received, extraFee: gone?.extraFee }));
        return true;
      }
      const { received } = outcome;
      if (received < claim.received)
        lnd.log({ level: 'warn', event: 'lnd.partly_settled', fields: { claimed: claim.received, received } });
      const missing = msat(claim.received > received ? claim.received - received : 0n);
      const settled: Claim = { ...claim, received, stage: 'settled', ...(missing > 0n ? { missing } : {}) };
      await made.put(hash, { ...record, claim: settled });
      tellClaimed(hash, settled);
    } else tellClaimed(hash, claim);
    return true;
  }

  function tellClaimed(hash: PaymentHash, { received, extraFee, missing }: Claim): void {
    o.tell(async (to) => {
      // Should the gates not count on it any more, they must hear what was kept of it (W1).
      await to.partsClaimed({ paymentHash: hash, received, extraFee, ...(missing === undefined ? {} : { missing }) });
      const record = made.get(hash);
      if (record?.claim) await made.put(hash, { ...record, claim: { ...record.claim, stage: 'told' } });
    });
  }

  function again(hash: PaymentHash, afterMs: number): void {
    o.clock.after(afterMs, () => {
      if (over) return;
      look(hash)
        .catch(failed)
        .then((done) => {
          if (done === true) followed.delete(hash);
          else again(hash, done === 'on chain' ? LOOK_ON_CHAIN_EVERY_MS : LOOK_EVERY_MS);
        }, failed);
    });
  }

  return {
    follow(hash) {
      if (followed.has(hash)) return;
      followed.add(hash);
      again(hash, FIRST_LOOK_MS);
    },
    close() {
      over = true;
    },
  };
}

/** `received`: what the books show; less than was claimed where lnd let some parts go before it heard the preimage. */
type Outcome =
  | { readonly tag: 'pending' | 'on chain' | 'failed' }
  | { readonly tag: 'settled'; readonly received: Msat };

/**
 * lnd keeps no record of what it settled for us. Once none of the HTLCs is pending, what their channels have received in all tells
 * whether they were settled or given back. A channel that was closed meanwhile has no books: lnd has the preimage then, and claims on
 * the chain; that is not told as paid.
 */
export function outcomeOf(claim: Claim, channels: readonly Channel[]): Outcome {
  const over = claim.parts.map((part) => ({ part, channel: channelOver(channels, part.chanId) }));
  if (claim.stage === 'decided' || claim.stage === 'abandoned')
    return { tag: over.some(({ part, channel }) => channel && isPending(channel, part)) ? 'pending' : 'failed' };
  if (over.some(({ part, channel }) => channel && isPending(channel, part))) return { tag: 'pending' };
  if (over.some(({ channel }) => !channel)) return { tag: 'on chain' };
  const received = claim.before.map(([point, before]) => {
    const mine = sum(over.filter((each) => each.channel?.channelPoint === point).map(({ part }) => part.amount));
    const channel = channels.find(({ channelPoint }) => channelPoint === point);
    const gained = (channel?.totalSatoshisReceived ?? before) - before;
    return gained >= mine / MSAT_PER_SAT ? mine : msat(gained * MSAT_PER_SAT);
  });
  const all = sum(received);
  // One part that was settled is one too many for "given back": the preimage is out.
  return all === 0n ? { tag: 'failed' } : { tag: 'settled', received: all };
}

/** Whether each of its HTLCs is still there. */
export const isWhole = ({ parts }: Claim, channels: readonly Channel[]): boolean =>
  parts.every((part) => {
    const channel = channelOver(channels, part.chanId);
    return channel !== undefined && isPending(channel, part);
  });

const isPending = ({ pendingHtlcs }: Channel, { htlcId }: ClaimedPart): boolean =>
  pendingHtlcs.some(({ incoming, htlcIndex }) => incoming && htlcIndex === htlcId);
