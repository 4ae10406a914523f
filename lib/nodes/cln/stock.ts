import { type Msat, msat } from '../../core/amount.ts';
import { NodeError } from '../../core/errors.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import { serial } from '../../core/serial.ts';
import { untilTaken } from '../../core/untilTaken.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import type { Store } from '../../ports/store.ts';
import type { BoughtFor } from '../../ports/walletNode.ts';
import { LATE_SECONDS } from '../parts/late.ts';
import { type Loaded, records } from '../parts/records.ts';
import { approvals } from './approvals.ts';
import type { Lightningd } from './lightningd.ts';
import { labelOf } from './secret.ts';

// lightningd's own plugin cln-lsps-client lets in the next channel of an LSP, and takes a payment that is less than its onions say, where the
// datastore names them. It checks neither channel nor fee: what bounds the fee is the amount of the invoice in lightningd's books.

/** A payment that cln-lsps-client was told to take. */
interface Told extends Pick<BoughtFor, 'lsp' | 'scid' | 'trust'> {
  /** Absent: the payer decides. */
  readonly amount?: Msat;
  /** Unix seconds. */
  readonly endsAt: number;
}

const isTold = (record: unknown): record is Told =>
  typeof record === 'object' && record !== null && 'scid' in record && 'endsAt' in record;

const LOOK_EVERY_MS = 1_000;
const CLIENT = 'cln-lsps-client';

export interface StockPayments {
  /** Tells cln-lsps-client, before anybody has the invoice. */
  expect(
    hash: PaymentHash,
    o: { readonly bought: BoughtFor; readonly amount: Msat | undefined; readonly endsAt: number },
  ): Promise<void>;
  withdraw(hash: PaymentHash): Promise<void>;
  guard(gates: Gates): () => void;
  again(): void;
  close(): void;
}

/** @throws NodeError when the plugin does not run */
export async function checkStock(cln: Lightningd): Promise<void> {
  if ((await cln.plugins()).some((name) => name.endsWith(CLIENT))) return;
  throw new NodeError(
    `${cln.where} does not run ${CLIENT}: start it with --experimental-lsps-client (25.12 or later)`,
    {
      reason: 'unsupported',
    },
  );
}

export function stockPayments(
  cln: Lightningd,
  o: { readonly store: Store; readonly loaded: Loaded; readonly clock: Clock },
): StockPayments {
  const { clock } = o;
  const told = records(o.store, o.loaded, { prefix: 'cln/stock/', check: isTold });
  const news = untilTaken<(to: Gates) => Promise<void>>(() => undefined);
  const inTurn = serial();
  const over = new Set<string>();

  const approved = approvals(cln);

  /** Neither its payment nor a channel for it is let in any more. */
  async function drop(hash: string, each: Told): Promise<void> {
    const heir = told.all().find(([other, { lsp }]) => other !== hash && lsp === each.lsp && !over.has(other));
    await approved.takeBack(hash, each, heir?.[1]);
    await told.remove(hash);
  }

  async function settled(hash: string, each: Told, received: Msat): Promise<void> {
    if (over.has(hash)) return;
    const { amount } = each;
    const missing = amount === undefined ? undefined : msat(amount > received ? amount - received : 0n);
    // A payer may send no more than the net amount himself: where no channel came, nothing says that its LSP has the rest.
    const isKnown = missing !== undefined && (missing === 0n || !(await approved.isUnused(each)));
    const extraFee = isKnown ? missing : 'unknown';
    over.add(hash);
    news.tell(async (to) => {
      await to.partsClaimed({ paymentHash: paymentHash(hash), received, extraFee });
      await inTurn(() => drop(hash, each));
      over.delete(hash);
    });
  }

  async function look(): Promise<void> {
    news.again();
    for (const [hash, each] of told.all()) {
      const invoice = await cln.invoice(paymentHash(hash));
      if (invoice?.status === 'paid' && invoice.received !== undefined) await settled(hash, each, invoice.received);
      else if (clock.nowMs() / 1000 > each.endsAt + LATE_SECONDS) await drop(hash, each);
    }
  }

  let closed = false;
  let stop = () => undefined as void;
  function tick(): void {
    stop = clock.after(LOOK_EVERY_MS, () => {
      inTurn(look)
        .catch((cause: unknown) =>
          cln.log({ level: 'warn', event: 'cln.invoices_unknown', fields: { cause: String(cause) } }),
        )
        .finally(() => closed || tick());
    });
  }
  tick();

  return {
    expect: (hash, { bought, amount, endsAt }) =>
      inTurn(async () => {
        const { lsp, scid, trust } = bought;
        await told.put(hash, { lsp, scid, trust, endsAt, ...(amount === undefined ? {} : { amount }) });
        await approved.give(hash, bought);
      }),
    withdraw: (hash) =>
      inTurn(async () => {
        const each = told.get(hash);
        if (!each) return;
        const status = (await cln.invoice(hash))?.status;
        // What is paid is told as paid.
        if (status === 'paid') return;
        if (status === 'unpaid') await cln.removeInvoice(labelOf(hash));
        await drop(hash, each);
      }),
    guard: (gates) => news.add(async (tell) => tell(gates)),
    again: () => news.again(),
    close() {
      closed = true;
      stop();
    },
  };
}
