import type { Msat } from '../../core/amount.ts';
import { DecodeError } from '../../core/errors.ts';
import { encodeUtf8 } from '../../core/utf8.ts';
import { asDatetime, asMsat, asObject, asString, asU32, field, formatDatetime } from '../lsps0/fields.ts';
import {
  formatJson,
  type Json,
  type JsonObject,
  join,
  number,
  object,
  parseJson,
  printableName,
} from '../lsps0/json.ts';

/** What an LSP charges for a channel, and for which payments (bLIP-52 section 1, `opening_fee_params`). */
export interface OpeningFeeTerms {
  readonly minFee: Msat;
  /** Parts per million of the payment size. */
  readonly proportionalPpm: number;
  /** Unix seconds; the offer holds while the time is strictly less. */
  readonly validUntil: number;
  /** Blocks after confirmation in which the LSP keeps a paid channel. */
  readonly minLifetimeBlocks: number;
  /** The most blocks that the client may set as its own `to_self_delay`. */
  readonly maxClientToSelfDelayBlocks: number;
  /** Inclusive. */
  readonly minPaymentSize: Msat;
  /** Inclusive. */
  readonly maxPaymentSize: Msat;
}

/** The terms with the LSP's proof that it offered them, and the JSON text in which they must go back. */
export interface OpeningFeeParams extends OpeningFeeTerms {
  readonly promise: string;
  /** Members in the order received, strings unit for unit (bLIP-52: "MUST copy it verbatim"). */
  readonly verbatim: string;
}

export const PROMISE_BYTES_MAX = 512;

const FIELDS = new Set([
  'min_fee_msat',
  'proportional',
  'valid_until',
  'min_lifetime',
  'max_client_to_self_delay',
  'min_payment_size_msat',
  'max_payment_size_msat',
  'promise',
]);

/**
 * Reads an `opening_fee_params`, strictly: a field that bLIP-52 does not name may change the price, so it aborts.
 * @throws {@link DecodeError}
 */
export function decodeOpeningFeeParams(value: Json | undefined, path: string): OpeningFeeParams {
  const members = asObject(value, path);
  for (const name of members.keys()) {
    if (!FIELDS.has(name))
      throw new DecodeError(join(path, printableName(name)), 'is not a field of opening_fee_params');
  }
  return {
    minFee: field(members, 'min_fee_msat', path, asMsat),
    proportionalPpm: field(members, 'proportional', path, asU32),
    validUntil: field(members, 'valid_until', path, asDatetime),
    minLifetimeBlocks: field(members, 'min_lifetime', path, asU32),
    maxClientToSelfDelayBlocks: field(members, 'max_client_to_self_delay', path, asU32),
    minPaymentSize: field(members, 'min_payment_size_msat', path, asMsat),
    maxPaymentSize: field(members, 'max_payment_size_msat', path, asMsat),
    promise: field(members, 'promise', path, asPromise),
    verbatim: formatJson(members),
  };
}

function asPromise(value: Json | undefined, path: string): string {
  const promise = asString(value, path);
  const quotes = 2;
  if (encodeUtf8(JSON.stringify(promise)).length - quotes > PROMISE_BYTES_MAX) {
    throw new DecodeError(path, `longer than ${PROMISE_BYTES_MAX} bytes`);
  }
  return promise;
}

/** The JSON of terms that an LSP offers, in the order of the spec. */
export const encodeOpeningFeeParams = (terms: OpeningFeeTerms, promise: string): JsonObject =>
  object({
    min_fee_msat: terms.minFee.toString(),
    proportional: number(terms.proportionalPpm),
    valid_until: formatDatetime(terms.validUntil),
    min_lifetime: number(terms.minLifetimeBlocks),
    max_client_to_self_delay: number(terms.maxClientToSelfDelayBlocks),
    min_payment_size_msat: terms.minPaymentSize.toString(),
    max_payment_size_msat: terms.maxPaymentSize.toString(),
    promise,
  });

/** The very object that was received, for `lsps2.buy`. */
export const verbatimParams = (params: OpeningFeeParams): Json => parseJson(params.verbatim);
