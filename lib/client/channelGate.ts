import type { ChannelId, NodeId } from '../core/ids.ts';
import type { ChannelAnswer, ChannelOffer } from '../ports/gates.ts';
import { DEFAULT_MAX_TO_SELF_DELAY_BLOCKS, type Limits } from './limits.ts';
import type { PurchaseRecord, RefusalReason } from './record.ts';

/** An LSP that began to open just before `valid_until` may still come this much later, in seconds. */
export const OPEN_GRACE_SECONDS = 120;

const STATES_THAT_WAIT = new Set<PurchaseRecord['state']['tag']>(['waiting', 'channelOpening', 'refused']);

/** Whether a purchase still needs its channel. */
export const awaitsChannel = (record: PurchaseRecord, now: number): boolean =>
  STATES_THAT_WAIT.has(record.state.tag) &&
  record.channelId === undefined &&
  now < record.validUntil + OPEN_GRACE_SECONDS;

/** A channel that was let in and has not carried a part yet: it takes the place of one purchase. */
export interface Slot {
  readonly lsp: NodeId;
  /** Known once the channel is ready. */
  readonly channelId?: ChannelId;
}

/**
 * W4: zero-conf only from the LSP of a live, unfilled purchase: unannounced, with option_scid_alias, big enough, nothing
 * pushed, and no more of them than there are such purchases.
 */
export function judgeChannel(
  offer: ChannelOffer,
  o: {
    readonly records: readonly PurchaseRecord[];
    readonly slots: readonly Slot[];
    readonly limits: Limits;
    readonly now: number;
  },
): ChannelAnswer & { readonly reason?: RefusalReason } {
  const bought = o.records.filter((record) => record.lsp === offer.peer && awaitsChannel(record, o.now));
  const taken = o.slots.filter((slot) => slot.lsp === offer.peer).length;
  if (bought.length <= taken) return refuse('not_bought');
  if (offer.announced) return refuse('public_channel');
  if (!offer.scidAlias) return refuse('no_scid_alias');
  if (offer.push !== 0n) return refuse('pushed_amount');
  const delay = o.limits.maxToSelfDelayBlocks ?? DEFAULT_MAX_TO_SELF_DELAY_BLOCKS;
  if (offer.toSelfDelayBlocks > delay) return refuse('to_self_delay_too_long');
  // Which purchase it is for shows with the first part; it must at least fit one of them.
  const fits = bought.some((record) => offer.capacity * 1000n >= record.paymentSize - record.openingFee);
  if (!fits) return refuse('channel_too_small');
  return { accept: true, minimumDepth: 0 };
}

const WORDS: Readonly<Partial<Record<RefusalReason, string>>> = {
  not_bought: 'no channel was bought from you',
  public_channel: 'the channel that was bought is not announced',
  no_scid_alias: 'the channel that was bought has option_scid_alias',
  pushed_amount: 'push_msat must be 0',
  channel_too_small: 'the channel is too small for the payment',
  to_self_delay_too_long: 'your to_self_delay is too long for us',
};

const refuse = (reason: RefusalReason) => ({
  accept: false as const,
  code: reason,
  reason,
  message: WORDS[reason] ?? reason,
});
