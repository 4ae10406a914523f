import { secp256k1 } from '@noble/curves/secp256k1.js';
import * as secp from '@noble/secp256k1';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { msat } from '../../../lib/core/amount.ts';
import { concat, fromHex, toHex } from '../../../lib/core/bytes.ts';
import { DecodeError } from '../../../lib/core/errors.ts';
import { formatScid } from '../../../lib/core/scid.ts';
import { decodeInvoice } from '../../../lib/protocol/bolt11/decode.ts';
import { encodeTerms } from '../../../lib/protocol/bolt11/encode.ts';
import { rawKey, signInvoice } from '../../../lib/protocol/bolt11/sign.ts';
import { hashMessage, payeeOf, publicKey, signedMessage, signHash } from '../../../lib/protocol/bolt11/signature.ts';
import { decodeBech32, encodeBech32, SIGNATURE_WORDS, toWords, wordOf } from '../../../lib/protocol/bolt11/words.ts';
import { vectors } from '../../rows.ts';
import { invoiceTerms, KEY } from './terms.ts';

interface Valid {
  description: string;
  invoice: string;
  network: string;
  amount_msat: string | null;
  timestamp: number;
  payment_hash: string;
  payment_secret: string;
  short_description: string | null;
  description_hash: string | null;
  expiry: number | null;
  min_final_cltv_expiry: number | null;
  payee: string | null;
  recovered_payee?: string;
  feature_bits: number[];
  route_hints: { pubkey: string; scid: string; fee_base_msat: number; fee_ppm: number; cltv_delta: number }[][];
  metadata: string | null;
  signature: string;
  recovery_flag: number;
  signing_data: string | null;
  signing_hash: string | null;
}

const valid = vectors<{ private_key: string; vectors: Valid[] }>('bolt11/valid.json');
const invalid = vectors<{ vectors: { reason: string; invoice: string }[] }>('bolt11/invalid.json');

describe('the examples of BOLT 11', () => {
  test.each(valid.vectors)('reads: $description', (row) => {
    const invoice = decodeInvoice(row.invoice);
    expect(invoice).toEqual({
      text: row.invoice.toLowerCase(),
      network: row.network,
      amount: row.amount_msat === null ? undefined : BigInt(row.amount_msat),
      timestamp: row.timestamp,
      paymentHash: row.payment_hash,
      paymentSecret: row.payment_secret,
      description: row.short_description ?? undefined,
      descriptionHash: row.description_hash ?? undefined,
      expirySeconds: row.expiry ?? 3600,
      minFinalCltvExpiryDelta: row.min_final_cltv_expiry ?? 18,
      routeHints: expect.anything(),
      features: row.feature_bits,
      metadata: row.metadata ?? undefined,
      payee: row.payee ?? row.recovered_payee,
      signature: row.signature + row.recovery_flag.toString(16).padStart(2, '0'),
    });
    expect(
      invoice.routeHints.map((hint) =>
        hint.map((hop) => ({
          pubkey: hop.nodeId,
          scid: formatScid(hop.scid),
          fee_base_msat: hop.feeBaseMsat,
          fee_ppm: hop.feeProportionalPpm,
          cltv_delta: hop.cltvExpiryDelta,
        })),
      ),
    ).toEqual(row.route_hints);
  });

  test.each(valid.vectors.filter((row) => row.signing_data !== null))('signs: $description', (row) => {
    const { prefix, words } = decodeBech32(row.invoice);
    const message = signedMessage({ prefix, words: words.slice(0, -SIGNATURE_WORDS) });
    expect([toHex(message), toHex(hashMessage(message))]).toEqual([row.signing_data, row.signing_hash]);
    const expected = row.signature + row.recovery_flag.toString(16).padStart(2, '0');
    const signature = toHex(signHash(hashMessage(message), fromHex(valid.private_key)));
    if (row.payee !== null) expect(signature).toBe(expected);
    else expect(signature).not.toBe(expected); // the high-S example: we never write one
  });

  test.each(invalid.vectors)('refuses: $reason', ({ invoice }) => {
    expect(() => decodeInvoice(invoice)).toThrow(DecodeError);
  });
});

describe('signInvoice', () => {
  it('writes what decodeInvoice reads, over random invoices', async () => {
    await fc.assert(
      fc.asyncProperty(invoiceTerms, async (terms) => {
        const invoice = await signInvoice(terms, rawKey(KEY));
        expect(invoice).toMatchObject({ ...terms, payee: publicKey(KEY) });
      }),
      { numRuns: 200 },
    );
  });

  it('hands a signer the message, its hash, and an invoice with a signature of zeros', async () => {
    const [terms] = fc.sample(invoiceTerms, 1);
    const invoice = await signInvoice(terms!, async ({ message, hash, text }) => {
      expect(hash).toEqual(hashMessage(message));
      const { prefix, words } = decodeBech32(text);
      expect(signedMessage({ prefix, words: words.slice(0, -SIGNATURE_WORDS) })).toEqual(message);
      expect(new Set(words.slice(-SIGNATURE_WORDS))).toEqual(new Set([0]));
      return signHash(hash, KEY);
    });
    expect(invoice.payee).toBe(publicKey(KEY));
  });

  it('returns nothing that a broken signer signed', async () => {
    const [terms] = fc.sample(invoiceTerms, 1);
    await expect(signInvoice(terms!, () => new Uint8Array(65))).rejects.toThrow(DecodeError);
    await expect(signInvoice(terms!, () => new Uint8Array(64))).rejects.toThrow(RangeError);
    const other = { ...terms!, payee: publicKey(KEY) };
    await expect(signInvoice(other, rawKey(new Uint8Array(32).fill(9)))).rejects.toThrow(DecodeError);
  });

  it.each([
    ['no description', { description: undefined, descriptionHash: undefined }],
    ['two descriptions', { description: 'a', descriptionHash: '00'.repeat(32) }],
    ['a description that is too long', { description: 'a'.repeat(640), descriptionHash: undefined }],
    ['an amount of nothing', { amount: msat(0n) }],
    ['a negative expiry', { expirySeconds: -1 }],
    ['a broken expiry', { expirySeconds: 1.5 }],
    ['a timestamp beyond 35 bits', { timestamp: 2 ** 35 }],
  ])('refuses %s', (_, change) => {
    const [terms] = fc.sample(invoiceTerms, 1);
    expect(() => encodeTerms({ ...terms!, ...change })).toThrow(RangeError);
  });
});

