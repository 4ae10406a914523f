import { fromHex } from '../../core/bytes.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import { serial } from '../../core/serial.ts';
import { toHex } from '../../core/bytes.ts';
import type { Channel } from '../../generated/lnd/lightning.ts';
import type { ForwardHtlcInterceptRequest } from '../../generated/lnd/router.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates, PartsAnswer } from '../../ports/gates.ts';
import { listChannels } from './channels.ts';
import { claims } from './claims.ts';
import { interceptor } from './interceptor.ts';
import type { Lnd } from './lnd.ts';
import type { Claim, Made } from './made.ts';
import { deadlineOf, extraFeeOf, type PartSet, partSets, receivedOf } from './partSets.ts';
import { nameOf, readPart } from './parts.ts';
import type { Phantom } from './phantom.ts';
import type { Records } from './records.ts';
import { booksOf, toJudge } from './toJudge.ts';

/** BOLT 4: a set that does not become whole is held for at least a minute. */
const MPP_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 2_000;
/** A claim must reach lnd well before it gives the first part back by itself. */
const CLAIM_BLOCKS = 3;

export interface PaymentsInit {
  readonly lnd: Lnd;
  readonly phantom: Phantom;
  readonly made: Records<Made>;
  readonly clock: Clock;
  gates(): Gates | undefined;
  tell(news: (to: Gates) => Promise<void>): void;
}

/** The phantom's payments: holds parts until they are whole, asks the gates, settles or fails. */
export interface Payments {
  readonly begun: Promise<void>;
  /** Asks once more about what was neither claimed nor failed; tells that what was counted and is not here is gone. */
  askAgain(claiming: readonly PaymentHash[]): void;
  close(): void;
}

