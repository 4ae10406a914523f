import { concat, fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { decodeFeatures, encodeFeatures } from './features.ts';
import { decodeTlvStream, encodeTlvStream, unknownEvenType } from './tlv.ts';

// The messages of BOLT 1 itself: init, error, warning, ping and pong. Payloads are without the type.

export const MESSAGE_TYPE = { warning: 1, init: 16, error: 17, ping: 18, pong: 19 } as const;

export interface InitMessage {
  /** Feature bits of both of its fields, in rising order. */
  readonly features: readonly number[];
  /** Chain hashes, 32 bytes each; undefined when the peer does not say. */
  readonly chains: readonly Uint8Array[] | undefined;
}

const NETWORKS = 1n;
const CHAIN_HASH_BYTES = 32;

export function encodeInit({ features, chains }: InitMessage): Uint8Array {
  const tlvs = chains === undefined ? [] : [{ type: NETWORKS, value: concat(...chains) }];
  return concat(fromUint(0n, 2), sized(encodeFeatures(features)), encodeTlvStream(tlvs));
}

/** @throws {@link DecodeError} */
export function decodeInit(payload: Uint8Array): InitMessage {
  const global = unsized(payload, 0, 'init.globalfeatures');
  const local = unsized(payload, global.end, 'init.features');
  const tlvs = decodeTlvStream(payload.subarray(local.end));
  const unknown = unknownEvenType(tlvs, new Set());
  if (unknown !== undefined) throw new DecodeError('init', `unknown even TLV type ${unknown}`);
  const networks = tlvs.find(({ type }) => type === NETWORKS)?.value;
  if (networks && networks.length % CHAIN_HASH_BYTES !== 0)
    throw new DecodeError('init.networks', 'not whole chain hashes');
  const bits = new Set([...decodeFeatures(global.value), ...decodeFeatures(local.value)]);
  return { features: [...bits].sort((a, b) => a - b), chains: networks && chunks(networks) };
}

const chunks = (bytes: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: bytes.length / CHAIN_HASH_BYTES }, (_, i) =>
    bytes.slice(i * CHAIN_HASH_BYTES, (i + 1) * CHAIN_HASH_BYTES),
  );

const CHANNEL_ID_BYTES = 32;

/** The words of an `error` or a `warning`: raw bytes of the peer. @throws {@link DecodeError} */
export const decodeComplaint = (payload: Uint8Array): { readonly ofAll: boolean; readonly words: Uint8Array } => {
  if (payload.length < CHANNEL_ID_BYTES) throw new DecodeError('channel_id', 'is cut off');
  const ofAll = payload.subarray(0, CHANNEL_ID_BYTES).every((byte) => byte === 0);
  return { ofAll, words: unsized(payload, CHANNEL_ID_BYTES, 'data').value };
};

/** From here on a ping asks for no pong (BOLT 1 "The ping and pong Messages"). */
const PONG_BYTES_END = 65_532;

export const encodePing = (pongBytes: number): Uint8Array =>
  concat(fromUint(BigInt(pongBytes), 2), sized(new Uint8Array(0)));

/** The pong that answers a ping; undefined when none is asked for. @throws {@link DecodeError} */
export function pongFor(ping: Uint8Array): Uint8Array | undefined {
  if (ping.length < 2) throw new DecodeError('ping', 'is cut off');
  unsized(ping, 2, 'ping.ignored');
  const count = Number(toUint(ping.subarray(0, 2)));
  return count < PONG_BYTES_END ? sized(new Uint8Array(count)) : undefined;
}

const sized = (bytes: Uint8Array): Uint8Array => concat(fromUint(BigInt(bytes.length), 2), bytes);

function unsized(
  bytes: Uint8Array,
  offset: number,
  path: string,
): { readonly value: Uint8Array; readonly end: number } {
  const start = offset + 2;
  const end = start + Number(toUint(bytes.subarray(offset, start)));
  if (start > bytes.length || end > bytes.length) throw new DecodeError(path, 'is cut off');
  return { value: bytes.slice(start, end), end };
}

/**
 * Even types that BOLTs 1, 2 and 7 define, of channels and of gossip. "It's OK to be odd": any other even type that is unknown ends
 * the connection, while these are known, and nothing to a peer that has no channels.
 */
const KNOWN_EVEN: ReadonlySet<number> = new Set(
  [
    // BOLT 1 and 2: quiescence; opening, closing, interactive transactions, splicing; HTLCs, fees, re-establishing.
    [2, 32, 34, 36, 38, 40, 64, 66, 68, 70, 72, 74, 80, 128, 130, 132, 134, 136],
    // BOLT 7: announcements and queries.
    [256, 258, 262, 264],
  ].flat(),
);

/** Whether a message that nobody here understands must end the connection (BOLT 1 "Lightning Message Format"). */
export const mustNotIgnore = (type: number): boolean => type % 2 === 0 && !KNOWN_EVEN.has(type);
