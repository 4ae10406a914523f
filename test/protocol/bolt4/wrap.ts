import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import * as secp from '@noble/secp256k1';
import { concat, fromHex, toUint } from '../../../lib/core/bytes.ts';
import { publicKey } from '../../../lib/protocol/bolt11/signature.ts';
import { keyOf, streamOf, xor } from '../../../lib/protocol/bolt4/sphinx.ts';

/** What a payer does (BOLT 4 "Packet Construction"). `key`: the private key of the hop; `raw`: its payload with its length. */
export function wrap(o: {
  readonly sessionKey: Uint8Array;
  readonly associatedData: Uint8Array;
  readonly hops: readonly { readonly key: Uint8Array; readonly raw: Uint8Array }[];
}): Uint8Array {
  const { hops, associatedData } = o;
  const order = secp.Point.CURVE().n;
  let ephemeral = toUint(o.sessionKey);
  const steps = hops.map(({ key }) => {
    const point = secp.Point.BASE.multiply(ephemeral).toBytes(true);
    const secret = sha256(
      secp.Point.fromBytes(fromHex(publicKey(key)))
        .multiply(ephemeral)
        .toBytes(true),
    );
    ephemeral = (ephemeral * (toUint(sha256(concat(point, secret))) % order)) % order;
    return { point, secret };
  });
  const sizes = hops.map(({ raw }) => raw.length + 32);
  let filler: Uint8Array = new Uint8Array(0);
  for (const [i, { secret }] of steps.slice(0, -1).entries()) {
    const size = sizes[i]!;
    const stream = streamOf(keyOf('rho', secret), 1_300 + size);
    filler = xor(concat(filler, new Uint8Array(size)), stream.slice(1_300 - filler.length));
  }
  let payloads: Uint8Array = streamOf(padKey(o.sessionKey), 1_300);
  let mac: Uint8Array = new Uint8Array(32);
  for (let i = hops.length - 1; i >= 0; i--) {
    const { secret } = steps[i]!;
    const shifted = concat(hops[i]!.raw, mac, payloads).slice(0, 1_300);
    payloads = xor(shifted, streamOf(keyOf('rho', secret), 1_300));
    if (i === hops.length - 1 && filler.length > 0) payloads.set(filler, 1_300 - filler.length);
    mac = hmac(sha256, keyOf('mu', secret), concat(payloads, associatedData));
  }
  return concat(Uint8Array.of(0), steps[0]!.point, payloads, mac);
}

const padKey = (secret: Uint8Array) => hmac(sha256, new TextEncoder().encode('pad'), secret);
