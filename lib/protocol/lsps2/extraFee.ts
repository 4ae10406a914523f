import { type Msat, msat } from '../../core/amount.ts';
import { fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';

/** The TLV of `update_add_htlc` that tells how much an LSP took out of a part (bLIP-25). */
export const EXTRA_FEE_TYPE = 65_537n;
const EXTRA_FEE_BYTES = 8;

export const encodeExtraFee = (fee: Msat): Uint8Array => fromUint(fee, EXTRA_FEE_BYTES);

/** @throws {@link DecodeError} unless it is exactly 8 bytes (bLIP-52 section 5). */
export function decodeExtraFee(bytes: Uint8Array): Msat {
  if (bytes.length !== EXTRA_FEE_BYTES) throw new DecodeError('extra_fee', `${bytes.length} bytes instead of 8`);
  return msat(toUint(bytes));
}

/**
 * Shares a fee over the parts of a payment, in proportion to their amounts, so that each still forwards `htlcMinimum`.
 * What a small part cannot bear the others do; rounding goes by largest remainder, ties to the earlier part.
 * `undefined` when all parts together cannot bear the fee. The shares stand in the order of `amounts`.
 */
export function shareFee(amounts: readonly Msat[], fee: Msat, htlcMinimum: Msat): readonly Msat[] | undefined {
  const room = amounts.map((amount) => (amount > htlcMinimum ? amount - htlcMinimum : 0n));
  if (room.reduce((total, each) => total + each, 0n) < fee) return undefined;
  const shares = new Map<number, bigint>();
  // The smaller a part, the smaller the share of its amount that it can bear: capped parts come first in this order.
  const rising = amounts.map((_, index) => index).sort((a, b) => compare(amounts[a] ?? 0n, amounts[b] ?? 0n) || a - b);
  let owed: bigint = fee;
  let weight = amounts.reduce((total, amount) => total + amount, 0n);
  let uncapped = 0;
  for (const index of rising) {
    const [amount, bearable] = [amounts[index] ?? 0n, room[index] ?? 0n];
    if (bearable > 0n && owed * amount <= bearable * weight) break;
    shares.set(index, bearable);
    owed -= bearable;
    weight -= amount;
    uncapped++;
  }
  proportional(rising.slice(uncapped), amounts, owed, weight, shares);
  return amounts.map((_, index) => msat(shares.get(index) ?? 0n));
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

function proportional(
  parts: readonly number[],
  amounts: readonly Msat[],
  owed: bigint,
  weight: bigint,
  shares: Map<number, bigint>,
): void {
  if (weight === 0n) return;
  let left = owed;
  const remainders: { readonly index: number; readonly remainder: bigint }[] = [];
  for (const index of parts) {
    const exact = owed * (amounts[index] ?? 0n);
    shares.set(index, exact / weight);
    left -= exact / weight;
    remainders.push({ index, remainder: exact % weight });
  }
  // A share with a remainder lies below its room, which is whole: one more msat always fits.
  remainders.sort((a, b) => compare(b.remainder, a.remainder) || a.index - b.index);
  for (const { index } of remainders.slice(0, Number(left))) shares.set(index, (shares.get(index) ?? 0n) + 1n);
}
