import type { Stop } from '../ports/abort.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Book } from './book.ts';
import { OPEN_GRACE_SECONDS } from './channelGate.ts';
import type { PurchaseRecord } from './record.ts';

const OPEN_STATES = new Set<PurchaseRecord['state']['tag']>(['waiting', 'channelOpening']);

const endOf = (record: PurchaseRecord): number => record.validUntil + OPEN_GRACE_SECONDS;

/** Turns purchases that nobody paid in time into expired ones. `arm` after each new purchase. */
export function watchExpiry(book: Book, clock: Clock, log: Log): { arm(): void; stop(): void } {
  let disarm: Stop = () => undefined;

  const open = () => book.all().filter((record) => OPEN_STATES.has(record.state.tag));

  async function expire(): Promise<void> {
    for (const record of open()) {
      if (clock.nowMs() < endOf(record) * 1000) continue;
      await book.put({ ...record, state: { tag: 'expired' } });
    }
  }

  function arm(): void {
    disarm();
    const ends = open().map(endOf);
    if (ends.length === 0) return;
    disarm = clock.after(Math.max(Math.min(...ends) * 1000 - clock.nowMs(), 1), () => {
      expire()
        .catch((cause: unknown) =>
          log({ level: 'warn', event: 'client.save_failed', fields: { cause: String(cause) } }),
        )
        .finally(arm);
    });
  }

  arm();
  return { arm, stop: () => disarm() };
}
