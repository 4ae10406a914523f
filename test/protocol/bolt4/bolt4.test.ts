import { describe, expect, test } from 'vitest';
import { msat } from '../../../lib/core/amount.ts';
import { concat, fromHex, fromUint, toHex } from '../../../lib/core/bytes.ts';
import { DecodeError } from '../../../lib/core/errors.ts';
import { encodeTlvStream } from '../../../lib/protocol/bolt1/tlv.ts';
import { encodeFailure, failurePacket } from '../../../lib/protocol/bolt4/failure.ts';
import { decodeFinalPayload } from '../../../lib/protocol/bolt4/finalPayload.ts';
import { keyOf, peel, streamOf, xor } from '../../../lib/protocol/bolt4/sphinx.ts';
import { publicKey } from '../../../lib/protocol/bolt11/signature.ts';
import { vectors } from '../../rows.ts';
import { wrap } from './wrap.ts';

const onions = vectors<{
  session_key: string;
  associated_data: string;
  hops: readonly { private_key: string; node_id: string; payload: string }[];
  onion: string;
}>('bolt4/onion.json');
const failures = vectors<{
  failure_message: string;
  hops: readonly { shared_secret: string; ammag_key: string }[];
  um_key: string;
  packet: string;
}>('bolt4/failure.json');

const associatedData = fromHex(onions.associated_data);
const hops = onions.hops.map((hop) => ({ ...hop, key: fromHex(hop.private_key) }));
const secrets = failures.hops.map(({ shared_secret }) => fromHex(shared_secret));

describe('the onion of BOLT 4', () => {
  test('each hop of the vector finds its payload, its secret and the onion of the next', () => {
    let onion: Uint8Array | undefined = fromHex(onions.onion);
    for (const [i, { key, payload, node_id }] of hops.entries()) {
      expect(publicKey(key)).toBe(node_id);
      const peeled = peel(onion!, { key, associatedData });
      if (!peeled.ok) throw new Error(peeled.failure);
      // The vector prints payloads with their length.
      expect(payload.endsWith(toHex(peeled.payload))).toBe(true);
      expect(payload.length - 2 * peeled.payload.length).toBe(peeled.payload.length < 0xfd ? 2 : 6);
      expect(peeled.sharedSecret).toEqual(secrets[i]);
      expect(peeled.next === undefined).toBe(i === hops.length - 1);
      onion = peeled.next;
    }
  });

  test('what our tests wrap is what the vector wraps', () => {
    const wrapped = wrap({ sessionKey: fromHex(onions.session_key), associatedData, hops: hops.map(toHop) });
    expect(toHex(wrapped)).toBe(onions.onion);
  });

  const whole = () => fromHex(onions.onion);
  const flipped = (at: number) => {
    const onion = whole();
    onion[at]! ^= 1;
    return onion;
  };
  test.each([
    ['a byte is missing', whole().slice(1), 'invalid_onion_version'],
    ['a version that nobody knows', flipped(0), 'invalid_onion_version'],
    ['a point that is not on the curve', concat(Uint8Array.of(0, 5), whole().slice(2)), 'invalid_onion_key'],
    ['another point', concat(Uint8Array.of(0, 3), whole().slice(2)), 'invalid_onion_hmac'],
    ['a flipped bit in the payloads', flipped(700), 'invalid_onion_hmac'],
    ['a flipped bit in the HMAC', flipped(1_365), 'invalid_onion_hmac'],
  ])('%s', (_, onion, failure) => {
    expect(peel(onion, { key: hops[0]!.key, associatedData })).toEqual({ ok: false, failure });
  });

  test('is bound to its payment hash, and to its hop', () => {
    const [first, second] = hops;
    const other = { ok: false, failure: 'invalid_onion_hmac' };
    expect(peel(whole(), { key: first!.key, associatedData: new Uint8Array(32) })).toEqual(other);
    expect(peel(whole(), { key: second!.key, associatedData })).toEqual(other);
  });

  test.each([
    ['the legacy form', Uint8Array.of(0)],
    ['longer than the onion', Uint8Array.of(0xfd, 0x05, 0x14)],
    ['a length of 2^63', Uint8Array.of(0xff, 0x80, 0, 0, 0, 0, 0, 0, 0)],
    ['a length that is not the shortest', Uint8Array.of(0xfd, 0, 1)],
  ])('a payload of %s is answered under its own secret', (_, raw) => {
    const { key } = hops[0]!;
    const onion = wrap({ sessionKey: fromHex(onions.session_key), associatedData, hops: [{ key, raw }] });
    const peeled = peel(onion, { key, associatedData });
    expect(peeled).toMatchObject({ ok: false, failure: 'invalid_onion_payload', sharedSecret: secrets[0] });
  });
});

