import { concat, fromHex, fromUint } from '../../core/bytes.ts';
import { NETWORK_PREFIX } from '../../core/network.ts';
import { encodeUtf8 } from '../../core/utf8.ts';
import { formatAmount } from './amount.ts';
import type { InvoiceTerms, RouteHop } from './invoice.ts';
import { type Bech32, bitsToWords, FIELD_WORDS_MAX, intToWords, TIMESTAMP_WORDS, toWords, wordOf } from './words.ts';

/** The most bytes that a description may have; longer ones go in as their hash. */
export const DESCRIPTION_BYTES_MAX = 639;
const TIMESTAMP_END = 2 ** 35;
const U16_MAX = 0xffff;
const U32_MAX = 0xffff_ffff;

/** The human-readable part and the words of an invoice, still without signature. @throws RangeError on a bad field. */
export function encodeTerms(terms: InvoiceTerms): Bech32 {
  whole(terms.timestamp, TIMESTAMP_END - 1, 'timestamp');
  whole(terms.expirySeconds, Number.MAX_SAFE_INTEGER, 'expirySeconds');
  whole(terms.minFinalCltvExpiryDelta, U16_MAX, 'minFinalCltvExpiryDelta');
  return {
    prefix: `ln${NETWORK_PREFIX[terms.network]}${terms.amount === undefined ? '' : formatAmount(terms.amount)}`,
    words: [
      ...intToWords(terms.timestamp, TIMESTAMP_WORDS),
      ...field('p', toWords(fromHex(terms.paymentHash, 'paymentHash'))),
      ...field('s', toWords(bytes32(terms.paymentSecret, 'paymentSecret'))),
      ...description(terms),
      ...(terms.payee === undefined ? [] : field('n', toWords(fromHex(terms.payee, 'payee')))),
      // "MUST use the minimum data_length possible": zero is no word at all.
      ...field('x', intToWords(terms.expirySeconds, 0)),
      ...field('c', intToWords(terms.minFinalCltvExpiryDelta, 0)),
      ...terms.routeHints.flatMap((hint) => field('r', toWords(concat(...hint.map(encodeHop))))),
      ...(terms.metadata === undefined ? [] : field('m', toWords(fromHex(terms.metadata, 'metadata')))),
      ...field('9', bitsToWords(terms.features)),
    ],
  };
}

function field(tag: string, words: readonly number[]): readonly number[] {
  if (words.length > FIELD_WORDS_MAX) throw new RangeError(`the field ${tag} is too long for an invoice`);
  return [wordOf(tag), ...intToWords(words.length, 2), ...words];
}

function description(terms: InvoiceTerms): readonly number[] {
  if ((terms.description === undefined) === (terms.descriptionHash === undefined)) {
    throw new RangeError('an invoice has either a description or a descriptionHash');
  }
  if (terms.descriptionHash !== undefined)
    return field('h', toWords(bytes32(terms.descriptionHash, 'descriptionHash')));
  const bytes = encodeUtf8(terms.description ?? '');
  if (bytes.length > DESCRIPTION_BYTES_MAX) {
    throw new RangeError(`a description of ${bytes.length} bytes; ${DESCRIPTION_BYTES_MAX} fit, use descriptionHash`);
  }
  return field('d', toWords(bytes));
}

function bytes32(hex: string, name: string): Uint8Array {
  const bytes = fromHex(hex, name);
  if (bytes.length !== 32) throw new RangeError(`${name}: ${bytes.length} bytes instead of 32`);
  return bytes;
}

function encodeHop(hop: RouteHop): Uint8Array {
  whole(hop.feeBaseMsat, U32_MAX, 'feeBaseMsat');
  whole(hop.feeProportionalPpm, U32_MAX, 'feeProportionalPpm');
  whole(hop.cltvExpiryDelta, U16_MAX, 'cltvExpiryDelta');
  return concat(
    fromHex(hop.nodeId, 'nodeId'),
    fromUint(hop.scid, 8),
    fromUint(BigInt(hop.feeBaseMsat), 4),
    fromUint(BigInt(hop.feeProportionalPpm), 4),
    fromUint(BigInt(hop.cltvExpiryDelta), 2),
  );
}

function whole(value: number, max: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${name}: ${value} is not a whole number from 0 to ${max}`);
  }
}
