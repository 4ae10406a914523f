import * as ldk from 'lightningdevkit';
import { fromHex } from '../../core/bytes.ts';
import type { NodeId } from '../../core/ids.ts';
import { CUSTOM_TYPE_MIN } from '../../protocol/bolt1/customMessage.ts';
import { FEATURE } from '../../protocol/bolt1/features.ts';
import { toNodeId } from './fromLdk.ts';

export interface CustomMessages {
  readonly handler: ldk.CustomMessageHandler;
  /** Queues a message; it leaves with the next `process_events`. */
  queue(to: NodeId, type: number, payload: Uint8Array): void;
}

interface Listener {
  message(from: NodeId, type: number, payload: Uint8Array): void;
  connected(peer: NodeId): void;
  disconnected(peer: NodeId): void;
}

/** Messages that were queued stay alive until they were surely written; LDK holds JS objects only weakly. */
const KEPT_MESSAGES = 64;

/** Custom messages of every type from 32768 on, and bLIP-50's feature bit for an LSP. */
export function customMessages(o: { readonly isLsp: boolean; readonly listener: Listener }): CustomMessages {
  const outbox: [Uint8Array, ldk.Type][] = [];
  const kept: ldk.Type[] = [];
  const message = (type: number, payload: Uint8Array): ldk.Type => {
    const made = ldk.Type.new_impl({ type_id: () => type, debug_str: () => `type ${type}`, write: () => payload });
    kept.push(made);
    if (kept.length > KEPT_MESSAGES) kept.shift();
    return made;
  };
  // LDK is in the middle of its own work when it calls these: whoever listens is called afterwards.
  const later = (f: () => void) => void setImmediate(f);
  const handler = ldk.CustomMessageHandler.new_impl(
    {
      handle_custom_message(received, from) {
        const [type, payload, peer] = [received.type_id(), received.write(), toNodeId(from)];
        later(() => o.listener.message(peer, type, payload));
        return ldk.Result_NoneLightningErrorZ.constructor_ok();
      },
      get_and_clear_pending_msg: () =>
        outbox.splice(0).map(([to, queued]) => ldk.TwoTuple_PublicKeyTypeZ.constructor_new(to, queued)),
      peer_connected(peer) {
        const id = toNodeId(peer);
        later(() => o.listener.connected(id));
        return ldk.Result_NoneNoneZ.constructor_ok();
      },
      peer_disconnected(peer) {
        const id = toNodeId(peer);
        later(() => o.listener.disconnected(id));
      },
      provided_node_features: () => ldk.NodeFeatures.constructor_empty(),
      provided_init_features() {
        const features = ldk.InitFeatures.constructor_empty();
        if (o.isLsp) features.set_optional_custom_bit(FEATURE.lsps + 1);
        return features;
      },
    },
    {
      read: (type, bytes) =>
        ldk.Result_COption_TypeZDecodeErrorZ.constructor_ok(
          type >= CUSTOM_TYPE_MIN
            ? ldk.Option_TypeZ.constructor_some(message(type, bytes.slice()))
            : ldk.Option_TypeZ.constructor_none(),
        ),
    },
  );
  return { handler, queue: (to, type, payload) => void outbox.push([fromHex(to), message(type, payload)]) };
}
