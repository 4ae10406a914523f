import { sha256 } from '@noble/hashes/sha2.js';
import * as secp from '@noble/secp256k1';
import { concat, fromHex, toHex } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { type NodeId, nodeId } from '../../core/ids.ts';
import { encodeUtf8 } from '../../core/utf8.ts';
import { decrypt, encrypt, hkdf, mix, TAG_BYTES } from './symmetric.ts';

// Noise_XK as BOLT 8 has it: data in, data out. No I/O, no randomness, no clock.

const VERSION = 0;
const POINT_BYTES = 33;
export const ACT_ONE_BYTES = 1 + POINT_BYTES + TAG_BYTES;
export const ACT_TWO_BYTES = 1 + POINT_BYTES + TAG_BYTES;
export const ACT_THREE_BYTES = 1 + POINT_BYTES + TAG_BYTES + TAG_BYTES;

const NOTHING = new Uint8Array(0);
const PROTOCOL_NAME = 'Noise_XK_secp256k1_ChaChaPoly_SHA256';
const PROLOGUE = 'lightning';

/** What a finished handshake leaves: the keys of the two directions, and the chaining key by which they rotate. */
export interface TransportKeys {
  readonly sending: Uint8Array;
  readonly receiving: Uint8Array;
  readonly chaining: Uint8Array;
}

export interface OwnKeys {
  /** The private key of the node id: 32 bytes. */
  readonly secret: Uint8Array;
  /** A private key for this handshake alone: 32 fresh random bytes. */
  readonly ephemeral: Uint8Array;
}

export interface Initiator {
  readonly actOne: Uint8Array;
  /** Takes act two, and has act three to send. @throws {@link DecodeError}: end the connection, and send nothing more. */
  actTwo(bytes: Uint8Array): { readonly actThree: Uint8Array; readonly keys: TransportKeys };
}

export interface Responder {
  /** Takes act one, and has act two to send. @throws {@link DecodeError}: end the connection, and send nothing more. */
  actOne(bytes: Uint8Array): Uint8Array;
  /** Takes act three. @throws {@link DecodeError} */
  actThree(bytes: Uint8Array): { readonly remote: NodeId; readonly keys: TransportKeys };
}

/** Our half of a handshake with a node whose id we know (BOLT 8 "Handshake Exchange"). @throws RangeError on a bad key of ours, {@link DecodeError} on one of theirs. */
export function initiate({ secret, ephemeral }: OwnKeys, remote: NodeId): Initiator {
  const own = { secret: point(secret), ephemeral: point(ephemeral) };
  const theirs = fromHex(remote);
  checkPoint(theirs, 'node id');
  const one = seal(mix(start(theirs), own.ephemeral), CHAINING, ecdh(ephemeral, theirs));
  return {
    actOne: concat(Uint8Array.of(VERSION), own.ephemeral, one.tag),
    actTwo(bytes) {
      const { key: re, tag } = readAct(bytes, ACT_TWO_BYTES, 'act_two');
      const two = unseal(mix(one.digest, re), one.chaining, ecdh(ephemeral, re), { tag, act: 'act_two' });
      const c = encrypt(two.key, 1, two.digest, own.secret);
      const three = seal(mix(two.digest, c), two.chaining, ecdh(secret, re));
      const [sending, receiving] = hkdf(three.chaining, NOTHING);
      const actThree = concat(Uint8Array.of(VERSION), c, three.tag);
      return { actThree, keys: { sending, receiving, chaining: three.chaining } };
    },
  };
}

