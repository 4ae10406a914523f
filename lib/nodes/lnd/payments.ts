import { fromHex, toHex } from '../../core/bytes.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import { serial } from '../../core/serial.ts';
import type { Channel } from '../../generated/lnd/lightning.ts';
import type { ForwardHtlcInterceptRequest } from '../../generated/lnd/router.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gates, PartsAnswer } from '../../ports/gates.ts';
import { listChannels } from './channels.ts';
import type { Following } from '../grpc/calls.ts';
import { claims } from './claims.ts';
import { interceptor } from './interceptor.ts';
import type { Lnd } from './lnd.ts';
import type { Claim, Made } from './made.ts';
import { isLate } from '../parts/late.ts';
import { deadlineOf, extraFeeOf, type PartSet, partSets, receivedOf } from '../parts/partSets.ts';
import { isOnChain, nameOf, type Part, readPart } from './parts.ts';
import type { Phantom } from './phantom.ts';
import { CLAIM_BLOCKS, settling, TRY_AGAIN } from './settling.ts';
import type { Records } from '../parts/records.ts';
import { booksOf, toJudge } from './toJudge.ts';

/** BOLT 4: a set that does not become whole is held for at least a minute. */
const MPP_TIMEOUT_MS = 60_000;
/** On a new stream lnd shows at once what it holds. */
const SHOWN_AGAIN_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 2_000;

export interface PaymentsInit {
  readonly lnd: Lnd;
  readonly phantom: Phantom;
  readonly made: Records<Made>;
  readonly clock: Clock;
  gates(): Gates | undefined;
  tell(news: (to: Gates) => Promise<void>): void;
}

const isTooLate = (set: PartSet<Part>, height: number): boolean => height + CLAIM_BLOCKS >= deadlineOf(set);

/** The phantom's payments: holds parts until they are whole, asks the gates, settles or fails. */
export interface Payments {
  readonly begun: Promise<void>;
  readonly ready: Following['ready'];
  /** Asks once more about what was neither claimed nor failed; tells that what was counted and is not here is gone. */
  askAgain(claiming: readonly PaymentHash[]): Promise<void>;
  close(): void;
}

