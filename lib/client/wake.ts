import { type PeerUri, parseUri } from '../core/ids.ts';
import type { Abortable } from '../ports/abort.ts';
import type { Clock } from '../ports/clock.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import type { Book } from './book.ts';
import { isOpen, type PurchaseRecord } from './record.ts';

/** Connects to the LSPs of everything that is still to be paid, and waits until something has been, or the time is over. */
export async function wake(
  o: { readonly node: WalletNode; readonly book: Book; readonly clock: Clock; onChange(f: () => void): () => void },
  budgetMs: number,
  { signal }: Abortable = {},
): Promise<readonly PurchaseRecord[]> {
  const { node, book, clock } = o;
  if (!(budgetMs > 0)) throw new RangeError(`budgetMs: ${budgetMs} is not above 0`);
  if (signal?.aborted) throw signal.reason;
  const before = new Map(book.all().map((record) => [record.paymentHash, record]));
  const changed = () => book.all().filter((record) => before.get(record.paymentHash)?.state !== record.state);
  const isDone = () => changed().some(isEnded) && !book.all().some(isMoving);
  if (book.all().some((record) => isOpen(record) || isMoving(record))) {
    await new Promise<void>((resolve, reject) => {
      const aborted = () => end(() => reject(signal?.reason));
      const stop = o.onChange(() => isDone() && end(resolve));
      const disarm = clock.after(budgetMs, () => end(resolve));
      const end = (settle: () => void) => {
        stop();
        disarm();
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      signal?.addEventListener('abort', aborted);
      // Who is not reached now may still reach us: the time runs on.
      for (const lsp of sellers(book)) node.connect(lsp, { signal }).catch(() => undefined);
    });
  }
  return changed();
}

const isEnded = ({ state: { tag } }: PurchaseRecord): boolean => tag === 'paid' || tag === 'refused';

/** Between its first HTLC and its end. */
const isMoving = ({ state: { tag } }: PurchaseRecord): boolean =>
  tag === 'held' || tag === 'claiming' || tag === 'channelOpening';

function sellers(book: Book): readonly PeerUri[] {
  const uris = book
    .all()
    .filter((record) => isOpen(record) || isMoving(record))
    .flatMap(({ lspUri }) => lspUri ?? []);
  return [...new Set(uris)].map((uri) => parseUri(uri));
}