describe('decodeInvoice', () => {
  const sample = async () => (await signInvoice(fc.sample(invoiceTerms, 1)[0]!, rawKey(KEY))).text;

  it('notices a change of one word, even with a repaired checksum', async () => {
    const text = await sample();
    const { prefix, words } = decodeBech32(text);
    const payees = words
      .flatMap((word, index) => (index % 9 === 0 ? [[word, index] as const] : []))
      .map(([word, index]) => {
        const changed = [...words];
        changed[index] = (word + 1) % 32;
        try {
          return decodeInvoice(encodeBech32({ prefix, words: changed })).payee;
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          return undefined;
        }
      });
    expect(payees).not.toContain(publicKey(KEY));
  });
  it.each([
    ['an amount of nothing', 'lnbcrt0u'],
    ['a leading zero', 'lnbcrt01u'],
    ['no network', 'ln1u'],
  ])('refuses %s', (_, prefix) => {
    const [terms] = fc.sample(invoiceTerms, 1);
    const { words } = encodeTerms({ ...terms!, network: 'regtest' });
    const hash = hashMessage(signedMessage({ prefix, words }));
    const text = encodeBech32({ prefix, words: [...words, ...toWords(signHash(hash, KEY))] });
    expect(() => decodeInvoice(text)).toThrow(DecodeError);
  });
  it.each([33, 36, 50, 52, 102 + 1, 0])('refuses a route hint of %i bytes', (length) => {
    const [terms] = fc.sample(invoiceTerms, 1);
    const base = encodeTerms({ ...terms!, routeHints: [] });
    const hint = toWords(new Uint8Array(length).fill(2));
    const words = [...base.words, wordOf('r'), Math.floor(hint.length / 32), hint.length % 32, ...hint];
    const hash = hashMessage(signedMessage({ prefix: base.prefix, words }));
    const text = encodeBech32({ prefix: base.prefix, words: [...words, ...toWords(signHash(hash, KEY))] });
    expect(() => decodeInvoice(text)).toThrow(DecodeError);
  });
  it('refuses a field that stands twice, a description that is no UTF-8, and a text beyond all size', () => {
    const [terms] = fc.sample(invoiceTerms, 1);
    const base = encodeTerms({ ...terms!, description: undefined, descriptionHash: '00'.repeat(32) });
    const add = (tag: string, data: readonly number[]) => {
      const words = [...base.words, wordOf(tag), Math.floor(data.length / 32), data.length % 32, ...data];
      const hash = hashMessage(signedMessage({ prefix: base.prefix, words }));
      return encodeBech32({ prefix: base.prefix, words: [...words, ...toWords(signHash(hash, KEY))] });
    };
    expect(decodeInvoice(add('d', toWords(Uint8Array.of(0x61)))).description).toBe('a');
    expect(() => decodeInvoice(add('d', toWords(Uint8Array.of(0xff, 0xfe))))).toThrow(DecodeError);
    expect(() => decodeInvoice(add('p', toWords(new Uint8Array(32))))).toThrow(DecodeError);
    expect(() => decodeInvoice(`lnbcrt1${'q'.repeat(8000)}`)).toThrow(DecodeError);
  });
  it('throws nothing but DecodeError on random words', () => {
    const words = fc.array(fc.nat({ max: 31 }), { minLength: 90, maxLength: 300 });
    fc.assert(
      fc.property(words, (list) => {
        try {
          decodeInvoice(encodeBech32({ prefix: 'lnbcrt10u', words: list }));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('@noble/secp256k1 against the audited @noble/curves', () => {
  it('agrees on keys, signatures and recovery', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(
        bytes32.filter((key) => secp256k1.utils.isValidSecretKey(key)),
        bytes32,
        (key, hash) => {
          const signature = signHash(hash, key);
          const theirs = secp256k1.sign(hash, key, { prehash: false, format: 'recovered' });
          expect(concat(signature.subarray(64), signature.subarray(0, 64))).toEqual(theirs);
          expect(publicKey(key)).toBe(toHex(secp256k1.getPublicKey(key, true)));
          expect(payeeOf(hash, signature, undefined)).toBe(publicKey(key));
          expect(payeeOf(hash, signature, secp.getPublicKey(key, true))).toBe(publicKey(key));
        },
      ),
      { numRuns: 100 },
    );
  });
});
