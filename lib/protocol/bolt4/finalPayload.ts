import { type Msat, msat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { decodeTlvStream, unknownEvenType } from '../bolt1/tlv.ts';
import { decodeTruncated } from '../bolt1/truncated.ts';

/** What a payer tells the last hop (BOLT 4 "`payload` format"). */
export interface FinalPayload {
  /** `amt_to_forward`. */
  readonly amount: Msat;
  /** `outgoing_cltv_value`, a block height. */
  readonly cltvExpiry: number;
  /** 64 hex characters. */
  readonly paymentSecret: string;
  /** `total_msat`: the sum of all parts. */
  readonly total: Msat;
}

const TYPE = { amount: 2n, cltv: 4n, paymentData: 8n } as const;
const KNOWN: ReadonlySet<bigint> = new Set(Object.values(TYPE));
const SECRET_BYTES = 32;

/**
 * Reads the payload of the last hop. What leads to another hop or to a blinded path has even types that are not known here.
 * @throws {@link DecodeError}: answer `invalid_onion_payload`.
 */
export function decodeFinalPayload(bytes: Uint8Array): FinalPayload {
  const records = decodeTlvStream(bytes);
  const unknown = unknownEvenType(records, KNOWN);
  if (unknown !== undefined) throw new DecodeError('', `TLV type ${unknown} is even and not known`);
  const valueOf = (type: bigint): Uint8Array => {
    const found = records.find((record) => record.type === type);
    if (!found) throw new DecodeError('', `TLV type ${type} is missing`);
    return found.value;
  };
  const data = valueOf(TYPE.paymentData);
  if (data.length < SECRET_BYTES) throw new DecodeError('payment_data', 'is cut off');
  return {
    amount: msat(decodeTruncated(valueOf(TYPE.amount), 8)),
    cltvExpiry: Number(decodeTruncated(valueOf(TYPE.cltv), 4)),
    paymentSecret: toHex(data.subarray(0, SECRET_BYTES)),
    total: msat(decodeTruncated(data.subarray(SECRET_BYTES), 8)),
  };
}
