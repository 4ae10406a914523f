import type { ChainView, SeenOutput } from '../ports/chainView.ts';
import type { Clock } from '../ports/clock.ts';
import type { Funding, PartSet } from '../ports/gates.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import type { LetIn, PurchaseRecord } from './record.ts';

/** How often the chain is asked, and for how long a payment waits for its channel's funding to be seen. */
const LOOK_EVERY_MS = 2_000;
const FUNDING_WAIT_MS = 60_000;
/** Nothing was asked for, or nothing was seen: less than a look at the mempool, which is 0. */
const NONE = -1;

/** A channel whose funding must be seen so deep before a payment over it gets its preimage. */
export interface Unseen {
  readonly offerId: string;
  readonly depth: number;
}

/** Whether the output is the one that our node's channel spends. */
export const isFunded = (funding: Funding, seen: SeenOutput): boolean =>
  seen.script === funding.script && seen.value === funding.value;

/** How deep a purchase wants funding to be; under client-trusts-LSP the preimage comes first. */
export const wantedDepth = (record: PurchaseRecord | undefined): number =>
  record?.trust === 'lsp-trusts-client' ? (record.confirmations ?? NONE) : NONE;

/** How deep a channel's funding is known to be: with `minimum_depth` it had to be. */
const known = ({ minimumDepth = 0, seenDepth = NONE }: LetIn): number =>
  Math.max(minimumDepth > 0 ? minimumDepth : NONE, seenDepth);

/**
 * The channels over which a payment may have come, and whose funding is still to be seen before its preimage is given (W5): as
 * deep as was asked when the channel was let in, and as the purchase asks that is paid.
 */
export function unseenFor(set: PartSet, records: readonly PurchaseRecord[], now: number): readonly Unseen[] {
  const paid = records.find(({ paymentHash }) => paymentHash === set.paymentHash);
  // A node that cannot tell all channels may have used any.
  const over = set.channels && new Set(set.channels.map(({ channelId }) => channelId));
  const lost = records.flatMap((record) =>
    (record.lost ?? []).filter(({ channelId, until }) =>
      over ? over.has(channelId) && now < until : now < until && (set.peer ?? record.lsp) === record.lsp,
    ),
  );
  const gone = lost.map(({ channelId }): Unseen => ({ offerId: `closed ${channelId}`, depth: 0 }));
  const there = records.flatMap((record): readonly Unseen[] => {
    const { letIn } = record;
    if (!letIn || letIn.closed) return [];
    if (over && letIn.channelId !== undefined && !over.has(letIn.channelId)) return [];
    const depth = Math.max(letIn.depth ?? NONE, wantedDepth(paid));
    return known(letIn) < depth && !isDeep(set, letIn, depth) ? [{ offerId: letIn.offerId, depth }] : [];
  });
  return [...gone, ...there, ...strangers(set, records, wantedDepth(paid))];
}

/** Whether the node says that it is. */
const isDeep = ({ channels }: PartSet, { channelId }: LetIn, depth: number): boolean =>
  depth <= 1 && channelId !== undefined && channels?.find((each) => each.channelId === channelId)?.confirmed === true;

/** Channels that no purchase is known to have let in, as one whose peer funded it when it had been given up. */
function strangers(set: PartSet, records: readonly PurchaseRecord[], depth: number): readonly Unseen[] {
  if (depth < 0) return [];
  const ours = new Set(records.flatMap(({ letIn }) => letIn?.channelId ?? []));
  const unknown = set.channels?.filter(({ channelId, confirmed }) => confirmed === false && !ours.has(channelId)) ?? [];
  return unknown.map(({ channelId }) => ({ offerId: `not let in: ${channelId}`, depth }));
}

/** HTLCs of a closed channel can be claimed on the chain for no longer than this. */
const LOST_SECONDS = 14 * 86_400;

/** What is remembered of a channel that closed before it was seen. */
export const lostChannels = (record: PurchaseRecord, now: number): Pick<PurchaseRecord, 'lost'> => {
  const { letIn, lost = [] } = record;
  const current = lost.filter(({ until }) => now < until);
  const unseen = letIn?.channelId !== undefined && known(letIn) < (letIn.depth ?? NONE);
  return { lost: unseen ? [...current, { channelId: letIn.channelId, until: now + LOST_SECONDS }] : current };
};

const letInOf = (book: Book, offerId: string): LetIn | undefined =>
  book.all().find(({ letIn }) => letIn?.offerId === offerId)?.letIn;

/**
 * Looks until the funding output of each channel is there as deep as is asked, with the script and the value that our node expects
 * (W5). Resolves with why not, or undefined when all were seen, which is saved. A channel that is gone was not seen.
 */
export async function waitForFunding(
  unseen: readonly Unseen[],
  o: { readonly book: Book; readonly chain: ChainView | undefined; readonly clock: Clock; readonly log: Log },
): Promise<'funding_not_seen' | 'funding_wrong' | undefined> {
  const { book, chain, clock } = o;
  const end = clock.nowMs() + FUNDING_WAIT_MS;
  for (const { offerId, depth } of unseen) {
    for (;;) {
      const letIn = letInOf(book, offerId);
      if (!chain || !letIn || letIn.closed) return 'funding_not_seen';
      if (known(letIn) >= depth) break;
      const found = letIn.funding && (await look(chain, letIn.funding, o.log));
      if (found && found !== 'unknown') {
        if (letIn.funding && !isFunded(letIn.funding, found)) return 'funding_wrong';
        await markSeen(book, offerId, found.confirmations);
        if (found.confirmations >= depth) break;
      }
      if (clock.nowMs() >= end) return 'funding_not_seen';
      await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve));
    }
  }
  return undefined;
}

/** What the chain says; `unknown` when it cannot be asked. */
export async function look(chain: ChainView, funding: Funding, log: Log): Promise<SeenOutput | 'unknown' | undefined> {
  try {
    return await chain.output(funding);
  } catch (cause) {
    log({ level: 'warn', event: 'client.chain_failed', fields: { cause: String(cause) } });
    return 'unknown';
  }
}

/** Remembers how deep a channel's funding was seen, and that it is not missing. */
export const markSeen = (book: Book, offerId: string, confirmations: number): Promise<void> =>
  book.turn(() => {
    const record = book.all().find(({ letIn }) => letIn?.offerId === offerId);
    const letIn = record?.letIn;
    if (!record || !letIn || (letIn.seenDepth ?? NONE) >= confirmations) return { records: [], result: undefined };
    const { alerts, ...rest } = record;
    const left = alerts?.filter((alert) => alert !== 'funding_not_seen') ?? [];
    const seen = { ...rest, letIn: { ...letIn, seenDepth: confirmations } };
    return { records: [left.length > 0 ? { ...seen, alerts: left } : seen], result: undefined };
  });
