import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Msat, msat, U64_MAX } from '../../../lib/core/amount.ts';
import { openingFee } from '../../../lib/protocol/lsps2/openingFee.ts';
import { largestCosting, smallestLeaving, smallestWithin } from '../../../lib/protocol/lsps2/paymentBounds.ts';

const amount = fc.oneof(fc.bigInt(0n, 5_000n), fc.bigInt(0n, U64_MAX)).map((value) => msat(value));
const rate = fc.record({
  minFee: amount,
  proportionalPpm: fc.oneof(fc.integer({ min: 0, max: 1_100_000 }), fc.integer({ min: 0, max: 0xffff_ffff })),
});

/** Whether a bound is exactly where `holds` begins (or ends, with step -1n). */
function isEdge(bound: Msat | undefined, holds: (size: Msat) => boolean, step: 1n | -1n): void {
  const last = step === 1n ? U64_MAX : 0n;
  if (bound === undefined) {
    expect(holds(msat(last))).toBe(false);
    return;
  }
  expect(holds(bound)).toBe(true);
  const before = bound - step;
  if (before >= 0n && before <= U64_MAX) expect(holds(msat(before))).toBe(false);
}

/** Without the overflow of u64, to which these bounds are deaf. */
const feeOf = ({ minFee, proportionalPpm }: { minFee: Msat; proportionalPpm: number }, size: Msat): bigint => {
  const share = (size * BigInt(proportionalPpm) + 999_999n) / 1_000_000n;
  return share > minFee ? share : minFee;
};

describe('which payments a rate can carry: each bound is the edge itself', () => {
  test('smallestLeaving', () => {
    fc.assert(
      fc.property(rate, amount, (terms, net) => {
        if (net === 0n) return;
        isEdge(smallestLeaving(terms, net), (size) => size - feeOf(terms, size) >= net, 1n);
      }),
      { numRuns: 2_000 },
    );
  });
  test('largestCosting', () => {
    fc.assert(
      fc.property(rate, amount, (terms, most) => {
        const holds = (size: Msat) => (openingFee(terms, size) ?? U64_MAX + 1n) <= most;
        isEdge(largestCosting(terms, most), holds, -1n);
      }),
      { numRuns: 2_000 },
    );
  });
  test('smallestWithin', () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 0, max: 1_000_000 }), (terms, share) => {
        // A rate whose share is too high is refused whole, though tiny payments might round to the same fee.
        const most = (size: Msat) => (size * BigInt(share) + 999_999n) / 1_000_000n;
        if (terms.proportionalPpm > share) expect(smallestWithin(terms, share)).toBeUndefined();
        else isEdge(smallestWithin(terms, share), (size) => feeOf(terms, size) <= most(size), 1n);
      }),
      { numRuns: 2_000 },
    );
  });
});
