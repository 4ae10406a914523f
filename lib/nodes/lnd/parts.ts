import { type Msat, msat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import { Failure_FailureCode } from '../../generated/lnd/lightning.ts';
import type { CircuitKey, ForwardHtlcInterceptRequest } from '../../generated/lnd/router.ts';
import { encodeFailure, type FinalFailure, failurePacket } from '../../protocol/bolt4/failure.ts';
import { decodeFinalPayload, type FinalPayload } from '../../protocol/bolt4/finalPayload.ts';
import { peel } from '../../protocol/bolt4/sphinx.ts';
import type { HeldPart } from '../parts/partSets.ts';
import { decodeExtraFee, EXTRA_FEE_TYPE } from '../../protocol/lsps2/extraFee.ts';

// What is read of an intercepted HTLC, before anybody is asked. Pure.

/** How lnd is told to fail an HTLC: by a packet of ours, or by a code where our key could not read the onion. */
export type Failed = { readonly failureMessage: Uint8Array } | { readonly failureCode: Failure_FailureCode };

/** One HTLC that was meant for the phantom. */
export interface Part extends HeldPart {
  readonly circuit: CircuitKey;
  fail(failure: FinalFailure): Failed;
  /** BOLT 4's answer to what does not fit the invoice. */
  refuse(height: number): Failed;
}

/** What an invoice says that a part must agree with. */
export interface Expected {
  readonly paymentSecret: string;
  /** Undefined: the payer decides. */
  readonly amount?: Msat | undefined;
  readonly minFinalCltvExpiryDelta: number;
}

const CODES = {
  invalid_onion_version: Failure_FailureCode.INVALID_ONION_VERSION,
  invalid_onion_hmac: Failure_FailureCode.INVALID_ONION_HMAC,
  invalid_onion_key: Failure_FailureCode.INVALID_ONION_KEY,
} as const;

/**
 * Whether the channel of an HTLC is closed, and lnd shows it for a preimage only: any other answer would end the stream. lnd names the
 * expiry itself then, and else a height well before it.
 */
export const isOnChain = ({ autoFailHeight, incomingExpiry }: ForwardHtlcInterceptRequest): boolean =>
  autoFailHeight <= 0 || autoFailHeight >= incomingExpiry;

/** A circuit's name. */
export const nameOf = ({ chanId, htlcId }: CircuitKey): string => `${chanId}/${htlcId}`;

/** Peels the phantom's layer, and checks what every last hop checks (BOLT 4 "Requirements" of the final node). */
export function readPart(
  request: ForwardHtlcInterceptRequest,
  o: {
    readonly key: Uint8Array;
    readonly expected: (hash: PaymentHash) => Expected | undefined;
    readonly height: number;
  },
): { readonly part: Part } | { readonly failed: Failed } {
  const { incomingCircuitKey: circuit, onionBlob } = request;
  const hash = paymentHash(toHex(request.paymentHash));
  const peeled = peel(onionBlob, { key: o.key, associatedData: request.paymentHash });
  if (!peeled.ok && peeled.failure !== 'invalid_onion_payload')
    return { failed: { failureCode: CODES[peeled.failure] } };
  const fail = (failure: FinalFailure): Failed => ({
    failureMessage: failurePacket(peeled.sharedSecret, encodeFailure(failure)),
  });
  // Nobody follows the phantom.
  const payload = peeled.ok && !peeled.next ? payloadOf(peeled.payload) : undefined;
  if (!payload || !circuit) return { failed: fail({ name: 'invalid_onion_payload' }) };
  const refuse = (height: number) =>
    fail({ name: 'incorrect_or_unknown_payment_details', amountMsat: payload.amount, height });
  const expected = o.expected(hash);
  const fee = feeOf(request.inWireCustomRecords);
  if (!expected || fee === undefined || !agrees(payload, expected, request) || isLate(payload, expected, o.height))
    return { failed: refuse(o.height) };
  if (payload.cltvExpiry > request.outgoingExpiry || request.incomingExpiry < request.outgoingExpiry)
    return { failed: fail({ name: 'final_incorrect_cltv_expiry', cltvExpiry: request.outgoingExpiry }) };
  const part: Part = {
    circuit,
    name: nameOf(circuit),
    paymentHash: hash,
    amount: msat(request.incomingAmountMsat),
    extraFee: fee,
    onionAmount: msat(request.outgoingAmountMsat),
    total: payload.total,
    deadline: request.autoFailHeight,
    fail,
    refuse,
  };
  return { part };
}

/** Whether the HTLC is as large as its onion says is for the gates: lnd does not look at that before it forwards. */
function agrees(payload: FinalPayload, expected: Expected, request: ForwardHtlcInterceptRequest): boolean {
  const { paymentSecret, amount, total } = payload;
  if (paymentSecret !== expected.paymentSecret || request.outgoingAmountMsat < amount) return false;
  // BOLT 4: no less than was asked for, and no more than twice as much.
  const asked = expected.amount;
  return asked === undefined || (total >= asked && total <= asked * 2n);
}

const isLate = ({ cltvExpiry }: FinalPayload, { minFinalCltvExpiryDelta }: Expected, height: number): boolean =>
  cltvExpiry < height + minFinalCltvExpiryDelta;

/** Of the HTLC's own records; undefined when it is not of the form. */
function feeOf(customRecords: ReadonlyMap<bigint, Uint8Array>): Msat | undefined {
  const bytes = customRecords.get(EXTRA_FEE_TYPE);
  if (!bytes) return msat(0n);
  try {
    return decodeExtraFee(bytes);
  } catch {
    return undefined;
  }
}

function payloadOf(bytes: Uint8Array): FinalPayload | undefined {
  try {
    return decodeFinalPayload(bytes);
  } catch {
    return undefined;
  }
}
