import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, toHex, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { type Txid, txid } from '../../core/ids.ts';

// As much of bitcoin's serialisation as a chain without scripts and signatures needs.

export const hash256 = (bytes: Uint8Array): Uint8Array => sha256(sha256(bytes));

export interface Outpoint {
  readonly txid: Txid;
  readonly vout: number;
}

export interface Output {
  readonly script: Uint8Array;
  readonly valueSat: bigint;
}

export interface Transaction {
  readonly txid: Txid;
  readonly raw: Uint8Array;
  readonly inputs: readonly (Outpoint & { readonly sequence: number })[];
  readonly outputs: readonly Output[];
  readonly lockTime: number;
}

const little = (value: bigint, width: number): Uint8Array => {
  const bytes = new Uint8Array(width);
  for (let i = 0, rest = value; i < width; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
};
export const u32 = (value: number): Uint8Array => little(BigInt(value >>> 0), 4);

const VERSION = u32(2);
const FINAL_SEQUENCE = u32(0xffff_ffff);
/** LDK wants a segwit input with a witness; nobody here verifies it. */
const DUMMY_WITNESS = concat(Uint8Array.of(1, 64), new Uint8Array(64).fill(1));

function compactSize(count: number): Uint8Array {
  if (count < 0xfd) return Uint8Array.of(count);
  return concat(Uint8Array.of(0xfd), little(BigInt(count), 2));
}

/** A segwit transaction that spends `inputs` with dummy witnesses. */
export function buildTransaction(inputs: readonly Outpoint[], outputs: readonly Output[]): Uint8Array {
  const spent = inputs.map(({ txid: id, vout }) =>
    concat(fromHex(id).reverse(), u32(vout), Uint8Array.of(0), FINAL_SEQUENCE),
  );
  const made = outputs.map(({ script, valueSat }) => concat(little(valueSat, 8), compactSize(script.length), script));
  return concat(
    VERSION,
    Uint8Array.of(0, 1),
    compactSize(inputs.length),
    ...spent,
    compactSize(outputs.length),
    ...made,
    ...inputs.map(() => DUMMY_WITNESS),
    u32(0),
  );
}

/** Reads a transaction, segwit or not. @throws {@link DecodeError} when it is cut off. */
export function parseTransaction(raw: Uint8Array): Transaction {
  let at = 4;
  const take = (length: number): Uint8Array => {
    if (at + length > raw.length) throw new DecodeError('', 'a transaction is cut off');
    at += length;
    return raw.slice(at - length, at);
  };
  const uint = (width: number) => Number(toUint(take(width).reverse()));
  const count = () => {
    const first = uint(1);
    return first < 0xfd ? first : uint(first === 0xfd ? 2 : 4);
  };
  const list = <T>(read: () => T): T[] => Array.from({ length: count() }, read);

  const segwit = raw[4] === 0 && raw[5] === 1;
  if (segwit) at += 2;
  const start = at;
  const inputs = list(() => {
    const id = txid(toHex(take(32).reverse()));
    const vout = uint(4);
    take(count());
    return { txid: id, vout, sequence: uint(4) };
  });
  const outputs = list(() => {
    const valueSat = toUint(take(8).reverse());
    return { valueSat, script: take(count()) };
  });
  const stripped = concat(raw.slice(0, 4), raw.slice(start, at), raw.slice(-4));
  return {
    txid: txid(toHex(hash256(stripped).reverse())),
    raw,
    inputs,
    outputs,
    lockTime: Number(toUint(raw.slice(-4).reverse())),
  };
}
