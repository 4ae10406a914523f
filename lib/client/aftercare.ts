import type { Stop } from '../ports/abort.ts';
import type { ChainView } from '../ports/chainView.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import { isFunded, look, markSeen } from './fundingGate.ts';
import { isFilled, type PurchaseRecord } from './record.ts';

const LOOK_EVERY_MS = 30_000;
/** A funding transaction that is not in the mempool so long after the payment is missing. */
const FUNDING_PATIENCE_SECONDS = 600;

/** A paid channel that is there, and whose funding nobody has seen yet. */
const isUnseen = ({ letIn, paidAt }: PurchaseRecord): boolean =>
  letIn?.funding !== undefined && letIn.seenDepth === undefined && !letIn.closed && paidAt !== undefined;

const isTold = ({ alerts }: PurchaseRecord): boolean => alerts?.includes('funding_not_seen') ?? false;

/**
 * After the preimage: is the channel that was paid for really funded? Says so on the purchase when it is not (bLIP-52 section 6,
 * client-trusts-LSP). Who was told so is looked after once more with each start.
 */
export function aftercare(o: {
  readonly book: Book;
  readonly chain: ChainView | undefined;
  readonly clock: Clock;
  readonly log: Log;
}): { arm(): void; stop(): void } {
  const { book, chain, clock, log } = o;
  let disarm: Stop | undefined;
  let stopped = false;
  let first = true;

  async function check(record: PurchaseRecord): Promise<void> {
    const { letIn, paymentHash, paidAt } = record;
    if (!chain || !letIn?.funding || paidAt === undefined) return;
    const found = await look(chain, letIn.funding, log);
    // A chain that cannot be asked says nothing about the LSP.
    if (found === 'unknown' || stopped) return;
    if (found && isFunded(letIn.funding, found)) {
      await markSeen(book, letIn.offerId, found.confirmations);
      return;
    }
    if (clock.nowMs() < (paidAt + FUNDING_PATIENCE_SECONDS) * 1000) return;
    await book.turn(() => {
      const current = book.of(paymentHash);
      const due = current && isUnseen(current) && !isTold(current);
      const alerts = [...(current?.alerts ?? []), 'funding_not_seen' as const];
      return { records: due ? [{ ...current, alerts }] : [], result: undefined };
    });
  }

  function arm(): void {
    const due = book.all().filter((record) => isFilled(record) && isUnseen(record) && (first || !isTold(record)));
    if (disarm || stopped || !chain || due.length === 0) return;
    disarm = clock.after(LOOK_EVERY_MS, () => {
      first = false;
      const failed = (cause: unknown) =>
        log({ level: 'warn', event: 'client.save_failed', fields: { cause: String(cause) } });
      void Promise.all(due.map((record) => check(record).catch(failed))).then(() => {
        disarm = undefined;
        arm();
      });
    });
  }

  arm();
  return {
    arm,
    stop() {
      stopped = true;
      disarm?.();
    },
  };
}
