import type { Msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import type { Fees } from './fees.ts';
import type { Lightningd } from './lightningd.ts';

const FIRST_LOOK_MS = 50;
const LOOK_EVERY_MS = 500;
/** After a start lightningd shows again what it holds; so long nothing is missing. */
const SHOWN_AGAIN_WITHIN_MS = 10_000;

interface Amounts {
  readonly received: Msat;
  readonly extraFee: Msat;
}

/** Follows claims to their end by lightningd's own books. */
export interface Claims {
  /** `amounts`: what the gates counted; absent: it was counted before a restart. */
  follow(hash: PaymentHash, amounts?: Amounts): void;
  /** lightningd was told to take a payment, and has neither taken nor failed it yet, as far as is known. */
  isUnderWay(hash: PaymentHash): boolean;
  close(): void;
}

export function claims(o: {
  readonly cln: Lightningd;
  readonly clock: Clock;
  readonly fees: Fees;
  tell(news: (to: Gates) => Promise<void>): void;
}): Claims {
  const { cln, clock } = o;
  /** With what was counted last. */
  const followed = new Map<PaymentHash, Amounts | undefined>();
  const began = clock.nowMs();
  let over = false;

  /** Whether there is nothing more to look for. */
  async function look(hash: PaymentHash): Promise<boolean> {
    // In this order: what is not held any more was taken or failed before, and the books know.
    const isHeld = (await cln.channels()).some(({ unanswered }) => unanswered.includes(hash));
    const invoice = await cln.invoice(hash);
    const { received } = invoice ?? {};
    if (invoice?.status === 'paid' && received !== undefined) {
      o.tell(async (to) => {
        await to.partsClaimed({ paymentHash: hash, received });
        await o.fees.forget(hash);
      });
      return true;
    }
    if (isHeld || clock.nowMs() - began < SHOWN_AGAIN_WITHIN_MS) return false;
    // lightningd took none of it, as when its own expiry had come first: the payer has it back.
    const amounts = followed.get(hash);
    o.tell((to) => to.partsGone({ paymentHash: hash, ...amounts }));
    return true;
  }

  function again(hash: PaymentHash, afterMs: number): void {
    clock.after(afterMs, () => {
      if (over) return;
      void look(hash)
        .catch((cause: unknown) => {
          cln.log({ level: 'warn', event: 'cln.claim_unknown', fields: { cause: String(cause) } });
          return false;
        })
        .then((done) => (done ? void followed.delete(hash) : again(hash, LOOK_EVERY_MS)));
    });
  }

  return {
    follow(hash, amounts) {
      const isNew = !followed.has(hash);
      if (isNew || amounts) followed.set(hash, amounts);
      if (isNew) again(hash, FIRST_LOOK_MS);
    },
    isUnderWay: (hash) => followed.get(hash) !== undefined,
    close() {
      over = true;
    },
  };
}
