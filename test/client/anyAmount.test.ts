import { msat, PolicyError, priceOf, sat, TermsError, type Unusable } from 'lsps2';
import { describe, expect, test } from 'vitest';
import type { Wish } from '../../lib/client/entry.ts';
import { type AnyQuote, cheapest, chooseQuote } from '../../lib/client/quote.ts';
import { parseUri } from '../../lib/core/ids.ts';
import type { OpeningFeeParams } from '../../lib/protocol/lsps2/openingFeeParams.ts';

const uri = parseUri(`02${'11'.repeat(32)}@127.0.0.1:9735`);
const wish: Wish = { amount: 'any', limits: { maxFee: sat(2_000n) }, toSelfDelayBlocks: 144, now: 0 };
const entry = (change: Partial<OpeningFeeParams> = {}): OpeningFeeParams => ({
  minFee: sat(1_000n),
  proportionalPpm: 10_000,
  validUntil: 3600,
  minLifetimeBlocks: 0,
  maxClientToSelfDelayBlocks: 2016,
  minPaymentSize: msat(1n),
  maxPaymentSize: sat(1_000_000n),
  promise: 'p',
  verbatim: '{}',
  ...change,
});
const quote = (menu: OpeningFeeParams[], change: Partial<Wish> = {}) =>
  chooseQuote(uri, menu, { ...wish, ...change }) as AnyQuote;

describe('a quote for any amount', () => {
  test('says which payments it takes: from where something is left, to where the fee meets the limit', () => {
    const any = quote([entry()]);
    expect(any).toMatchObject({ kind: 'any', minFee: sat(1_000n), proportionalPpm: 10_000, trust: 'unknown' });
    expect(any).toMatchObject({ minPaymentSize: sat(1_000n) + 1n, maxPaymentSize: sat(200_000n) });
    expect(priceOf(any, any.minPaymentSize)).toMatchObject({ openingFee: sat(1_000n), net: 1n });
    expect(priceOf(any, any.maxPaymentSize)).toMatchObject({ openingFee: sat(2_000n), net: sat(198_000n) });
    expect(() => priceOf(any, msat(any.minPaymentSize - 1n))).toThrow(TermsError);
    expect(() => priceOf(any, msat(any.maxPaymentSize + 1n))).toThrow(TermsError);
  });
  test('a limit on the share raises the smallest payment; at the edge the share holds, 1 msat below it does not', () => {
    const limits = { maxFee: sat(2_000n), maxFeePpm: 20_000 };
    const { minPaymentSize } = quote([entry()], { limits });
    expect(minPaymentSize).toBe(((sat(1_000n) - 1n) * 1_000_000n) / 20_000n + 1n);
    const fixed = (amount: bigint) => chooseQuote(uri, [entry()], { ...wish, limits, amount: msat(amount) });
    expect(fixed(minPaymentSize)).toMatchObject({ kind: 'fixed' });
    expect(fixed(minPaymentSize - 1n)).toMatchObject({ error: { limit: 'maxFeePpm' } });
  });
  test.each<[string, Partial<OpeningFeeParams>, Wish['limits'], Partial<Wish>]>([
    ['maxFee', { minFee: sat(2_001n) }, { maxFee: sat(2_000n) }, {}],
    ['maxFeePpm', {}, { maxFee: sat(2_000n), maxFeePpm: 9_999 }, {}],
    ['maxFeePpm', { maxPaymentSize: sat(10_000n) }, { maxFee: sat(2_000n), maxFeePpm: 20_000 }, {}],
    ['minValiditySeconds', {}, { maxFee: sat(2_000n), minValiditySeconds: 3601 }, {}],
  ])('the user says no: %s', (limit, change, limits, more) => {
    const { error } = chooseQuote(uri, [entry(change)], { ...wish, limits, ...more }) as Unusable;
    expect(error).toBeInstanceOf(PolicyError);
    expect(error).toMatchObject({ limit });
  });
  test.each<[string, Partial<OpeningFeeParams>, Partial<Wish>]>([
    ['expired', {}, { now: 3600 }],
    ['fee_not_below_payment', { proportionalPpm: 1_000_000 }, {}],
    ['fee_not_below_payment', { maxPaymentSize: sat(1_000n) }, {}],
    ['to_self_delay_too_long', {}, { toSelfDelayBlocks: 2017 }],
  ])('%s', (reason, change, more) => {
    expect(chooseQuote(uri, [entry(change)], { ...wish, ...more })).toMatchObject({ error: { reason } });
  });
  test('an overflow of the spec’s 64 bits is told, for a fixed amount too', () => {
    const huge = { proportionalPpm: 900_000, maxPaymentSize: msat(2n ** 64n - 1n) };
    const limits = { maxFee: msat(2n ** 64n - 1n) };
    const fixed = chooseQuote(uri, [entry(huge)], { ...wish, limits, amount: msat(2n ** 62n) });
    expect(fixed).toMatchObject({ error: { code: 'terms', reason: 'overflow' } });
    // With any amount the bounds end before it.
    const { maxPaymentSize } = quote([entry(huge)], { limits });
    expect(maxPaymentSize).toBeLessThan(2n ** 62n);
  });
  test('compares by the amount that is expected', () => {
    const menu = [entry({ minFee: sat(500n), proportionalPpm: 15_000 }), entry()];
    expect(quote(menu, { expected: sat(20_000n) }).entry).toBe(0);
    expect(quote(menu, { expected: sat(100_000n) }).entry).toBe(1);
    // Without it, by the smallest payment that all of them take.
    expect(quote(menu).entry).toBe(0);
    const quotes = menu.map((each) => quote([each]));
    expect(cheapest(quotes, sat(100_000n))).toBe(quotes[1]);
    // What does not take the expected amount comes last, however cheap it is.
    expect(cheapest([quote([entry({ minFee: sat(1n), maxPaymentSize: sat(5_000n) })]), quotes[1]!], sat(9_000n))).toBe(
      quotes[1],
    );
    expect(cheapest([])).toBeUndefined();
  });
});

describe('the smallest payment that leaves something to spend', () => {
  test('is an estimate that shows what it assumes, above the LSP’s own minimum', () => {
    const { estimatedMinimum, minPaymentSize } = quote([entry()]);
    expect(estimatedMinimum).toEqual({ paymentSize: sat(2_000n) + 1n, assumes: { channelReserve: 1_000n } });
    expect(estimatedMinimum!.paymentSize).toBeGreaterThan(minPaymentSize);
  });
  test('never lies below the LSP’s own minimum, and is missing where no payment leaves anything', () => {
    expect(quote([entry({ minPaymentSize: sat(9_000n) })]).estimatedMinimum).toMatchObject({
      paymentSize: sat(9_000n),
    });
    expect(quote([entry({ maxPaymentSize: sat(1_500n) })]).estimatedMinimum).toBeUndefined();
  });
});
