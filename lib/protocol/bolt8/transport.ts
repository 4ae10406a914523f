import { concat, fromUint, toUint } from '../../core/bytes.ts';
import { DecodeError } from '../../core/errors.ts';
import { MESSAGE_BYTES_MAX } from '../bolt1/message.ts';
import type { TransportKeys } from './handshake.ts';
import { decrypt, encrypt, hkdf, TAG_BYTES } from './symmetric.ts';

/** A key has been used for so many encryptions when it is rotated (BOLT 8 "Key Rotation"). */
const USES_MAX = 1_000;
const LENGTH_BYTES = 2;
const HEADER_BYTES = LENGTH_BYTES + TAG_BYTES;
const NOTHING = new Uint8Array(0);

/** One direction's key, its nonce, and the chaining key that makes the next one. */
function rotating(first: Uint8Array, chaining: Uint8Array) {
  let [key, salt] = [first, chaining];
  let uses = 0;
  return <T>(use: (key: Uint8Array, nonce: number) => T): T => {
    const done = use(key, uses);
    uses++;
    if (uses === USES_MAX) {
      [salt, key] = hkdf(salt, key);
      uses = 0;
    }
    return done;
  };
}

/** Encrypts messages for the wire, one after the other (BOLT 8 "Encrypting and Sending Messages"). @throws RangeError */
export function sealer({ sending, chaining }: TransportKeys): (message: Uint8Array) => Uint8Array {
  const withKey = rotating(sending, chaining);
  return (message) => {
    if (message.length > MESSAGE_BYTES_MAX) throw new RangeError(`${message.length} bytes do not fit into a message`);
    const length = fromUint(BigInt(message.length), LENGTH_BYTES);
    return concat(
      withKey((key, nonce) => encrypt(key, nonce, NOTHING, length)),
      withKey((key, nonce) => encrypt(key, nonce, NOTHING, message)),
    );
  };
}

/** Reads messages off the wire. */
export interface Opener {
  /** Takes bytes, cut anywhere, and has the messages that they end. @throws {@link DecodeError}: end the connection. */
  feed(bytes: Uint8Array): readonly Uint8Array[];
  /** Bytes of a message that is not whole yet: at most a message's. */
  pending(): number;
}

export function opener({ receiving, chaining }: TransportKeys): Opener {
  const withKey = rotating(receiving, chaining);
  const parts: Uint8Array[] = [];
  let have = 0;
  /** Of the message that is coming; undefined while its header is. */
  let length: number | undefined;
  const need = () => (length === undefined ? HEADER_BYTES : length + TAG_BYTES);

  const open = (ciphertext: Uint8Array): Uint8Array => {
    try {
      return withKey((key, nonce) => decrypt(key, nonce, NOTHING, ciphertext));
    } catch (cause) {
      throw new DecodeError('message', 'its tag is not right', { cause });
    }
  };

  return {
    pending: () => have + (length === undefined ? 0 : HEADER_BYTES),
    feed(bytes) {
      if (bytes.length > 0) parts.push(bytes);
      have += bytes.length;
      if (have < need()) return [];
      // Joined once and walked: however small the messages, the work grows with the bytes.
      const all = concat(...parts);
      const messages: Uint8Array[] = [];
      let at = 0;
      while (all.length - at >= need()) {
        const ciphertext = all.subarray(at, at + need());
        at += ciphertext.length;
        const plain = open(ciphertext);
        if (length === undefined) length = Number(toUint(plain));
        else {
          messages.push(plain);
          length = undefined;
        }
      }
      parts.length = 0;
      have = all.length - at;
      if (have > 0) parts.push(all.slice(at));
      return messages;
    },
  };
}
