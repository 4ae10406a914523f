import type { ChannelOffer } from '../ports/gates.ts';
import { DEFAULT_MAX_TO_SELF_DELAY_BLOCKS, type Limits } from './limits.ts';
import { leastNet } from './promise.ts';
import { endOf, type PurchaseRecord } from './record.ts';
import type { PurchaseState, RefusalReason } from './state.ts';

const STATES_THAT_WAIT = new Set<PurchaseState['tag']>(['waiting', 'channelOpening', 'refused']);

/** A part that came over another channel, which anybody may send, keeps no channel out. */
const waits = ({ state }: PurchaseRecord): boolean =>
  STATES_THAT_WAIT.has(state.tag) || (state.tag === 'held' && state.until === 'parts');

/** Whether a purchase still has a place for a channel. */
const awaitsChannel = (record: PurchaseRecord, now: number): boolean =>
  waits(record) && record.letIn === undefined && now < endOf(record);

export type ChannelVerdict =
  | { readonly accept: true; readonly purchase: PurchaseRecord }
  /** `purchase`: the one it was probably meant for. */
  | { readonly accept: false; readonly reason: RefusalReason; readonly purchase?: PurchaseRecord | undefined };

/**
 * W4: zero-conf only from the LSP of a live, unfilled purchase: unannounced, with option_scid_alias, big enough, nothing
 * pushed. Each purchase lets in one: the offer takes the place of the largest one that it fits.
 */
export function judgeChannel(
  offer: ChannelOffer,
  o: { readonly records: readonly PurchaseRecord[]; readonly limits: Limits; readonly now: number },
): ChannelVerdict {
  const places = o.records
    .filter((record) => record.lsp === offer.peer && awaitsChannel(record, o.now))
    .sort((a, b) => (leastNet(a) > leastNet(b) ? -1 : 1));
  const [likely] = places;
  const refuse = (reason: RefusalReason): ChannelVerdict => ({ accept: false, reason, purchase: likely });
  // An offer that was answered before is not answered again: its id is the peer's word.
  if (!likely || o.records.some((record) => record.letIn?.offerId === offer.offerId)) return refuse('not_bought');
  if (offer.announced) return refuse('public_channel');
  if (!offer.scidAlias) return refuse('no_scid_alias');
  if (offer.push !== 0n) return refuse('pushed_amount');
  if (offer.unsupportedType) return refuse('unsupported_type');
  const most = (record: PurchaseRecord) =>
    record.maxToSelfDelayBlocks ?? o.limits.maxToSelfDelayBlocks ?? DEFAULT_MAX_TO_SELF_DELAY_BLOCKS;
  const bearable = places.filter((record) => offer.toSelfDelayBlocks <= most(record));
  if (bearable.length === 0) return refuse('to_self_delay_too_long');
  const purchase = bearable.find((record) => offer.capacity * MSAT_PER_SAT >= leastNet(record));
  return purchase ? { accept: true, purchase } : refuse('channel_too_small');
}

const MSAT_PER_SAT = 1000n;

/**
 * The `minimum_depth` for a purchase's channel (W5). Under client-trusts-LSP there is nothing to wait for: the funding
 * transaction goes out only after the preimage.
 */
export const minimumDepthOf = ({ trust, confirmations = 0 }: PurchaseRecord): number =>
  trust === 'lsp-trusts-client' ? confirmations : 0;

/** What the peer is told. */
export const REFUSAL_WORDS: Readonly<Partial<Record<RefusalReason, string>>> = {
  not_bought: 'no channel was bought from you',
  public_channel: 'the channel that was bought is not announced',
  no_scid_alias: 'the channel that was bought has option_scid_alias',
  pushed_amount: 'push_msat must be 0',
  channel_too_small: 'the channel is too small for the payment',
  to_self_delay_too_long: 'your to_self_delay is too long for us',
  unsupported_type: 'our node has no channels of this type',
};
