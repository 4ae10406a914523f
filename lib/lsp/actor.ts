import { saveRecord } from '../core/record.ts';
import { formatScid } from '../core/scid.ts';
import { serial } from '../core/serial.ts';
import type { Stop } from '../ports/abort.ts';
import {
  isKnownPart,
  isUnderWay,
  nextDeadline,
  type Purchase,
  type PurchaseInput,
  type Result,
  type World,
} from '../session/purchase.ts';
import { step } from '../session/step.ts';
import type { Context } from './context.ts';
import { carryOut } from './effects.ts';
import { giveBack } from './giveBack.ts';
import { report } from './report.ts';
import { persist } from './retry.ts';

/** One purchase at work: the one place where its record changes. */
export interface Actor {
  /** Until this, or `resume`, inputs wait. Starts the timers; `expired` may be called soon. */
  begin(): void;
  /** The same after a restart, `resumed` before everything that waits. Resolves when that is handled. */
  resume(held: readonly string[]): Promise<boolean>;
  purchase(): Purchase;
  /**
   * Queues an input: step, save, then effects, one input after the other. Resolves when all that is done; with false when
   * it was not, because the actor is stopping.
   */
  input(input: PurchaseInput): Promise<boolean>;
  /** Lets the input under way finish, and takes no more. */
  stop(): Promise<void>;
}

export const purchaseKey = (purchase: Purchase): string => `purchase/${formatScid(purchase.offer.scid)}`;

/** A clock that runs ahead of ours must not make a timer spin. */
const TIMER_LEAST_MS = 10;

/** An input, and whoever waits until it is handled. */
interface Waiting {
  readonly next: PurchaseInput;
  resolve(handled: boolean): void;
}

interface Stepped extends Waiting {
  readonly before: Purchase;
  readonly result: Result;
}

export interface ActorHooks {
  /** Whether the operator's caps allow another channel that is broadcast before it is paid for. */
  mayOpen(): boolean;
  changed(before: Purchase, after: Purchase): void;
  /** Called once, when `valid_until` has passed and nothing is under way any more. */
  expired(): void;
}

export function actor(context: Context, initial: Purchase, hooks: ActorHooks): Actor {
  const queue = serial();
  const inbox: Waiting[] = [];
  let purchase = initial;
  let begun = false;
  let running = true;
  let over = false;
  /** When the last step was taken, Unix seconds. */
  let steppedAt = 0;
  let disarm: Stop = () => undefined;

  const input = (next: PurchaseInput): Promise<boolean> =>
    new Promise((resolve) => {
      inbox.push({ next, resolve });
      void queue(work);
    });
  const outlet = {
    back: (next: PurchaseInput) => void input(next),
    current: (attempt: number) => running && purchase.channel?.attempt === attempt,
  };

  /**
   * Takes what is waiting: steps, up to the first that orders something, one save, then its effects. What waits together is
   * saved together, so that thirty parts do not cost thirty saves of a record that grows with each.
   */
  async function work(): Promise<void> {
    if (!begun) return;
    const steps = takeSteps();
    const last = steps.at(-1)?.result;
    if (!last) return;
    const saved = last.purchase === purchase || (await save(last.purchase));
    if (saved) {
      for (const { next, before, result } of steps) {
        if (result.odd) context.log({ level: 'debug', event: 'lsp.odd_input', fields: { input: next.tag } });
        if (before !== result.purchase) hooks.changed(before, result.purchase);
        purchase = result.purchase;
        report(context, { before, input: next, result });
      }
      for (const order of last.orders) await carryOut(context, { ...outlet, purchase }, order);
      arm();
    }
    for (const { resolve } of steps) resolve(saved);
  }

  function takeSteps(): readonly Stepped[] {
    const steps: Stepped[] = [];
    let before = purchase;
    for (let ordered = false; !ordered; ) {
      const waiting = inbox.shift();
      if (!waiting) break;
      if (!running) {
        void turnAway(waiting.next).then(() => waiting.resolve(over));
        continue;
      }
      try {
        const world = worldOf(context, before, hooks.mayOpen());
        const result = step(before, waiting.next, world);
        steppedAt = world.now;
        steps.push({ ...waiting, before, result });
        before = result.purchase;
        ordered = result.orders.length > 0;
      } catch (cause) {
        void fault(waiting.next, cause).then(() => waiting.resolve(false));
      }
    }
    return steps;
  }

  /** The offer is over: a part that was queued behind its end is answered all the same (L2). */
  async function turnAway(next: PurchaseInput): Promise<void> {
    if (!over || next.tag !== 'partArrived') return;
    await giveBack(context, { scid: purchase.offer.scid, id: next.part.id, reason: 'unknown_next_peer' });
  }

  /** Something that should never happen did: the operator hears of it, and a part that just came in is not kept. */
  async function fault(next: PurchaseInput, cause: unknown): Promise<void> {
    context.emit('trouble', { scid: purchase.offer.scid, what: next.tag, cause });
    if (next.tag !== 'partArrived' || isKnownPart(purchase, next.part.id)) return;
    await giveBack(context, { scid: purchase.offer.scid, id: next.part.id, reason: 'temporary_channel_failure' });
  }

  /** The runtime's one rule: nothing is done that is not saved. A failed save holds the queue until it succeeds. */
  async function save(changed: Purchase): Promise<boolean> {
    const done = await persist(context.clock, {
      job: async () => {
        await context.store.put(purchaseKey(changed), saveRecord(changed));
        return true;
      },
      wanted: () => running,
      failed: (cause) => context.emit('trouble', { scid: changed.offer.scid, what: 'save', cause }),
    });
    return done === true;
  }

  function arm(): void {
    disarm();
    if (!running) return;
    const nowMs = context.clock.nowMs();
    const { validUntil } = purchase.offer;
    const idle = !isUnderWay(purchase);
    if (idle && nowMs >= validUntil * 1000) {
      // Only a step after `valid_until` can say that nothing is left to do: a channel may have to be closed.
      if (steppedAt < validUntil) {
        void input({ tag: 'timePassed' });
        return;
      }
      running = false;
      over = true;
      hooks.expired();
      return;
    }
    const deadline = idle ? validUntil : nextDeadline(purchase, context.rules);
    if (deadline === undefined) return;
    const delayMs = Math.max(deadline * 1000 - nowMs, TIMER_LEAST_MS);
    disarm = context.clock.after(delayMs, () => void input({ tag: 'timePassed' }));
  }

  return {
    begin() {
      begun = true;
      arm();
      void queue(work);
    },
    resume: (held) =>
      new Promise((resolve) => {
        inbox.unshift({ next: { tag: 'resumed', held }, resolve });
        begun = true;
        void queue(work);
      }),
    purchase: () => purchase,
    input,
    async stop() {
      running = false;
      disarm();
      await queue(() => Promise.resolve());
    },
  };
}

const worldOf = ({ node, clock, rules }: Context, purchase: Purchase, mayOpen: boolean): World => ({
  mayOpen,
  now: Math.floor(clock.nowMs() / 1000),
  height: node.height(),
  clientConnected: node.isConnected(purchase.offer.client),
  rules,
});