export function payments(o: PaymentsInit): Payments {
  const { lnd, made, clock } = o;
  const sets = partSets<Part>();
  const claimed = claims(o);
  /** Whom each set is being asked of. */
  const asking = new Map<PartSet<Part>, Gates>();
  const inTurn = serial();
  const stream = interceptor({
    lnd,
    clock,
    scid: o.phantom.scid,
    heard: (request, generation) => void inTurn(() => arrived(request, generation)).catch(failed),
    cut,
  });

  const out = settling({ lnd, made, stream, claimed, failed });

  function failed(cause: unknown): void {
    lnd.log({ level: 'warn', event: 'lnd.payment_failed', fields: { cause: String(cause) } });
  }

  async function arrived(request: ForwardHtlcInterceptRequest, generation: number): Promise<void> {
    const { incomingCircuitKey: circuit } = request;
    if (!circuit) return;
    const name = nameOf(circuit);
    const hash = paymentHash(toHex(request.paymentHash));
    const height = await lnd.height().catch(() => undefined);
    // It came over a stream that is no more: lnd has let it go, or shows it again.
    if (generation !== stream.generation()) return;
    const decided = made.get(hash)?.claim;
    if (decided?.parts.some((part) => nameOf(part) === name)) {
      await out.again(hash, circuit, { height, onChain: isOnChain(request) });
      return;
    }
    const old = sets.all().find(({ parts }) => parts.has(name));
    if (isOnChain(request)) {
      // Its channel was closed while it waited: there is nothing to answer, and its set is no more.
      if (old) giveBack(old, { told: true, height, except: name });
      return;
    }
    if (old) return;
    if (height === undefined) {
      stream.answer(circuit, TRY_AGAIN);
      return;
    }
    const read = readPart(request, { key: o.phantom.key, expected: (each) => made.get(each), height });
    if ('failed' in read) {
      stream.answer(circuit, read.failed);
      return;
    }
    const { part } = read;
    // An invoice is paid once, and in its time.
    const set = decided || isOver(hash) ? undefined : sets.add(part, clock.nowMs());
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

  /** Whether its invoice has ended, and it is not one that lnd held before, and shows again. */
  function isOver(hash: PaymentHash): boolean {
    const record = made.get(hash);
    const isNew = !sets.get(hash) && clock.nowMs() - stream.since() >= SHOWN_AGAIN_WITHIN_MS;
    return isNew && record !== undefined && isLate(record, clock);
  }

  /** Without gates it waits for the next ones: who sold what to whom is not ours to judge. */
  async function ask(set: PartSet<Part>): Promise<void> {
    const gates = o.gates();
    if (!gates || asking.get(set) === gates) return;
    asking.set(set, gates);
    try {
      const channels = await listChannels(lnd);
      // What is gone already must not be counted.
      if (sets.get(set.paymentHash) !== set) return;
      const answer = await gates.partsArrived(toJudge(set, channels));
      // An answer of gates that are closed says nothing; the next ones are asked again.
      if (gates === o.gates()) await inTurn(() => carryOut(set, answer));
    } catch (cause) {
      failed(cause);
      const height = await lnd.height().catch(() => undefined);
      if (gates === o.gates()) giveBack(set, { told: true, height });
    } finally {
      if (asking.get(set) === gates) asking.delete(set);
    }
  }

  async function carryOut(set: PartSet<Part>, answer: PartsAnswer): Promise<void> {
    const { paymentHash: hash } = set;
    const [height, channels] = await Promise.all([lnd.height(), listChannels(lnd)]);
    const record = made.get(hash);
    const preimage = typeof answer === 'object' ? answer.preimage : record?.preimage;
    if (sets.get(hash) !== set) return;
    if (answer === 'fail' || !record || preimage === undefined)
      return giveBack(set, { told: answer !== 'fail', height });
    if (isTooLate(set, height)) return giveBack(set, { told: true, height });
    await take(set, { record, preimage, channels });
  }

  /** Durable first: lnd, and whoever sent the parts, may have the preimage from the first answer on. */
  async function take(
    set: PartSet<Part>,
    {
      record,
      preimage,
      channels,
    }: { readonly record: Made; readonly preimage: string; readonly channels: readonly Channel[] },
  ): Promise<void> {
    const { paymentHash: hash } = set;
    // The one that lnd gives back first is answered first: should it be gone, the stream ends before any other is settled.
    const parts = [...set.parts.values()].sort((a, b) => a.deadline - b.deadline);
    const decided: Claim = {
      stage: 'decided',
      preimage,
      received: receivedOf(set),
      extraFee: extraFeeOf(set),
      parts: parts.map(({ circuit, amount, deadline }) => ({ ...circuit, amount, deadline })),
      before: booksOf(set, channels),
    };
    out.anew(hash);
    await made.put(hash, { ...record, claim: decided });
    const isHanded = await out.hand(hash, decided);
    // A store may be slow: what was in time may be late now, or let go by lnd. Nobody else has the preimage yet.
    const height = await lnd.height().catch(() => undefined);
    const isGone = sets.get(hash) !== set;
    if (!isHanded || isGone || height === undefined || isTooLate(set, height)) {
      out.giveUp(hash);
      // Should the store not take it back, it is known to come to nothing once none of its HTLCs is there.
      claimed.follow(hash);
      await made.put(hash, record);
      if (!isGone) giveBack(set, { told: true, height });
      return;
    }
    sets.drop(set);
    for (const { circuit } of parts) stream.answer(circuit, { preimage: fromHex(preimage) });
    claimed.follow(hash);
  }

  /** `told`: the gates may have counted on it. What lnd gives back by itself about now is not answered. */
  function giveBack(
    set: PartSet<Part>,
    how: { readonly told: boolean; readonly height: number | undefined; readonly except?: string },
  ): void {
    const { told, height, except } = how;
    if (!sets.drop(set)) return;
    for (const [name, part] of set.parts) {
      if (name === except) continue;
      if (height === undefined) stream.answer(part.circuit, TRY_AGAIN);
      else if (part.deadline > height + 1) stream.answer(part.circuit, part.refuse(height));
    }
    if (told) tellGone(set);
  }

  function tellGone(set: PartSet<Part>): void {
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
      if (height + 1 >= deadlineOf(set)) {
        // lnd gives the first of them back by itself, and would end the stream over an answer about it.
        giveBack(set, { told: true, height });
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
    ready: stream.ready,
    askAgain: (claiming) =>
      inTurn(async () => {
        for (const [hash, { claim: each }] of made.all())
          if (each && each.stage !== 'told') claimed.follow(hash as PaymentHash);
        for (const hash of claiming)
          if (!made.get(hash)?.claim && !sets.get(hash)) o.tell((to) => to.partsGone({ paymentHash: hash }));
        for (const set of sets.all()) if (set.complete) void ask(set);
      }),
    close() {
      over = true;
      stop();
      claimed.close();
      stream.stop();
    },
  };
}
