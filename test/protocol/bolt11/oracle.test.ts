import { decode } from 'light-bolt11-decoder';
import { decodeInvoice } from 'lsps2';
import { describe, expect, test } from 'vitest';
import { sat } from '../../../lib/core/amount.ts';
import { fromHex, toHex } from '../../../lib/core/bytes.ts';
import { type NodeId, paymentHash } from '../../../lib/core/ids.ts';
import { scid } from '../../../lib/core/scid.ts';
import type { InvoiceTerms } from '../../../lib/protocol/bolt11/invoice.ts';
import { rawKey, signInvoice } from '../../../lib/protocol/bolt11/sign.ts';
import { publicKey } from '../../../lib/protocol/bolt11/signature.ts';
import { dice } from '../../random.ts';
import { vectors } from '../../rows.ts';

// A second reader, that is not ours, must find the same in every invoice.

interface Section {
  readonly name: string;
  readonly value?: unknown;
}

function theirs(text: string) {
  const sections = decode(text).sections as readonly Section[];
  const value = (name: string) => sections.find((section) => section.name === name)?.value;
  const hints = sections.filter(({ name }) => name === 'route_hint').map((section) => section.value);
  return {
    amount: value('amount') === undefined ? undefined : BigInt(value('amount') as string),
    timestamp: value('timestamp'),
    paymentHash: value('payment_hash'),
    paymentSecret: value('payment_secret'),
    description: value('description'),
    descriptionHash: value('description_hash'),
    expirySeconds: value('expiry') ?? 3600,
    minFinalCltvExpiryDelta: value('min_final_cltv_expiry') ?? 18,
    metadata: value('metadata'),
    hints,
  };
}

function ours(text: string) {
  const invoice = decodeInvoice(text);
  const { amount, timestamp, description, descriptionHash, expirySeconds, minFinalCltvExpiryDelta } = invoice;
  return {
    amount,
    timestamp,
    description,
    descriptionHash,
    expirySeconds,
    minFinalCltvExpiryDelta,
    paymentHash: invoice.paymentHash,
    paymentSecret: invoice.paymentSecret,
    metadata: invoice.metadata,
    hints: invoice.routeHints.map((hint) =>
      hint.map((hop) => ({
        pubkey: hop.nodeId,
        short_channel_id: hop.scid.toString(16).padStart(16, '0'),
        fee_base_msat: hop.feeBaseMsat,
        fee_proportional_millionths: hop.feeProportionalPpm,
        cltv_expiry_delta: hop.cltvExpiryDelta,
      })),
    ),
  };
}

describe('read as light-bolt11-decoder reads', () => {
  const key = new Uint8Array(32).fill(7);
  const roll = dice(2026);
  const hex = (bytes: number) => toHex(roll.bytes(bytes));
  const someone = (): NodeId => publicKey(fromHex(`01${hex(31)}`));

  const random = (): InvoiceTerms => ({
    network: roll.pick(['bitcoin', 'testnet', 'signet', 'regtest'] as const),
    amount: roll.upTo(4) === 0 ? undefined : sat(BigInt(1 + roll.upTo(1e9))),
    timestamp: roll.upTo(2 ** 32),
    paymentHash: paymentHash(hex(32)),
    paymentSecret: hex(32),
    ...(roll.upTo(2) === 0 ? { description: 'x'.repeat(roll.upTo(600)) } : { descriptionHash: hex(32) }),
    expirySeconds: 1 + roll.upTo(1e6),
    minFinalCltvExpiryDelta: 1 + roll.upTo(1000),
    metadata: roll.upTo(2) === 0 ? undefined : hex(1 + roll.upTo(40)),
    routeHints: Array.from({ length: roll.upTo(3) }, () =>
      Array.from({ length: 1 + roll.upTo(2) }, () => ({
        nodeId: someone(),
        scid: scid(BigInt(`0x${hex(8)}`)),
        feeBaseMsat: roll.upTo(2 ** 32),
        feeProportionalPpm: roll.upTo(2 ** 32),
        cltvExpiryDelta: roll.upTo(2 ** 16),
      })),
    ),
    features: [8, 14, ...(roll.upTo(2) === 0 ? [17] : [])],
  });

  test('300 random invoices of every network', async () => {
    for (let i = 0; i < 300; i++) {
      const { text } = await signInvoice(random(), rawKey(key));
      expect(ours(text), text).toEqual(theirs(text));
    }
  });
  test('the examples of BOLT 11 that it can read', () => {
    const { vectors: examples } = vectors<{ vectors: { invoice: string }[] }>('bolt11/valid.json');
    let read = 0;
    for (const { invoice } of examples) {
      let said: ReturnType<typeof theirs>;
      try {
        said = theirs(invoice);
      } catch {
        continue; // It throws on fields that a reader must skip.
      }
      read++;
      expect(ours(invoice), invoice).toEqual(said);
    }
    expect(read).toBeGreaterThan(5);
  });
});