describe('the payload of the last hop', () => {
  const tlv = (type: bigint, hex: string) => ({ type, value: fromHex(hex) });
  const secret = 'ab'.repeat(32);
  const payload = (...more: { type: bigint; value: Uint8Array }[]) =>
    encodeTlvStream([tlv(2n, '03e8'), tlv(4n, '0320'), tlv(8n, `${secret}2710`), ...more]);

  test('says what was meant', () => {
    const read = decodeFinalPayload(payload(tlv(16n + 1n, '00'), tlv(5_482_373_483n, 'ff')));
    expect(read).toEqual({ amount: msat(1_000n), cltvExpiry: 800, paymentSecret: secret, total: msat(10_000n) });
  });

  test.each([
    ['an even type that nobody knows', payload(tlv(10n, '00'))],
    ['no payment_data', encodeTlvStream([tlv(2n, '03e8'), tlv(4n, '0320')])],
    ['no amount', encodeTlvStream([tlv(4n, '0320'), tlv(8n, `${secret}2710`)])],
    ['a secret that is cut off', encodeTlvStream([tlv(2n, '03e8'), tlv(4n, '0320'), tlv(8n, 'abab')])],
    ['a leading zero', encodeTlvStream([tlv(2n, '0003e8'), tlv(4n, '0320'), tlv(8n, secret)])],
    ['a next hop', encodeTlvStream([tlv(2n, '03e8'), tlv(4n, '0320'), tlv(6n, '00'.repeat(8)), tlv(8n, secret)])],
    ['a cut stream', payload().slice(0, -1)],
  ])('is refused with %s', (_, bytes) => {
    expect(() => decodeFinalPayload(bytes)).toThrow(DecodeError);
  });
});

describe('a failure on its way back', () => {
  const last = secrets.at(-1)!;

  test('has the keys of the vector', () => {
    expect(toHex(keyOf('um', last))).toBe(failures.um_key);
    for (const [i, { ammag_key }] of failures.hops.entries())
      expect(toHex(keyOf('ammag', secrets[i]!))).toBe(ammag_key);
  });

  test('is, after all hops have wrapped it, the packet of the vector', () => {
    const packet = failurePacket(last, fromHex(failures.failure_message));
    expect(packet.length).toBe(292);
    const wrapped = secrets
      .slice(0, -1)
      .reverse()
      .reduce((inner, each) => xor(inner, streamOf(keyOf('ammag', each), inner.length)), packet);
    expect(toHex(wrapped)).toBe(failures.packet);
  });

  test('has the code and the data of BOLT 4', () => {
    const details = {
      name: 'incorrect_or_unknown_payment_details',
      amountMsat: 250_000_000n,
      height: 800_000,
    } as const;
    expect(encodeFailure(details)).toEqual(concat(fromHex('400f'), fromUint(250_000_000n, 8), fromUint(800_000n, 4)));
    expect(toHex(encodeFailure({ name: 'mpp_timeout' }))).toBe('0017');
    expect(toHex(encodeFailure({ name: 'final_incorrect_cltv_expiry', cltvExpiry: 258 }))).toBe('001200000102');
    expect(toHex(encodeFailure({ name: 'invalid_onion_payload' }))).toBe('4016000000');
  });
});

function toHop({ key, payload }: { key: Uint8Array; payload: string }) {
  return { key, raw: fromHex(payload) };
}
