import { decodeUtf8, encodeUtf8 } from '../../core/utf8.ts';
import type { LspNode } from '../../ports/lspNode.ts';
import { LSPS0_MESSAGE_TYPE } from '../../protocol/lsps0/frame.ts';

// What an LSP says over JSON-RPC, changed on its way out.

/** A JSON-RPC response, as loose as a misbehaving LSP may make it. */
export interface Answer {
  readonly jsonrpc?: unknown;
  readonly id?: unknown;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: unknown;
}

/** What goes out instead of an answer: objects become JSON, texts and bytes go as they are. */
type Said = readonly (object | string | Uint8Array)[];

export interface Exchange {
  readonly answer: Answer;
  /** The method that it answers. */
  readonly method: string | undefined;
}

/** A node whose answers are changed. */
export function answering(node: LspNode, change: (exchange: Exchange) => Said | Promise<Said>): LspNode {
  const methods = new Map<unknown, string>();
  return {
    ...node,
    onMessage: (f) =>
      node.onMessage((from, type, payload) => {
        if (type === LSPS0_MESSAGE_TYPE) note(payload);
        f(from, type, payload);
      }),
    async send(to, type, payload) {
      if (type !== LSPS0_MESSAGE_TYPE) return node.send(to, type, payload);
      const answer = JSON.parse(decodeUtf8(payload, '')) as Answer;
      const method = methods.get(answer.id);
      methods.delete(answer.id);
      for (const said of await change({ answer, method })) await node.send(to, type, toBytes(said));
    },
  };

  function note(payload: Uint8Array): void {
    try {
      const { id, method } = JSON.parse(decodeUtf8(payload, '')) as { id?: unknown; method?: unknown };
      if (typeof method === 'string') methods.set(id, method);
    } catch {
      // What the client says is not at stake here.
    }
  }
}

const toBytes = (said: object | string | Uint8Array): Uint8Array =>
  said instanceof Uint8Array ? said : encodeUtf8(typeof said === 'string' ? said : JSON.stringify(said));

export const GET_INFO = 'lsps2.get_info';
export const BUY = 'lsps2.buy';

/** A node that changes the results of one method, and leaves its errors. */
export const resulting = (
  node: LspNode,
  of: string,
  change: (result: Readonly<Record<string, unknown>>) => object,
): LspNode =>
  answering(node, ({ answer, method }) =>
    method === of && answer.result ? [{ ...answer, result: change(answer.result) }] : [answer],
  );

type Entry = Readonly<Record<string, unknown>>;

/** A node that changes every entry of its menu. */
export const offering = (node: LspNode, change: (entry: Entry) => Entry): LspNode =>
  resulting(node, GET_INFO, (result) => ({
    ...result,
    opening_fee_params_menu: (result['opening_fee_params_menu'] as Entry[]).map(change),
  }));

/** A node that refuses one method. */
export const refusing = (node: LspNode, of: string, error: object): LspNode =>
  answering(node, ({ answer: { jsonrpc, id, ...rest }, method }) => [
    method === of ? { jsonrpc, id, error } : { jsonrpc, id, ...rest },
  ]);
