import { concat, fromHex, fromUint } from '../../../lib/core/bytes.ts';
import { ForwardHtlcInterceptRequest } from '../../../lib/generated/lnd/router.ts';
import { encodeBigSize } from '../../../lib/protocol/bolt1/bigSize.ts';
import { encodeTlvStream } from '../../../lib/protocol/bolt1/tlv.ts';
import { encodeTruncated } from '../../../lib/protocol/bolt1/truncated.ts';
import { wrap } from '../../protocol/bolt4/wrap.ts';

// HTLCs as lnd shows them, made as payers make them.

export const KEY = fromHex('11'.repeat(32));
export const HEIGHT = 800_000;
export const SECRET = '33'.repeat(32);
export const EXTRA_FEE = 65_537n;

/** What a payer says to the last hop. */
export interface Sent {
  readonly hash: string;
  readonly amount?: bigint;
  readonly total?: bigint;
  readonly secret?: string;
  readonly cltv?: number;
  readonly more?: { readonly type: bigint; readonly value: Uint8Array };
}

/** Of 100,000 msat the LSP has kept 1,000, unless it is said otherwise. */
export function shown(sent: Sent, change: Partial<ForwardHtlcInterceptRequest> = {}): ForwardHtlcInterceptRequest {
  const { hash, amount = 100_000n, total = 100_000n, secret = SECRET, cltv = HEIGHT + 20 } = sent;
  const payload = encodeTlvStream([
    { type: 2n, value: encodeTruncated(amount, 8) },
    { type: 4n, value: encodeTruncated(BigInt(cltv), 4) },
    { type: 8n, value: concat(fromHex(secret), encodeTruncated(total, 8)) },
    ...(sent.more ? [sent.more] : []),
  ]);
  const raw = concat(encodeBigSize(BigInt(payload.length)), payload);
  return ForwardHtlcInterceptRequest.fromPartial({
    incomingCircuitKey: { chanId: 7n, htlcId: 1n },
    paymentHash: fromHex(hash),
    incomingAmountMsat: amount - 1_000n,
    incomingExpiry: HEIGHT + 60,
    outgoingAmountMsat: amount,
    outgoingExpiry: cltv,
    autoFailHeight: HEIGHT + 41,
    inWireCustomRecords: new Map([[EXTRA_FEE, fromUint(1_000n, 8)]]),
    onionBlob: wrap({ sessionKey: fromHex('41'.repeat(32)), associatedData: fromHex(hash), hops: [{ key: KEY, raw }] }),
    ...change,
  });
}
