import type { Stop } from '../ports/abort.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import { endOf, forgottenAt, isOpen, type PurchaseRecord } from './record.ts';
import { expiredRecord } from './transitions.ts';

/** After a store failed to save an expiry. */
const RETRY_MS = 10_000;
/** The longest that a timer of every engine can run is 2^31 ms. */
const TIMER_MAX_MS = 2_000_000_000;

/** How long after a start the node may take to tell again what it held before, and had come in time. */
const TOLD_AGAIN_WITHIN_MS = 600_000;

/** A payment that is here whole does not expire: it is taken, or the node gives it back. */
const mayExpire = (record: PurchaseRecord): boolean =>
  isOpen(record) && (record.state.tag !== 'held' || record.state.until === 'parts');

/** Turns purchases that nobody paid in time into expired ones, and forgets old ones. `arm` after each change. */
export function watchExpiry(book: Book, clock: Clock, log: Log): { arm(): void; stop(): void } {
  let disarm: Stop = () => undefined;
  let stopped = false;
  const toldAgainBy = Math.floor((clock.nowMs() + TOLD_AGAIN_WITHIN_MS) / 1000);
  const expiresAt = (record: PurchaseRecord) =>
    record.heldAt === undefined ? endOf(record) : Math.max(endOf(record), toldAgainBy);

  const isPast = (at: (record: PurchaseRecord) => number) => (record: PurchaseRecord) =>
    clock.nowMs() >= at(record) * 1000;

  async function expire(): Promise<void> {
    await book.turn(() => ({
      records: book
        .all()
        .filter((record) => mayExpire(record) && isPast(expiresAt)(record))
        .map(expiredRecord),
      result: undefined,
    }));
    await book.forget((record) => !isOpen(record) && isPast(forgottenAt)(record));
  }

  function arm(leastMs = 1): void {
    disarm();
    const ends = book.all().flatMap((record) => {
      if (mayExpire(record)) return expiresAt(record);
      return isOpen(record) ? [] : forgottenAt(record);
    });
    if (stopped || ends.length === 0) return;
    const waitMs = Math.max(Math.min(...ends) * 1000 - clock.nowMs(), leastMs);
    disarm = clock.after(Math.min(waitMs, TIMER_MAX_MS), () => {
      expire().then(
        () => arm(),
        (cause: unknown) => {
          log({ level: 'warn', event: 'client.save_failed', fields: { cause: String(cause) } });
          arm(RETRY_MS);
        },
      );
    });
  }

  arm();
  return {
    arm: () => arm(),
    stop() {
      stopped = true;
      disarm();
    },
  };
}
