import { type Msat, msat } from '../../core/amount.ts';
import { concat, fromHex, toHex } from '../../core/bytes.ts';
import { type PaymentHash, paymentHash } from '../../core/ids.ts';
import { parseScid, type Scid } from '../../core/scid.ts';
import { decodeBigSize } from '../../protocol/bolt1/bigSize.ts';
import { decodeTlvStream, encodeTlvStream } from '../../protocol/bolt1/tlv.ts';
import { encodeTruncated } from '../../protocol/bolt1/truncated.ts';
import { encodeFailure, type FinalFailure } from '../../protocol/bolt4/failure.ts';
import { decodeExtraFee, EXTRA_FEE_TYPE } from '../../protocol/lsps2/extraFee.ts';
import type { HeldPart } from '../parts/partSets.ts';
import { amountOf, type Json, maybeText, objectOf, textOf, wholeOf } from './json.ts';
import type { Made } from './made.ts';

// What is read of the hook `htlc_accepted`, and what is answered to it. Pure.

/** Answers that lightningd knows; over any other it ends. */
export type HtlcAnswer =
  | { readonly result: 'continue'; readonly payload?: string; readonly invoice_msat?: string }
  | { readonly result: 'fail'; readonly failure_message: string };

/** An HTLC whose onion ends here. */
export interface FinalHtlc {
  readonly scid: Scid;
  readonly id: number;
  readonly paymentHash: PaymentHash;
  readonly amount: Msat;
  readonly cltvExpiry: number;
  readonly height: number;
  readonly onionAmount: Msat;
  readonly outgoingCltv: number;
  readonly total: Msat;
  readonly paymentSecret: string;
  readonly payload: string;
  readonly extraTlvs: string | undefined;
}

/** One HTLC of a payment that an invoice of ours was made for. */
export interface Part extends HeldPart {
  readonly scid: Scid;
  readonly htlc: FinalHtlc;
}

const TYPE = { amount: 2n, outgoingCltv: 4n, paymentData: 8n } as const;
/** Those of a last hop, of which each even one must be understood. */
const KNOWN = new Set<bigint>(Object.values(TYPE));

/** Undefined: it is not for us, or has no payment secret. @throws DecodeError */
export function finalHtlcOf(request: Json): FinalHtlc | undefined {
  const [onion, htlc] = [objectOf(request['onion'], 'onion'), objectOf(request['htlc'], 'htlc')];
  const leadsOn = [onion['short_channel_id'], onion['next_node_id'], request['forward_to']];
  if (leadsOn.some((next) => next !== undefined) || onion['payment_secret'] === undefined) return undefined;
  const cltvExpiry = wholeOf(htlc, 'cltv_expiry');
  const relative = htlc['cltv_expiry_relative'];
  return {
    scid: parseScid(textOf(htlc, 'short_channel_id')),
    id: wholeOf(htlc, 'id'),
    paymentHash: paymentHash(textOf(htlc, 'payment_hash')),
    amount: amountOf(htlc, 'amount_msat'),
    cltvExpiry,
    height: cltvExpiry - (typeof relative === 'number' ? relative : 0),
    onionAmount: amountOf(onion, 'forward_msat'),
    outgoingCltv: wholeOf(onion, 'outgoing_cltv_value'),
    total: amountOf(onion, 'total_msat'),
    paymentSecret: textOf(onion, 'payment_secret'),
    payload: textOf(onion, 'payload'),
    extraTlvs: maybeText(htlc, 'extra_tlvs'),
  };
}

/** @throws DecodeError, RangeError */
export const hashOf = (request: Json): PaymentHash =>
  paymentHash(textOf(objectOf(request['htlc'], 'htlc'), 'payment_hash'));

export const failWith = (failure: FinalFailure): HtlcAnswer => ({
  result: 'fail',
  failure_message: toHex(encodeFailure(failure)),
});

/** BOLT 4's answer to what does not fit the invoice. */
export const refuse = ({ onionAmount: amountMsat }: FinalHtlc, height: number): HtlcAnswer =>
  failWith({ name: 'incorrect_or_unknown_payment_details', amountMsat, height });

/** A claim must be lightningd's so many blocks before it would refuse it. */
export const CLAIM_BLOCKS = 1;

