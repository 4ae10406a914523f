import type { Stop } from '../ports/abort.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import { endOf, isOpen, type PurchaseRecord } from './record.ts';

/** After a store failed to save an expiry. */
const RETRY_MS = 10_000;

/** Turns purchases that nobody paid in time into expired ones. `arm` after each new purchase. */
export function watchExpiry(book: Book, clock: Clock, log: Log): { arm(): void; stop(): void } {
  let disarm: Stop = () => undefined;
  let stopped = false;

  const open = () => book.all().filter(isOpen);
  const due = () => open().filter((record) => clock.nowMs() >= endOf(record) * 1000);

  const expire = () =>
    book.turn(() => ({
      records: due().map((record): PurchaseRecord => ({ ...record, state: { tag: 'expired' } })),
      result: undefined,
    }));

  function arm(leastMs = 1): void {
    disarm();
    const ends = open().map(endOf);
    if (stopped || ends.length === 0) return;
    disarm = clock.after(Math.max(Math.min(...ends) * 1000 - clock.nowMs(), leastMs), () => {
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
