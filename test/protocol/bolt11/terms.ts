import fc from 'fast-check';
import { type Msat, msat } from '../../../lib/core/amount.ts';
import { toHex } from '../../../lib/core/bytes.ts';
import type { PaymentHash } from '../../../lib/core/ids.ts';
import { scid } from '../../../lib/core/scid.ts';
import type { InvoiceTerms } from '../../../lib/protocol/bolt11/invoice.ts';
import { publicKey } from '../../../lib/protocol/bolt11/signature.ts';

export const KEY = new Uint8Array(32).fill(7);

const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffff_ffff });
const hopNodes = Array.from({ length: 8 }, (_, i) => publicKey(new Uint8Array(32).fill(i + 1)));

const hop = fc.record({
  nodeId: fc.constantFrom(...hopNodes),
  scid: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(scid),
  feeBaseMsat: u32,
  feeProportionalPpm: u32,
  cltvExpiryDelta: u16,
});

// LDK counts the digits of an amount in pico-bitcoin in a u64: beyond 18 million BTC it reads only round ones.
const amount: fc.Arbitrary<Msat> = fc.bigInt({ min: 1n, max: 18_000_000n * 100_000_000_000n }).map(msat);

/** Random invoices that every reader must understand. */
export const invoiceTerms: fc.Arbitrary<InvoiceTerms> = fc
  .record({
    network: fc.constantFrom('bitcoin', 'testnet', 'signet', 'regtest'),
    amount: fc.option(amount, { nil: undefined }),
    timestamp: fc.integer({ min: 1_500_000_000, max: 2 ** 34 }),
    paymentHash: hex32.map((hex) => hex as PaymentHash),
    paymentSecret: hex32,
    text: fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }).map((description) => ({ description })),
      hex32.map((descriptionHash) => ({ descriptionHash })),
    ),
    expirySeconds: fc.nat({ max: 31_536_000 }),
    minFinalCltvExpiryDelta: u16,
    routeHints: fc.array(fc.array(hop, { minLength: 1, maxLength: 4 }), { maxLength: 3 }),
    // 8 and 14 must be there for LDK; 17 is the optional basic_mpp, which BOLT 11 wants optional or absent.
    features: fc.constantFrom([8, 14], [8, 14, 17], [8, 14, 17, 25], [8, 14, 149]),
    metadata: fc.option(fc.uint8Array({ minLength: 1, maxLength: 60 }).map(toHex), { nil: undefined }),
  })
  .map(({ text, ...terms }) => ({ ...terms, ...text }));
