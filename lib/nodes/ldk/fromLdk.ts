import { randomBytes } from 'node:crypto';
import type { ChannelId as LdkChannelId } from 'lightningdevkit';
import { fromHex, toHex, toUint } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import {
  type ChannelId,
  channelId,
  type NodeId,
  nodeId,
  type PaymentHash,
  paymentHash,
  type Txid,
} from '../../core/ids.ts';
import { type Msat, msat } from '../../core/amount.ts';

// What LDK's bindings say, in our words.

export const toNodeId = (bytes: Uint8Array): NodeId => nodeId(toHex(bytes));
export const toPaymentHash = (bytes: Uint8Array): PaymentHash => paymentHash(toHex(bytes));
export const toChannelId = (id: LdkChannelId): ChannelId => channelId(toHex(id.get_a()));
/** LDK keeps transaction ids in internal byte order; people write them reversed. */
export const fromTxid = (id: Txid): Uint8Array => fromHex(id).reverse();

/** A u64 of 2^63 or more comes back negative. */
export const toU64 = (value: bigint): bigint => BigInt.asUintN(64, value);
export const toMsat = (value: bigint): Msat => msat(toU64(value));

const U128_HEX = 32;

/** A u128 that the bindings carry without throwing. */
const USER_ID_BYTES = 15;

/** A fresh name for a channel: LDK's user_channel_id. */
export const newUserId = (): bigint => toUint(new Uint8Array(randomBytes(USER_ID_BYTES)));

/** A u128 comes back with its bytes reversed. Values that LDK is given stay below 2^120, or it throws. */
export function toU128(value: bigint): bigint {
  const bytes = fromHex(value.toString(16).padStart(U128_HEX, '0')).reverse();
  return BigInt(`0x${toHex(bytes)}`);
}

/** The value of one of LDK's Option classes. */
export const someOf = <T>(option: object): T | undefined => (option as { some?: T }).some;

/** The value of one of LDK's Result classes. @throws {@link NodeError} with what LDK said. */
export function unwrap<T>(result: { is_ok(): boolean; res?: T; err?: unknown }, what: string): T {
  if (result.is_ok()) return result.res as T;
  const { err } = result;
  const said = (err as { err?: unknown } | undefined)?.err;
  const kind = typeof err === 'object' && err !== null ? err.constructor.name : String(err);
  throw new NodeError(`${what}: ${kind}${typeof said === 'string' ? `: ${said}` : ''}`);
}
