import type { ChainView, SeenOutput } from '../ports/chainView.ts';
import type { Clock } from '../ports/clock.ts';
import type { Funding, PartSet } from '../ports/gates.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import type { PurchaseRecord } from './record.ts';

/** How often the chain is asked, and for how long a payment waits for its channel's funding to be seen. */
const LOOK_EVERY_MS = 2_000;
const FUNDING_WAIT_MS = 60_000;

/** Whether the output is the one that our node's channel spends. */
export const isFunded = (funding: Funding, seen: SeenOutput): boolean =>
  seen.script === funding.script && seen.value === funding.value;

/**
 * The purchases over whose channels a payment may have come, and whose funding is still to be seen before any preimage is given
 * (W5). Only what was bought under client-trusts-LSP is paid before.
 */
export function unseenFor(set: PartSet, records: readonly PurchaseRecord[]): readonly PurchaseRecord[] {
  const unseen = records.filter(({ letIn }) => letIn?.depth !== undefined && !letIn.seen);
  const paid = records.find(({ paymentHash }) => paymentHash === set.paymentHash);
  if (unseen.length === 0 || paid?.trust === 'client-trusts-lsp') return [];
  const named = set.parts?.map((part) => part.channelId ?? set.channelId);
  // A node that shows only sums names one channel of perhaps several: then all of that peer's count.
  const known = named?.every((id) => id !== undefined) ? new Set(named) : undefined;
  return unseen.filter(({ letIn, lsp }) =>
    known && letIn?.channelId !== undefined ? known.has(letIn.channelId) : set.peer === undefined || set.peer === lsp,
  );
}

/**
 * Looks until the funding output of each channel is in the mempool, with the script and the value that our node expects (W5).
 * Resolves with why not, or undefined when all were seen, which is saved.
 */
export async function waitForFunding(
  unseen: readonly PurchaseRecord[],
  o: { readonly book: Book; readonly chain: ChainView | undefined; readonly clock: Clock; readonly log: Log },
): Promise<'funding_not_seen' | 'funding_wrong' | undefined> {
  const { book, chain, clock } = o;
  if (!chain && unseen.length > 0) return 'funding_not_seen';
  const end = clock.nowMs() + FUNDING_WAIT_MS;
  for (const { paymentHash } of unseen) {
    for (;;) {
      const letIn = book.of(paymentHash)?.letIn;
      if (!letIn || letIn.seen) break;
      const found = chain && letIn.funding && (await look(chain, letIn.funding, o.log));
      if (found && letIn.funding && !isFunded(letIn.funding, found)) return 'funding_wrong';
      if (found && found.confirmations >= (letIn.depth ?? 0)) {
        await markSeen(book, paymentHash, letIn.offerId);
        break;
      }
      if (clock.nowMs() >= end) return 'funding_not_seen';
      await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve));
    }
  }
  return undefined;
}

/** What the chain says; a chain that cannot be asked has seen nothing. */
export async function look(chain: ChainView, funding: Funding, log: Log): Promise<SeenOutput | undefined> {
  try {
    return await chain.output(funding);
  } catch (cause) {
    log({ level: 'warn', event: 'client.chain_failed', fields: { cause: String(cause) } });
    return undefined;
  }
}

export const markSeen = (book: Book, hash: PurchaseRecord['paymentHash'], offerId: string): Promise<void> =>
  book.turn(() => {
    const record = book.of(hash);
    const letIn = record?.letIn;
    const same = record && letIn?.offerId === offerId;
    return { records: same ? [{ ...record, letIn: { ...letIn, seen: true } }] : [], result: undefined };
  });
