import { type Msat, type Purchase, sat } from 'lsps2';
import type { Payer } from 'lsps2/testing';
import { expect } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { say } from './say.ts';

type Paid = Awaited<ReturnType<Payer['pay']>>;

/**
 * After something broke while parts were held: paid once, or the payer has the money back; and it goes on working. `outcome`: what the payer
 * got, undefined where the parts are held still.
 */
export async function afterwards(o: {
  readonly what: string;
  readonly amount: Msat;
  readonly outcome: Paid | undefined;
  readonly preimage: string;
  readonly paying: Promise<Paid>;
  readonly before: bigint;
  readonly payer: Payer;
  mine(): Purchase;
  buy(amount: Msat): Promise<Purchase>;
}): Promise<void> {
  const { what, amount, outcome, preimage, payer, before, mine } = o;
  if (outcome === undefined) {
    await mine().settle(preimage);
    expect(await o.paying).toEqual({ paid: true, preimage });
    await until(() => mine().state.tag === 'paid', 'the wallet to be paid');
    expect(before - payer.balance()).toBe(amount);
  } else {
    expect(outcome).toMatchObject({ paid: false });
    await until(() => payer.balance() === before, 'the payer to have its money back');
    expect(mine().state.tag).not.toBe('paid');
  }
  const again = await o.buy(amount);
  expect(await payer.pay(again.invoice, { parts: 3 })).toMatchObject({ paid: true });
  expect(await again.outcome()).toMatchObject({ tag: 'paid', received: sat(247_500n) });
  expect(before - payer.balance()).toBe(outcome === undefined ? amount * 2n : amount);
  say(`${what}: ${outcome === undefined ? 'paid once' : 'refunded'}, and the next one paid`);
}
