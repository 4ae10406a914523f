import type { Msat } from '../../core/amount.ts';
import { fromHex } from '../../core/bytes.ts';
import type { PaymentHash } from '../../core/ids.ts';
import { serial } from '../../core/serial.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates, PartsAnswer } from '../../ports/gates.ts';
import { deadlineOf, extraFeeOf as feesOf, type PartSet, partSets, receivedOf } from '../parts/partSets.ts';
import { isLate } from '../parts/late.ts';
import { toJudge } from '../parts/toJudge.ts';
import { channelOver } from './channels.ts';
import { claims } from './claims.ts';
import type { Json } from './json.ts';
import type { Lightningd } from './lightningd.ts';
import type { Fees } from './fees.ts';
import type { MadePayments } from './made.ts';
import {
  CLAIM_BLOCKS,
  extraFeeOf,
  failWith,
  type FinalHtlc,
  hashOf,
  type HtlcAnswer,
  isFor,
  type Part,
  readPart,
  refuse,
  take,
} from './parts.ts';
import { invoiceSecret, labelOf } from './secret.ts';

/** BOLT 4: a set that does not become whole is held for at least a minute. */
const MPP_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
/** After a start lightningd shows at once what it holds. */
const SHOWN_AGAIN_WITHIN_MS = 10_000;

export const CONTINUE: HtlcAnswer = { result: 'continue' };

export interface PaymentsInit {
  readonly cln: Lightningd;
  readonly made: MadePayments;
  readonly fees: Fees;
  readonly clock: Clock;
  gates(): Gates | undefined;
  tell(news: (to: Gates) => Promise<void>): void;
}

/** The payments to this lightningd that an invoice of ours was made for: parts are held until they are whole, and the gates judge. */
export interface Payments {
  /** Answers the hook. Every other HTLC goes on at once. */
  arrived(htlc: FinalHtlc): Promise<HtlcAnswer>;
  /** Answers one that cannot be read. Never rejects. */
  unread(request: Json): Promise<HtlcAnswer>;
  askAgain(claiming: readonly PaymentHash[]): Promise<void>;
  close(): void;
}