export function payments(o: PaymentsInit): Payments {
  const { lnd, made, clock } = o;
  const sets = partSets();
  const claimed = claims(o);
  /** Whom each set is being asked of. */
  const asking = new Map<PartSet, Gates>();
  const inTurn = serial();
  const stream = interceptor({
    lnd,
    scid: o.phantom.scid,
    heard: (request) => void inTurn(() => arrived(request)).catch(failed),
    cut,
  });

  function failed(cause: unknown): void {
    lnd.log({ level: 'warn', event: 'lnd.payment_failed', fields: { cause: String(cause) } });
  }

  async function arrived(request: ForwardHtlcInterceptRequest): Promise<void> {
    const { incomingCircuitKey: circuit } = request;
    if (!circuit) return;
    const hash = paymentHash(toHex(request.paymentHash));
    const decided = made.get(hash)?.claim;
    // It was decided, and lnd was away before it heard of it.
    if (decided?.parts.some((part) => nameOf(part) === nameOf(circuit))) {
      stream.answer(circuit, { preimage: fromHex(decided.preimage) });
      claimed.follow(hash);
      return;
    }
    if (sets.has(nameOf(circuit))) return;
    const height = await lnd.height();
    const read = readPart(request, { key: o.phantom.key, expected: (each) => made.get(each), height });
    if ('failed' in read) {
      stream.answer(circuit, read.failed);
      return;
    }
    const { part } = read;
    // An invoice is paid once.
    const set = decided ? undefined : sets.add(part, clock.nowMs());
    if (!set) {
      stream.answer(circuit, part.refuse(height));
      return;
    }
    if (set.complete) void ask(set);
    else
      o.gates()
        ?.partsHeld({ paymentHash: hash, received: receivedOf(set) })
        .catch(failed);
  }

  /** Without gates it waits for the next ones: who sold what to whom is not ours to judge. */
  async function ask(set: PartSet): Promise<void> {
    const gates = o.gates();
    if (!gates || asking.get(set) === gates) return;
    asking.set(set, gates);
    try {
      const channels = await listChannels(lnd);
      const answer = await gates.partsArrived(toJudge(set, channels));
      // An answer of gates that are closed says nothing; the next ones are asked again.
      if (gates === o.gates()) await inTurn(() => carryOut(set, answer, channels));
    } catch (cause) {
      failed(cause);
      if (gates === o.gates()) giveBack(set, { told: true });
    } finally {
      if (asking.get(set) === gates) asking.delete(set);
    }
  }

  async function carryOut(set: PartSet, answer: PartsAnswer, channels: readonly Channel[]): Promise<void> {
    const { paymentHash: hash } = set;
    if (sets.get(hash) !== set) return;
    const record = made.get(hash);
    const preimage = typeof answer === 'object' ? answer.preimage : record?.preimage;
    if (answer === 'fail' || !record || preimage === undefined) return giveBack(set, { told: answer !== 'fail' });
    if ((await lnd.height()) + CLAIM_BLOCKS >= deadlineOf(set)) return giveBack(set, { told: true });
    await claim(set, { record, preimage, channels });
  }

  /** Durable first: lnd, and whoever sent the parts, may have the preimage from the first answer on. */
  async function claim(
    set: PartSet,
    {
      record,
      preimage,
      channels,
    }: { readonly record: Made; readonly preimage: string; readonly channels: readonly Channel[] },
  ): Promise<void> {
    const { paymentHash: hash } = set;
    const parts = [...set.parts.values()].map(({ circuit, amount }) => ({ ...circuit, amount }));
    const decided: Claim = {
      stage: 'settling',
      preimage,
      received: receivedOf(set),
      extraFee: extraFeeOf(set),
      parts,
      before: booksOf(set, channels),
    };
    await made.put(hash, { ...record, claim: decided });
    if (!sets.drop(set)) {
      // lnd let it go meanwhile: nobody has the preimage.
      await made.put(hash, record);
      return;
    }
    for (const { circuit } of set.parts.values()) stream.answer(circuit, { preimage: fromHex(preimage) });
    claimed.follow(hash);
  }

  /** `told`: the gates may have counted on it. */
  function giveBack(set: PartSet, { told }: { readonly told: boolean }): void {
    if (!sets.drop(set)) return;
    lnd
      .height()
      .catch(() => 0)
      .then((height) => {
        for (const part of set.parts.values()) stream.answer(part.circuit, part.refuse(height));
      })
      .catch(failed);
    if (told) tellGone(set);
  }

  function tellGone(set: PartSet): void {
    const [received, extraFee] = [receivedOf(set), extraFeeOf(set)];
    const { paymentHash: hash, complete } = set;
    o.tell((to) => to.partsGone(complete ? { paymentHash: hash, received, extraFee } : { paymentHash: hash }));
  }

  /** What lnd held it has sent on, and that fails at once: there is no such channel. */
  function cut(): void {
    if (lnd.requiresInterceptor) return;
    for (const set of sets.all()) if (sets.drop(set)) tellGone(set);
  }

  async function look(): Promise<void> {
    if (sets.all().length === 0) return;
    const height = await lnd.height();
    for (const set of sets.all()) {
      if (height >= deadlineOf(set)) {
        // lnd has given the first of them back by itself, and would end the stream over an answer about it.
        if (!sets.drop(set)) continue;
        for (const part of set.parts.values())
          if (part.deadline > height) stream.answer(part.circuit, part.refuse(height));
        tellGone(set);
      } else if (!set.complete && clock.nowMs() - set.since >= MPP_TIMEOUT_MS && sets.drop(set)) {
        for (const part of set.parts.values()) stream.answer(part.circuit, part.fail({ name: 'mpp_timeout' }));
        tellGone(set);
      }
    }
  }

  let over = false;
  let stop = () => undefined as void;
  const tick = () => {
    stop = clock.after(LOOK_EVERY_MS, () => {
      inTurn(look)
        .catch(failed)
        .finally(() => over || tick());
    });
  };
  tick();

  return {
    begun: stream.begun,
    askAgain(claiming) {
      for (const [hash, { claim: each }] of made.all())
        if (each && each.stage !== 'told') claimed.follow(hash as PaymentHash);
      for (const hash of claiming)
        if (!made.get(hash)?.claim && !sets.get(hash)) o.tell((to) => to.partsGone({ paymentHash: hash }));
      for (const set of sets.all()) if (set.complete) void ask(set);
    },
    close() {
      over = true;
      stop();
      claimed.close();
      stream.stop();
    },
  };
}
