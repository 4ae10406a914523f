import { fromHex, toHex } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { paymentHash } from '../../core/ids.ts';
import { readPrefix } from './amount.ts';
import { FEATURE } from '../bolt1/features.ts';
import { DEFAULT_EXPIRY_SECONDS, DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA, type Invoice } from './invoice.ts';
import { type Fields, readFields } from './fields.ts';
import { hashMessage, payeeOf, signedMessage } from './signature.ts';
import { decodeBech32, fromWords, SIGNATURE_WORDS, TIMESTAMP_WORDS, wordsToBits, wordsToUint } from './words.ts';

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

/**
 * Reads an invoice and verifies its checksum, signature and payee, as BOLT 11 asks of a reader.
 * @throws {@link DecodeError}
 */
export function decodeInvoice(text: string): Invoice {
  const { prefix, words } = decodeBech32(text);
  if (words.length < TIMESTAMP_WORDS + SIGNATURE_WORDS) throw new DecodeError('', 'too short for an invoice');
  const { network, amount } = readPrefix(prefix);
  const timestamp = wordsToUint(words.slice(0, TIMESTAMP_WORDS));
  const fields = readFields(words.slice(TIMESTAMP_WORDS, -SIGNATURE_WORDS));
  const features = wordsToBits(fields.words('9') ?? []);
  checkFeatures(features);
  const signature = fromWords(words.slice(-SIGNATURE_WORDS));
  const n = fields.hex('n');
  return {
    text: text.toLowerCase(),
    network,
    amount,
    timestamp,
    paymentHash: paymentHash(needed(fields.hex('p'), 'payment_hash'), 'payment_hash'),
    paymentSecret: needed(fields.hex('s'), 'payment_secret'),
    ...descriptionOf(fields),
    expirySeconds: fields.number('x', 'expiry') ?? DEFAULT_EXPIRY_SECONDS,
    minFinalCltvExpiryDelta: fields.number('c', 'min_final_cltv_expiry_delta') ?? DEFAULT_MIN_FINAL_CLTV_EXPIRY_DELTA,
    routeHints: fields.hints(),
    features,
    metadata: fields.hex('m'),
    payee: payeeOf(
      hashMessage(signedMessage({ prefix, words: words.slice(0, -SIGNATURE_WORDS) })),
      signature,
      n === undefined ? undefined : fromHex(n, 'n'),
    ),
    signature: toHex(signature),
  };
}

function needed(hex: string | undefined, name: string): string {
  if (hex === undefined) throw new DecodeError(name, 'is missing');
  return hex;
}

function descriptionOf(fields: Fields) {
  const description = fields.text('d', 'description');
  const descriptionHash = fields.hex('h');
  if (description === undefined && descriptionHash === undefined) throw new DecodeError('description', 'is missing');
  return { description, descriptionHash };
}

function checkFeatures(bits: readonly number[]): void {
  const unknown = bits.find((bit) => bit % 2 === 0 && !KNOWN_FEATURES.has(bit));
  if (unknown !== undefined) throw new DecodeError('features', `bit ${unknown} is required and not known`);
}