export function payments(o: PaymentsInit): Payments {
  const { cln, made, clock } = o;
  const sets = partSets<Part>();
  const claimed = claims(o);
  const answers = new Map<string, (answer: HtlcAnswer) => void>();
  const asking = new Map<PartSet<Part>, Gates>();
  /** Sets that the gates may have counted. */
  const asked = new WeakSet<PartSet<Part>>();
  const inTurn = serial();
  const began = clock.nowMs();
  const failed = (cause: unknown) =>
    cln.log({ level: 'warn', event: 'cln.payment_failed', fields: { cause: String(cause) } });

  function answer(part: Part, with_: HtlcAnswer): void {
    answers.get(part.name)?.(with_.result === 'fail' ? failing(part.htlc, with_) : with_);
    answers.delete(part.name);
  }

  /** Whoever has the invoice may send what is refused, again and again: nothing of it is kept. */
  function failing(htlc: FinalHtlc, with_: HtlcAnswer): HtlcAnswer {
    if (extraFeeOf(htlc) !== 0n) void o.fees.drop(htlc).catch(failed);
    return with_;
  }

  async function arrived(htlc: FinalHtlc): Promise<HtlcAnswer> {
    const { paymentHash: hash, height } = htlc;
    let fee: Msat | undefined;
    try {
      const known = await made.get(hash);
      if (!known) return CONTINUE;
      const again = clock.nowMs() - began < SHOWN_AGAIN_WITHIN_MS;
      const late = isLate(known, clock) && !sets.get(hash);
      const fits = isFor(htlc, known, { cltvFinal: cln.cltvFinal, late, again });
      // An invoice is paid once: what lightningd was told to take it takes or fails first.
      if (!fits || claimed.isUnderWay(hash)) return refuse(htlc, height);
      fee = await o.fees.of(htlc);
    } catch (cause) {
      failed(cause);
      // Nobody knows whether a fee was agreed. lightningd itself takes nothing that is less than its onion says.
      return extraFeeOf(htlc) === 0n ? CONTINUE : refuse(htlc, height);
    }
    const read = readPart(htlc, { fee, cltvFinal: cln.cltvFinal });
    if ('failed' in read) return failing(htlc, read.failed);
    const { part } = read;
    // Once more: another set may have been judged while its fee was looked up.
    const set = claimed.isUnderWay(hash) ? undefined : sets.add(part, clock.nowMs());
    if (!set) return failing(htlc, refuse(htlc, height));
    const answered = new Promise<HtlcAnswer>((resolve) => answers.set(part.name, resolve));
    if (set.complete) void ask(set);
    else
      o.gates()
        ?.partsHeld({ paymentHash: hash, received: receivedOf(set) })
        .catch(failed);
    tick();
    return answered;
  }

  /** Without gates it waits for them. */
  async function ask(set: PartSet<Part>): Promise<void> {
    const gates = o.gates();
    if (!gates || asking.has(set)) return;
    asking.set(set, gates);
    try {
      // lightningd takes no second payment of an invoice: nothing of it may be counted.
      const isPaid = (await cln.invoice(set.paymentHash))?.status === 'paid';
      const channels = await cln.channels();
      const shown = toJudge(set, ({ scid }) => channelOver(channels, scid));
      // It was given back meanwhile: what nobody holds must not be counted.
      if (sets.get(set.paymentHash) !== set) return;
      if (isPaid) {
        // Without us, as while we were away.
        claimed.follow(set.paymentHash);
        return await giveBack(set, { told: false });
      }
      // Should they not answer, it may be counted nevertheless.
      asked.add(set);
      const judged = await gates.partsArrived(shown);
      if (judged === 'fail') asked.delete(set);
      await inTurn(() => carryOut(set, judged));
    } catch (cause) {
      failed(cause);
      if (gates === o.gates()) await giveBack(set, { told: true });
    } finally {
      asking.delete(set);
    }
  }

  async function carryOut(set: PartSet<Part>, judged: PartsAnswer): Promise<void> {
    const { paymentHash: hash } = set;
    if (sets.get(hash) !== set) return;
    if (judged === 'fail') return giveBack(set, { told: false });
    const total = receivedOf(set);
    const known = await made.get(hash);
    const preimage = typeof judged === 'object' ? fromHex(judged.preimage) : undefined;
    // What lightningd does not know yet it learns now: its books show the payment, and its own checks hold for it.
    if (preimage && known && !(await cln.invoice(hash)))
      await cln.createInvoice({ text: known.text ?? '', label: labelOf(hash), preimage });
    const height = await cln.height();
    if (!known || height + CLAIM_BLOCKS > deadlineOf(set)) return giveBack(set, { told: true });
    const paymentSecret = preimage ? invoiceSecret(preimage) : known.paymentSecret;
    // All of them before any: should one not be readable, none is taken.
    const taken = [...set.parts.values()].map((part) => [part, take(part, { total, paymentSecret })] as const);
    if (!sets.drop(set)) return;
    for (const [part, how] of taken) answer(part, how);
    claimed.follow(hash, { received: total, extraFee: feesOf(set) });
  }

  /** `told`: the gates may have counted on it. */
  async function giveBack(set: PartSet<Part>, { told }: { readonly told: boolean }): Promise<void> {
    if (!sets.drop(set)) return;
    const height = await cln.height().catch(() => undefined);
    for (const part of set.parts.values()) answer(part, refuse(part.htlc, height ?? part.htlc.height));
    if (told) tellGone(set);
  }

  function tellGone(set: PartSet<Part>): void {
    const { paymentHash } = set;
    // Only what the gates may have counted is named.
    const amounts = asked.has(set) ? { received: receivedOf(set), extraFee: feesOf(set) } : {};
    o.tell((to) => to.partsGone({ paymentHash, ...amounts }));
  }

  async function look(): Promise<void> {
    const height = await cln.height();
    // Time goes on, whether they can be read or not.
    const channels = await cln.channels().catch(failed);
    /** What a closed channel carried is settled on the chain, and lightningd forgets that it asked us. */
    const isClosing = ({ scid }: Part) =>
      channels !== undefined && !channels.some(({ names, state: at }) => names.includes(scid) && at !== 'closing');
    for (const set of sets.all()) {
      const isLost = height + CLAIM_BLOCKS > deadlineOf(set) || [...set.parts.values()].some(isClosing);
      if (isLost) await giveBack(set, { told: true });
      else if (!set.complete && clock.nowMs() - set.since >= MPP_TIMEOUT_MS && sets.drop(set)) {
        for (const part of set.parts.values()) answer(part, failWith({ name: 'mpp_timeout' }));
        tellGone(set);
      } else if (set.complete) void ask(set);
    }
  }

  /** What lightningd took while we were away: all of it, for no fee was agreed to by anybody else. */
  async function followTaken(): Promise<void> {
    for (const hash of await made.all()) {
      if (over) return;
      if ((await cln.invoice(hash))?.status === 'paid') claimed.follow(hash);
    }
  }

  let over = false;
  let stop: (() => void) | undefined;
  /** While something is held. */
  function tick(): void {
    if (over || stop || sets.all().length === 0) return;
    stop = clock.after(LOOK_EVERY_MS, () => {
      inTurn(look)
        .catch(failed)
        .finally(() => {
          stop = undefined;
          tick();
        });
    });
  }

  /**
   * lightningd itself takes nothing that is less than its onion says; but one of a payment of ours, with a total of its own, would stand in the
   * way of its set there.
   */
  async function unread(request: Json): Promise<HtlcAnswer> {
    try {
      return (await made.get(hashOf(request))) ? failWith({ name: 'invalid_onion_payload' }) : CONTINUE;
    } catch {
      return CONTINUE;
    }
  }

  return {
    arrived,
    unread,
    askAgain: async (claiming) => {
      for (const hash of claiming) claimed.follow(hash);
      // Nobody waits for it: there may be many, and one that cannot be read is no reason not to start.
      void followTaken().catch(failed);
      for (const set of sets.all()) if (set.complete) void ask(set);
    },
    close() {
      over = true;
      stop?.();
      claimed.close();
      // lightningd goes on without us: what was not judged it must not take.
      for (const set of sets.all()) void giveBack(set, { told: false });
    },
  };
}
