import { msat } from '../../core/amount.ts';
import { fromHex } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { nodeId, paymentHash } from '../../core/ids.ts';
import { networkOf } from '../../core/network.ts';
import { scid } from '../../core/scid.ts';
import { FEATURE } from '../bolt1/features.ts';
import { DEFAULT_EXPIRY_SECONDS, DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA, type Invoice, type RouteHop } from './invoice.ts';
import { type Field, type RawHop, readFields } from './lightBolt11Decoder.ts';
import { hashMessage, payeeOf, signedMessage } from './signature.ts';
import { decodeBech32, SIGNATURE_WORDS, TIMESTAMP_WORDS, wordsToBits } from './words.ts';

/** Feature bits an invoice may demand of a payer that BOLT 11 names; any other even bit is refused. */
const KNOWN_FEATURES = new Set<number>([
  FEATURE.varOnionOptin,
  FEATURE.paymentSecret,
  FEATURE.basicMpp,
  24, // option_route_blinding
  36, // option_attribution_data
  48, // option_payment_metadata
  262, // bolt11 trampoline
]);

/** Network, then an amount without leading zeros: a positive number, and a multiplier. */
const PREFIX = /^ln[a-z]{2,5}?(?:[1-9]\d{0,19}[munp]?)?$/;

/**
 * Reads an invoice and verifies its checksum, signature and payee, as BOLT 11 asks of a reader.
 * @throws {@link DecodeError}
 */
export function decodeInvoice(text: string): Invoice {
  const { prefix, words } = decodeBech32(text);
  if (words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) throw new DecodeError('', 'too short for an invoice');
  if (!PREFIX.test(prefix)) throw new DecodeError('', 'its amount or network is not of the form of BOLT 11');
  const { fields, ...head } = readFields({ prefix, words });
  const network = networkOf(head.prefix);
  if (!network) throw new DecodeError('', 'an invoice for an unknown network');
  const first = (tag: string) => fields.find((field) => field.tag === tag);
  const features = wordsToBits(first('9')?.words ?? []);
  checkFeatures(features);
  const n = first('n');
  return {
    text: text.toLowerCase(),
    network,
    amount: head.amountMsat === undefined ? undefined : msat(head.amountMsat),
    timestamp: head.timestamp,
    paymentHash: paymentHash(needed(first('p'), 'payment_hash'), 'payment_hash'),
    paymentSecret: needed(first('s'), 'payment_secret'),
    ...descriptionOf(first),
    expirySeconds: whole(first('x'), 'expiry', DEFAULT_EXPIRY_SECONDS),
    minFinalCltvExpiryDelta: whole(first('c'), 'min_final_cltv_expiry_delta', DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA),
    routeHints: fields.filter((field) => field.tag === 'r').map((field) => (field.hops ?? []).map(toHop)),
    features,
    metadata: first('m')?.hex,
    payee: payeeOf(
      hashMessage(signedMessage({ prefix, words: words.slice(0, -SIGNATURE_WORDS) })),
      fromHex(head.signature, 'signature'),
      n?.hex === undefined ? undefined : fromHex(n.hex, 'n'),
    ),
    signature: head.signature,
  };
}

function needed(field: Field | undefined, name: string): string {
  if (field?.hex === undefined) throw new DecodeError(name, 'is missing');
  return field.hex;
}

function descriptionOf(first: (tag: string) => Field | undefined) {
  const description = first('d')?.text;
  const descriptionHash = first('h')?.hex;
  if (description === undefined && descriptionHash === undefined) throw new DecodeError('description', 'is missing');
  return { description, descriptionHash };
}

function whole(field: Field | undefined, name: string, fallback: number): number {
  const value = field ? (field.number ?? Number.NaN) : fallback;
  if (!Number.isSafeInteger(value)) throw new DecodeError(name, 'is not a whole number below 2^53');
  return value;
}

function checkFeatures(bits: readonly number[]): void {
  const unknown = bits.find((bit) => bit % 2 === 0 && !KNOWN_FEATURES.has(bit));
  if (unknown !== undefined) throw new DecodeError('features', `bit ${unknown} is required and not known`);
}

const toHop = (hop: RawHop): RouteHop => ({
  nodeId: nodeId(hop.pubkey, 'route_hint'),
  scid: scid(BigInt(`0x${hop.short_channel_id}`)),
  feeBaseMsat: hop.fee_base_msat,
  feeProportionalPpm: hop.fee_proportional_millionths,
  cltvExpiryDelta: hop.cltv_expiry_delta,
});
