import { concat } from '../core/bytes.ts';
import type { NodeId } from '../core/ids.ts';
import { ACT_TWO_BYTES, initiate, type OwnKeys } from '../protocol/bolt8/handshake.ts';
import { opener, type Opener, sealer } from '../protocol/bolt8/transport.ts';

/** Our end of a BOLT 8 connection that we opened, over bytes that may be cut anywhere. */
export interface Noise {
  /** What is sent first. */
  readonly actOne: Uint8Array;
  /**
   * Takes bytes off the wire. `reply`: act three, to be sent at once; messages may be sent from then on.
   * @throws DecodeError: end the connection, and send nothing more.
   */
  feed(bytes: Uint8Array): { readonly reply: Uint8Array | undefined; readonly messages: readonly Uint8Array[] };
  seal(message: Uint8Array): Uint8Array;
  /** Bytes that wait for more. */
  pending(): number;
}

export function noise(keys: OwnKeys, remote: NodeId): Noise {
  const handshake = initiate(keys, remote);
  let early: Uint8Array = new Uint8Array(0);
  let up: { readonly open: Opener; readonly seal: (message: Uint8Array) => Uint8Array } | undefined;
  return {
    actOne: handshake.actOne,
    feed(bytes) {
      if (up) return { reply: undefined, messages: up.open.feed(bytes) };
      early = concat(early, bytes);
      if (early.length < ACT_TWO_BYTES) return { reply: undefined, messages: [] };
      const { actThree, keys: made } = handshake.actTwo(early.slice(0, ACT_TWO_BYTES));
      up = { open: opener(made), seal: sealer(made) };
      return { reply: actThree, messages: up.open.feed(early.slice(ACT_TWO_BYTES)) };
    },
    seal(message) {
      if (!up) throw new RangeError('the handshake is not over yet');
      return up.seal(message);
    },
    pending: () => up?.open.pending() ?? early.length,
  };
}