/**
 * Whether it is for this invoice, and in time; before anything is written of it. `late`: the invoice is over. `again`: lightningd may be showing
 * what it held before a restart.
 */
export function isFor(
  htlc: FinalHtlc,
  made: Made,
  { cltvFinal, late, again }: { readonly cltvFinal: number; readonly late: boolean; readonly again: boolean },
): boolean {
  if (late && !again) return false;
  // What is shown again was in time when it came, and blocks have come since.
  const least = Math.max(again ? 0 : made.minFinalCltvExpiryDelta, cltvFinal + CLAIM_BLOCKS);
  return htlc.cltvExpiry >= htlc.height + least && agrees(htlc, made);
}

/**
 * Checks what every last hop checks (BOLT 4 "Requirements" of the final node). Whether the HTLC is as large as its onion says is for the
 * gates. `cltvFinal`: what lightningd demands when it takes the HTLC, in blocks.
 */
export function readPart(
  htlc: FinalHtlc,
  { fee, cltvFinal }: { readonly fee: Msat | undefined; readonly cltvFinal: number },
): { readonly part: Part } | { readonly failed: HtlcAnswer } {
  if (fee === undefined || !isPlain(htlc)) return { failed: refuse(htlc, htlc.height) };
  if (htlc.outgoingCltv > htlc.cltvExpiry)
    return { failed: failWith({ name: 'final_incorrect_cltv_expiry', cltvExpiry: htlc.cltvExpiry }) };
  return {
    part: {
      htlc,
      scid: htlc.scid,
      name: `${htlc.scid}/${htlc.id}`,
      paymentHash: htlc.paymentHash,
      amount: htlc.amount,
      extraFee: fee,
      onionAmount: htlc.onionAmount,
      total: htlc.total,
      deadline: htlc.cltvExpiry - cltvFinal,
    },
  };
}

/**
 * lightningd fails an HTLC alone, after our answer, over what our invoices never ask for (payment metadata, a blinded path): the others of its
 * set would stay with it, counted.
 */
function isPlain({ payload }: FinalHtlc): boolean {
  try {
    const types = recordsOf(payload).map(({ type }) => type);
    return types.includes(TYPE.paymentData) && types.every((type) => type % 2n === 1n || KNOWN.has(type));
  } catch {
    return false;
  }
}

/** The length of the payload comes first, and lightningd puts it there again. */
function recordsOf(payload: string): ReturnType<typeof decodeTlvStream> {
  const bytes = fromHex(payload);
  return decodeTlvStream(bytes.subarray(decodeBigSize(bytes).end));
}

function agrees({ paymentSecret, total }: FinalHtlc, made: Made): boolean {
  if (paymentSecret !== made.paymentSecret) return false;
  // BOLT 4: no less than was asked for, and no more than twice as much.
  return made.amount === undefined || (total >= made.amount && total <= made.amount * 2n);
}

/** What the HTLC says of an extra fee; 0 when it says nothing, undefined when it is not of the form. */
export function extraFeeOf({ extraTlvs }: FinalHtlc): Msat | undefined {
  if (extraTlvs === undefined) return msat(0n);
  try {
    const found = decodeTlvStream(fromHex(extraTlvs)).find(({ type }) => type === EXTRA_FEE_TYPE);
    return found ? decodeExtraFee(found.value) : msat(0n);
  } catch {
    return undefined;
  }
}

/**
 * Lets lightningd take a part that the gates have judged: with an onion that says what has come, and what all parts together bring, so
 * that lightningd's own checks and books go by that.
 */
export function take({ htlc }: Part, o: { readonly total: Msat; readonly paymentSecret: string }): HtlcAnswer {
  const records = recordsOf(htlc.payload);
  const values = new Map<bigint, Uint8Array>([
    [TYPE.amount, encodeTruncated(htlc.amount, 8)],
    [TYPE.paymentData, concat(fromHex(o.paymentSecret), encodeTruncated(o.total, 8))],
  ]);
  const payload = encodeTlvStream(records.map(({ type, value }) => ({ type, value: values.get(type) ?? value })));
  return { result: 'continue', payload: toHex(payload), invoice_msat: `${o.total}msat` };
}
