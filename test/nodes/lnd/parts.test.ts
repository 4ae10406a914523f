import { describe, expect, test } from 'vitest';
import { msat, sat } from '../../../lib/core/amount.ts';
import { fromHex, fromUint, toHex } from '../../../lib/core/bytes.ts';
import { paymentHash } from '../../../lib/core/ids.ts';
import { Failure_FailureCode } from '../../../lib/generated/lnd/lightning.ts';
import type { ForwardHtlcInterceptRequest } from '../../../lib/generated/lnd/router.ts';
import { outcomeOf } from '../../../lib/nodes/lnd/claims.ts';
import type { Claim } from '../../../lib/nodes/lnd/made.ts';
import { partSets } from '../../../lib/nodes/parts/partSets.ts';
import { type Part, readPart } from '../../../lib/nodes/lnd/parts.ts';
import { Channel } from '../../../lib/generated/lnd/lightning.ts';
import { EXTRA_FEE, HEIGHT, KEY, type Sent, SECRET, shown as htlc } from './intercepted.ts';
import { keyOf, peel, streamOf, xor } from '../../../lib/protocol/bolt4/sphinx.ts';

const HASH = '22'.repeat(32);
const shown = (sent: Omit<Sent, 'hash'> = {}, change: Partial<ForwardHtlcInterceptRequest> = {}) =>
  htlc({ hash: HASH, ...sent }, change);

const expected = { paymentSecret: SECRET, amount: msat(100_000n), minFinalCltvExpiryDelta: 18 };
const read = (request: ForwardHtlcInterceptRequest, known: typeof expected | undefined = expected) =>
  readPart(request, { key: KEY, expected: (hash) => (hash === HASH ? known : undefined), height: HEIGHT });

/** The failure that the payer will read, as hex. */
function failureOf(result: ReturnType<typeof readPart>): string {
  if (!('failed' in result) || !('failureMessage' in result.failed)) throw new Error('was not failed by a packet');
  const peeled = peel(shown().onionBlob, { key: KEY, associatedData: fromHex(HASH) });
  if (!peeled.ok) throw new Error(peeled.failure);
  const { failureMessage: packet } = result.failed;
  const plain = xor(packet, streamOf(keyOf('ammag', peeled.sharedSecret), packet.length));
  return toHex(plain.subarray(34, 34 + ((plain[32]! << 8) | plain[33]!)));
}
const DETAILS = `400f${toHex(fromUint(100_000n, 8))}${toHex(fromUint(BigInt(HEIGHT), 4))}`;

describe('an HTLC for the phantom', () => {
  test('is read: what came, what was taken of it, what the onion says', () => {
    expect(read(shown())).toMatchObject({
      part: {
        circuit: { chanId: 7n, htlcId: 1n },
        paymentHash: HASH,
        amount: 99_000n,
        extraFee: 1_000n,
        onionAmount: 100_000n,
        total: 100_000n,
        deadline: HEIGHT + 41,
      },
    });
  });

  test('without an extra fee it bears none', () => {
    expect(read(shown({}, { inWireCustomRecords: new Map(), incomingAmountMsat: 100_000n }))).toMatchObject({
      part: { extraFee: 0n },
    });
  });

  test.each<[string, Omit<Sent, 'hash'>, Partial<ForwardHtlcInterceptRequest>]>([
    ['another payment secret', { secret: '34'.repeat(32) }, {}],
    ['a total below the invoice', { total: 99_999n }, {}],
    ['a total of more than twice the invoice', { total: 200_001n }, {}],
    ['an expiry that is too near', { cltv: HEIGHT + 17 }, {}],
    ['less than its own payload says', {}, { outgoingAmountMsat: 99_999n }],
    ['an extra fee of 7 bytes', {}, { inWireCustomRecords: new Map([[EXTRA_FEE, new Uint8Array(7)]]) }],
  ])('with %s is answered incorrect_or_unknown_payment_details', (_, sent, change) => {
    expect(failureOf(read(shown(sent, change)))).toBe(DETAILS);
  });

  test('of an invoice that nobody made, too', () => {
    const unknown = readPart(shown(), { key: KEY, expected: () => undefined, height: HEIGHT });
    expect(failureOf(unknown)).toBe(DETAILS);
  });

  test.each<[string, Partial<ForwardHtlcInterceptRequest>]>([
    ['the HTLC to the phantom would expire before its payload says', { outgoingExpiry: HEIGHT + 19 }],
    ['the HTLC to lnd expires before the one to the phantom', { incomingExpiry: HEIGHT + 19 }],
  ])('whose expiries do not agree: %s', (_, change) => {
    const height = change.outgoingExpiry ?? HEIGHT + 20;
    expect(failureOf(read(shown({}, change)))).toBe(`0012${toHex(fromUint(BigInt(height), 4))}`);
  });

  test('with an even type that nobody knows is answered invalid_onion_payload', () => {
    const more = { type: 10n, value: new Uint8Array(1) };
    const result = read(shown({ more }));
    expect('failed' in result && 'failureMessage' in result.failed).toBe(true);
  });

  test.each([
    [
      'a flipped bit',
      (onion: Uint8Array) => onion.map((byte, i) => (i === 500 ? byte ^ 1 : byte)),
      Failure_FailureCode.INVALID_ONION_HMAC,
    ],
    [
      'another version',
      (onion: Uint8Array) => onion.map((byte, i) => (i === 0 ? 1 : byte)),
      Failure_FailureCode.INVALID_ONION_VERSION,
    ],
    [
      'a point of nowhere',
      (onion: Uint8Array) => onion.map((byte, i) => (i === 1 ? 5 : byte)),
      Failure_FailureCode.INVALID_ONION_KEY,
    ],
    ['nothing at all', () => new Uint8Array(0), Failure_FailureCode.INVALID_ONION_VERSION],
  ])('whose onion has %s is failed by its code', (_, change, failureCode) => {
    const request = shown();
    expect(read({ ...request, onionBlob: change(request.onionBlob) })).toEqual({ failed: { failureCode } });
  });
});

