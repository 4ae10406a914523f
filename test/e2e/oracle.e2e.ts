import fc from 'fast-check';
import * as ldk from 'lightningdevkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { msat, U64_MAX } from '../../lib/core/amount.ts';
import { fromHex, toHex } from '../../lib/core/bytes.ts';
import { someOf } from '../../lib/nodes/ldk/fromLdk.ts';
import { startWasm } from '../../lib/nodes/ldk/wasm.ts';
import type { InvoiceTerms } from '../../lib/protocol/bolt11/invoice.ts';
import { rawKey, signInvoice } from '../../lib/protocol/bolt11/sign.ts';
import { publicKey } from '../../lib/protocol/bolt11/signature.ts';
import { openingFee } from '../../lib/protocol/lsps2/openingFee.ts';
import { invoiceTerms, KEY } from '../protocol/bolt11/terms.ts';

const RUNS = 10_000;
const CURRENCY = { bitcoin: 0, testnet: 1, regtest: 2, signet: 4 } as const;

/** What LDK reads in an invoice, in the words of our terms. */
function readByLdk(text: string) {
  const parsed = ldk.Bolt11Invoice.constructor_from_str(text);
  if (!(parsed instanceof ldk.Result_Bolt11InvoiceParseOrSemanticErrorZ_OK)) throw new Error(`LDK refuses ${text}`);
  const invoice = parsed.res;
  const words = invoice.into_signed_raw().raw_invoice().description();
  const hash = invoice.into_signed_raw().raw_invoice().description_hash();
  return {
    currency: invoice.currency(),
    amount: someOf<bigint>(invoice.amount_milli_satoshis()) as InvoiceTerms['amount'],
    timestamp: Number(invoice.duration_since_epoch()),
    paymentHash: toHex(invoice.payment_hash()) as InvoiceTerms['paymentHash'],
    paymentSecret: toHex(invoice.payment_secret()),
    words,
    hash,
    expirySeconds: Number(invoice.expiry_time()),
    minFinalCltvExpiryDelta: Number(invoice.min_final_cltv_expiry_delta()),
    routeHints: invoice.route_hints().map((hint) =>
      hint.get_a().map((hop) => ({
        nodeId: toHex(hop.get_src_node_id()) as never,
        scid: BigInt.asUintN(64, hop.get_short_channel_id()) as never,
        feeBaseMsat: hop.get_fees().get_base_msat() >>> 0,
        feeProportionalPpm: hop.get_fees().get_proportional_millionths() >>> 0,
        cltvExpiryDelta: hop.get_cltv_expiry_delta(),
      })),
    ),
    payee: toHex(invoice.get_payee_pub_key()) as InvoiceTerms['payee'],
    mpp: Boolean(invoice.features().supports_basic_mpp()),
  };
}

describe('LDK as a judge', () => {
  beforeAll(startWasm);

  test(`reads ${RUNS} random invoices with the fields that we wrote`, async () => {
    for (const terms of fc.sample(invoiceTerms, RUNS)) {
      const { text } = await signInvoice(terms, rawKey(KEY));
      const { network, features, metadata: _, description, descriptionHash, ...fields } = terms;
      const { hash, words, ...read } = readByLdk(text);
      // The bindings return something for an absent field too, and show a hash only to comparisons.
      if (descriptionHash === undefined) expect(words.into_inner().get_a()).toBe(description);
      else expect(Boolean(hash.eq(ldk.Sha256.constructor_from_bytes(fromHex(descriptionHash))))).toBe(true);
      expect(read).toEqual({
        ...fields,
        currency: CURRENCY[network],
        payee: publicKey(KEY),
        mpp: features.includes(17),
      });
    }
  }, 600_000);

  test(`computes the fee of ${RUNS} random payments as we do, overflow included`, () => {
    const u64 = fc.bigInt({ min: 0n, max: U64_MAX });
    const small = fc.bigInt({ min: 0n, max: 10n ** 12n });
    // Around the edge of u64, where the product just fits or just does not.
    const edge = fc.nat({ max: 3_000_000 }).map((below) => U64_MAX - BigInt(below));
    const size = fc.oneof(u64, small, edge);
    const ppm = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.nat({ max: 20_000 }), fc.constantFrom(0, 1, 2));
    const rows = fc.sample(fc.tuple(size, fc.oneof(u64, small), ppm), RUNS);
    let overflows = 0;
    for (const [paymentSize, minFee, proportionalPpm] of rows) {
      const theirs = someOf<bigint>(
        ldk.UtilMethods.constructor_compute_opening_fee(paymentSize, minFee, BigInt(proportionalPpm)),
      );
      const ours = openingFee({ minFee: msat(minFee), proportionalPpm }, msat(paymentSize));
      expect(ours).toBe(theirs === undefined ? undefined : BigInt.asUintN(64, theirs));
      if (ours === undefined) overflows++;
    }
    expect(overflows).toBeGreaterThan(100);
    expect(overflows).toBeLessThan(RUNS - 100);
  });
});
