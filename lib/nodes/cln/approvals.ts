import type { PaymentHash } from '../../core/ids.ts';
import { formatScid } from '../../core/scid.ts';
import type { BoughtFor } from '../../ports/walletNode.ts';
import type { Lightningd } from './lightningd.ts';

// What lightningd's own plugin cln-lsps-client goes by: two keys of the datastore, one for each LSP, one for each payment. It takes the
// LSP's away when that LSP opens a channel, and the payment's when its invoice is paid; of what is never used it takes nothing away.

type Approved = Pick<BoughtFor, 'lsp' | 'scid' | 'trust'>;

export interface Approvals {
  /** The next channel of the LSP is let in, and a payment that is less than its onions say is taken. */
  give(hash: PaymentHash, bought: Approved): Promise<void>;
  /** Whether no channel came for it, nor may any more for another purchase. */
  isUnused(bought: Approved): Promise<boolean>;
  /** `heir`: another purchase of this LSP, for which a channel may still come. */
  takeBack(hash: string, bought: Approved, heir: Approved | undefined): Promise<void>;
}

const paymentKey = (hash: string) => ['lsps', 'invoice', hash];
const channelKey = (lsp: string) => ['lsps', 'client', lsp];
const textOf = ({ scid, trust }: Approved) =>
  JSON.stringify({ jit_channel_scid: formatScid(scid), client_trusts_lsp: trust === 'client-trusts-lsp' });

export function approvals(cln: Lightningd): Approvals {
  const at = async (key: readonly string[]) =>
    (await cln.listDatastore(key)).find((each) => each.key.length === key.length);

  /** Rejects while it is still there. */
  async function remove(key: readonly string[], generation: bigint): Promise<void> {
    try {
      await cln.removeDatastore(key, generation);
    } catch (cause) {
      // cln-lsps-client may have been faster.
      if (await at(key)) throw cause;
    }
  }

  return {
    async give(hash, bought) {
      await cln.putDatastore(channelKey(bought.lsp), textOf(bought), 'any');
      await cln.putDatastore(paymentKey(hash), bought.lsp, 'any');
    },
    isUnused: async (bought) => (await at(channelKey(bought.lsp)))?.text === textOf(bought),
    async takeBack(hash, bought, heir) {
      const payment = await at(paymentKey(hash));
      if (payment) await remove(payment.key, payment.generation);
      const channel = await at(channelKey(bought.lsp));
      // Another's is not ours to take: it may be of another program.
      if (channel?.text !== textOf(bought)) return;
      if (heir) await cln.putDatastore(channel.key, textOf(heir), channel.generation);
      else await remove(channel.key, channel.generation);
    },
  };
}
