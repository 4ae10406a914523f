import { type Msat, msat } from '../../core/amount.ts';
import { toHex } from '../../core/bytes.ts';
import type { FailureReason } from '../../core/failureCode.ts';
import type { Txid } from '../../core/ids.ts';
import { systemRandom } from '../../platform/random.ts';
import type { Random } from '../../ports/clock.ts';
import type { ChainView } from '../../ports/chainView.ts';
import type { LspNode } from '../../ports/lspNode.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { decodeInvoice } from '../../protocol/bolt11/decode.ts';
import { publicKey } from '../../protocol/bolt11/signature.ts';
import { memoryLsp, type MemoryTricks } from './lsp.ts';
import { memoryWallet } from './wallet.ts';
import { wire } from './wire.ts';

/** How a payment in memory ended. */
export type MemoryOutcome =
  | { readonly paid: true; readonly preimage: string }
  | { readonly paid: false; readonly failureCode: FailureReason | 'client' };

/** What a router between payer and LSP may do. */
interface PayTricks {
  /** What reaches the LSP with each part, whatever its onion says. */
  readonly incoming?: Msat;
}

/** A wallet, an LSP's node and a payer without WASM, sockets or a chain: they do what real ones do, at once. */
export interface MemoryLightning {
  /** For `client({ node })`. It shows single parts, as Core Lightning does. */
  readonly wallet: WalletNode;
  /** For `lsp({ node })`. */
  readonly lsp: LspNode;
  /** For `client({ lsps })`. */
  readonly lspUri: string;
  /** Pays an invoice of the wallet in parts of these amounts, or in one. Resolves when all parts have ended. */
  pay(invoice: string, amounts?: readonly Msat[], tricks?: PayTricks): Promise<MemoryOutcome>;
  /** Cuts and mends the connection of wallet and LSP. */
  cut(): void;
  mend(): void;
  mine(blocks: number): void;
  /** For `client({ chain })`. */
  readonly chain: ChainView;
  /** Funding transactions that the LSP broadcast. */
  broadcasts(): readonly Txid[];
}

const KEY_BYTES = 32;
const ID_BYTES = 8;
const PORT = 9735;

export function memoryLightning({
  random = systemRandom,
  tricks,
}: {
  readonly random?: Random;
  readonly tricks?: MemoryTricks;
} = {}): MemoryLightning {
  const [walletKey, lspKey] = [random(KEY_BYTES), random(KEY_BYTES)];
  const [walletId, lspId] = [publicKey(walletKey), publicKey(lspKey)];
  const between = wire(walletId, lspId);
  const wallet = memoryWallet(walletKey, between.ends[0], random);
  const lsp = memoryLsp(lspId, between.ends[1], wallet, { random, tricks });

  return {
    wallet: wallet.node,
    lsp: lsp.node,
    lspUri: `${lspId}@127.0.0.1:${PORT}`,
    cut: between.cut,
    mend: between.mend,
    mine: lsp.mine,
    chain: lsp.chain,
    broadcasts: lsp.broadcasts,
    pay(text, amounts, { incoming } = {}) {
      const invoice = decodeInvoice(text);
      const hint = invoice.routeHints[0]?.[0];
      if (!hint) throw new RangeError('the invoice has no route hint');
      const parts = amounts ?? [invoice.amount ?? msat(0n)];
      const expiry = lsp.node.height() + 1 + invoice.minFinalCltvExpiryDelta + hint.cltvExpiryDelta;
      return new Promise((resolve) => {
        let open = parts.length;
        let paid: string | undefined;
        let code: FailureReason | 'client' = 'client';
        const end = () => {
          open--;
          if (open === 0)
            resolve(paid === undefined ? { paid: false, failureCode: code } : { paid: true, preimage: paid });
        };
        for (const amount of parts) {
          lsp.intercept({
            id: toHex(random(ID_BYTES)),
            scid: hint.scid,
            paymentHash: invoice.paymentHash,
            incomingAmount: incoming ?? amount,
            onionAmount: amount,
            incomingExpiryHeight: expiry,
            total: invoice.amount ?? amount,
            settled(preimage) {
              paid = preimage;
              end();
            },
            failed(reason) {
              code = reason;
              end();
            },
          });
        }
      });
    },
  };
}