/** The other half. @throws RangeError on a bad key. */
export function respond({ secret, ephemeral }: OwnKeys): Responder {
  const own = { secret: point(secret), ephemeral: point(ephemeral) };
  /** After act two: what act three goes on from. */
  let state: Chain | undefined;
  return {
    actOne(bytes) {
      const { key: re, tag } = readAct(bytes, ACT_ONE_BYTES, 'act_one');
      const one = unseal(mix(start(own.secret), re), CHAINING, ecdh(secret, re), { tag, act: 'act_one' });
      const two = seal(mix(one.digest, own.ephemeral), one.chaining, ecdh(ephemeral, re));
      state = two;
      return concat(Uint8Array.of(VERSION), own.ephemeral, two.tag);
    },
    actThree(bytes) {
      const two = state;
      if (!two) throw new DecodeError('act_three', 'came before act one');
      checkAct(bytes, ACT_THREE_BYTES, 'act_three');
      const c = bytes.subarray(1, 1 + POINT_BYTES + TAG_BYTES);
      const rs = opened(() => decrypt(two.key, 1, two.digest, c), 'act_three', 'its ciphertext is not right');
      checkPoint(rs, 'act_three');
      const tag = bytes.subarray(1 + POINT_BYTES + TAG_BYTES);
      const three = unseal(mix(two.digest, c), two.chaining, ecdh(ephemeral, rs), { tag, act: 'act_three' });
      const [receiving, sending] = hkdf(three.chaining, NOTHING);
      return { remote: nodeId(toHex(rs)), keys: { sending, receiving, chaining: three.chaining } };
    },
  };
}

/** `h`, `ck` and the latest temporary key. */
interface Chain {
  readonly digest: Uint8Array;
  readonly chaining: Uint8Array;
  readonly key: Uint8Array;
}

const CHAINING = sha256(encodeUtf8(PROTOCOL_NAME));
const start = (responder: Uint8Array): Uint8Array => mix(mix(CHAINING, encodeUtf8(PROLOGUE)), responder);

/** Mixes in a shared secret, and proves it by a tag over nothing. */
function seal(digest: Uint8Array, chaining: Uint8Array, shared: Uint8Array): Chain & { readonly tag: Uint8Array } {
  const [next, key] = hkdf(chaining, shared);
  const tag = encrypt(key, 0, digest, NOTHING);
  return { digest: mix(digest, tag), chaining: next, key, tag };
}

function unseal(
  digest: Uint8Array,
  chaining: Uint8Array,
  shared: Uint8Array,
  { tag, act }: { readonly tag: Uint8Array; readonly act: string },
): Chain {
  const [next, key] = hkdf(chaining, shared);
  opened(() => decrypt(key, 0, digest, tag), act, 'its tag is not right');
  return { digest: mix(digest, tag), chaining: next, key };
}

function opened(open: () => Uint8Array, act: string, wrong: string): Uint8Array {
  try {
    return open();
  } catch (cause) {
    throw new DecodeError(act, wrong, { cause });
  }
}

function checkAct(bytes: Uint8Array, length: number, act: string): void {
  if (bytes.length !== length) throw new DecodeError(act, `has ${bytes.length} bytes instead of ${length}`);
  if (bytes[0] !== VERSION) throw new DecodeError(act, `is of the unknown version ${bytes[0]}`);
}

function readAct(
  bytes: Uint8Array,
  length: number,
  act: string,
): { readonly key: Uint8Array; readonly tag: Uint8Array } {
  checkAct(bytes, length, act);
  const key = bytes.slice(1, 1 + POINT_BYTES);
  checkPoint(key, act);
  return { key, tag: bytes.subarray(1 + POINT_BYTES) };
}

function checkPoint(bytes: Uint8Array, path: string): void {
  try {
    secp.Point.fromBytes(bytes);
  } catch (cause) {
    throw new DecodeError(path, 'has no valid public key', { cause });
  }
}

/** SHA-256 of the compressed shared point. */
const ecdh = (secret: Uint8Array, theirs: Uint8Array): Uint8Array => sha256(secp.getSharedSecret(secret, theirs, true));

function point(secret: Uint8Array): Uint8Array {
  try {
    return secp.getPublicKey(secret, true);
  } catch (cause) {
    throw new RangeError('not a private key of secp256k1', { cause });
  }
}