describe('parts of one payment', () => {
  const part = (htlcId: bigint, onionAmount: bigint, total: bigint, extraFee = 0n): Part => ({
    circuit: { chanId: 7n, htlcId },
    name: `7/${htlcId}`,
    paymentHash: paymentHash(HASH),
    amount: msat(onionAmount - extraFee),
    extraFee: msat(extraFee),
    onionAmount: msat(onionAmount),
    total: msat(total),
    deadline: HEIGHT,
    fail: () => ({ failureCode: Failure_FailureCode.RESERVED }),
    refuse: () => ({ failureCode: Failure_FailureCode.RESERVED }),
  });

  test('are whole when their onions add up, and then take no more', () => {
    const sets = partSets<Part>();
    expect(sets.add(part(1n, 60n, 100n), 0)).toMatchObject({ complete: false });
    expect(sets.add(part(2n, 40n, 100n), 0)).toMatchObject({ complete: true });
    expect(sets.add(part(3n, 1n, 100n), 0)).toBeUndefined();
    expect(sets.has('7/2')).toBe(true);
    expect(sets.has('7/3')).toBe(false);
  });

  test('agree on the total', () => {
    const sets = partSets<Part>();
    sets.add(part(1n, 60n, 100n), 0);
    expect(sets.add(part(2n, 40n, 99n), 0)).toBeUndefined();
  });

  test('a joke of amounts beyond 64 bits is no exception', () => {
    const sets = partSets<Part>();
    const huge = (1n << 64n) - 1n;
    expect(sets.add(part(1n, huge - 1n, huge), 0)).toMatchObject({ complete: false });
    expect(sets.add(part(2n, huge - 1n, huge), 0)).toBeUndefined();
    expect(sets.add({ ...part(3n, 1n, huge), extraFee: msat(huge) }, 0)).toMatchObject({ complete: true });
  });

  test('are no more than a channel can hold', () => {
    const sets = partSets<Part>();
    for (let i = 0n; i < 483n; i++) expect(sets.add(part(i, 1n, 1_000n), 0)).toBeDefined();
    expect(sets.add(part(500n, 1n, 1_000n), 0)).toBeUndefined();
  });

  test('a set that is gone is not dropped twice', () => {
    const sets = partSets<Part>();
    const set = sets.add(part(1n, 60n, 100n), 0)!;
    expect([sets.drop(set), sets.drop(set)]).toEqual([true, false]);
  });
});

describe('what became of a claim, by the books of lnd', () => {
  const claim: Claim = {
    stage: 'settling',
    preimage: '00'.repeat(32),
    received: sat(300n),
    extraFee: msat(0n),
    parts: [
      { chanId: 7n, htlcId: 1n, amount: sat(100n), deadline: HEIGHT },
      { chanId: 8n, htlcId: 1n, amount: msat(200_999n), deadline: HEIGHT },
    ],
    before: [
      ['a:0', 50n],
      ['b:0', 0n],
    ],
  };
  const channels = (received: readonly [bigint, bigint], pending: readonly bigint[] = []): readonly Channel[] => [
    {
      ...Channel.create(),
      channelPoint: 'a:0',
      chanId: 9n,
      aliasScids: [7n],
      totalSatoshisReceived: received[0],
      pendingHtlcs: pending.map((htlcIndex) => ({ incoming: true, htlcIndex, hashLock: new Uint8Array(0) })),
    },
    { ...Channel.create(), channelPoint: 'b:0', chanId: 8n, totalSatoshisReceived: received[1] },
  ];
  const settled = (received: bigint) => ({ tag: 'settled', received });

  test.each([
    ['settled', settled(300_999n), channels([150n, 200n])],
    ['pending: an HTLC is still there', { tag: 'pending' }, channels([50n, 0n], [1n])],
    ['another HTLC of the channel is none of it', settled(300_999n), channels([150n, 200n], [2n])],
    ['failed: nothing was received', { tag: 'failed' }, channels([50n, 0n])],
    [
      'only one of two was received: that much is ours, and the preimage is out',
      settled(100_000n),
      channels([150n, 0n]),
    ],
    ['on the chain, where a channel is gone: its books are, too', { tag: 'on chain' }, channels([150n, 200n]).slice(1)],
  ] as const)('%s', (_, outcome, list) => {
    expect(outcomeOf(claim, list)).toEqual(outcome);
  });
});
