import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { equalBytes, fromHex, toHex } from '../../core/bytes.ts';
import type { NodeId } from '../../core/ids.ts';
import { encodeUtf8 } from '../../core/utf8.ts';
import { encodeOpeningFeeParams, type OpeningFeeTerms } from './openingFeeParams.ts';
import { formatJson } from '../lsps0/json.ts';

const HEX_MAC = /^[0-9a-f]{64}$/;
export const PROMISE_SECRET_BYTES = 32;

/**
 * The `promise` of bLIP-52 section 1: HMAC-SHA256 over every term and the client it was made to, as hex. It covers the
 * meaning of the terms, not their text: clients (LDK's among them) write dates anew.
 */
export function makePromise(secret: Uint8Array, client: NodeId, terms: OpeningFeeTerms): string {
  if (secret.length !== PROMISE_SECRET_BYTES)
    throw new RangeError(`a promise secret has ${PROMISE_SECRET_BYTES} bytes`);
  const covered = `lsps2 promise 1\n${client}\n${formatJson(encodeOpeningFeeParams(terms, ''))}`;
  return toHex(hmac(sha256, secret, encodeUtf8(covered)));
}

/** Whether one of the secrets made this promise to this client for these terms; the comparison takes constant time. */
export function isPromise(
  promise: string,
  o: { readonly secrets: readonly Uint8Array[]; readonly client: NodeId; readonly terms: OpeningFeeTerms },
): boolean {
  if (!HEX_MAC.test(promise)) return false;
  const given = fromHex(promise);
  return o.secrets.some((secret) => equalBytes(fromHex(makePromise(secret, o.client, o.terms)), given));
}
