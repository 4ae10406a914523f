import { describe, expect, test } from 'vitest';
import { endOf, forgottenAt, isFilled, readPurchase, savePurchase } from '../../lib/client/record.ts';
import { DecodeError } from '../../lib/core/errors.ts';
import { vectors } from '../rows.ts';

const text = (file: string) => JSON.stringify(vectors<object>(`records/${file}`));

describe('records of purchases that were written before', () => {
  test('version 1 is read, with what it did not have yet', () => {
    const record = readPurchase(text('client-purchase-v1.json'));
    expect(record).toMatchObject({ version: 2, paymentSize: 100_000_000n, feePaid: 1_000_000n, minLifetimeBlocks: 0 });
    expect(isFilled(record)).toBe(true);
    expect(forgottenAt(record)).toBeGreaterThan(endOf(record));
  });
  test('version 2 is read as it was written', () => {
    const record = readPurchase(text('client-purchase-v2.json'));
    expect(record).toMatchObject({ paymentSize: undefined, openingFee: undefined, rate: { minFee: 1_000_000n } });
    expect(JSON.parse(savePurchase(record))).toEqual(vectors('records/client-purchase-v2.json'));
  });
  test.each([['{"version":3}'], ['{}'], ['null'], ['[]'], ['{"version":'], ['1']])('%s is refused', (json) => {
    expect(() => readPurchase(json)).toThrow(DecodeError);
  });
});
