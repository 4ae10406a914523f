import type { Msat } from '../../core/amount.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { walletChannels } from './channels.ts';
import { clnInvoices, type ClnInvoicesInit, type Unsigned } from './invoices.ts';
import type { Lightningd } from './lightningd.ts';
import { clnMessages } from './messages.ts';
import { labelOf } from './secret.ts';

/** What every wallet on lightningd has, whoever keeps its gates. */
export function clnWalletBase(cln: Lightningd, o: ClnInvoicesInit) {
  const messages = clnMessages(cln);
  const invoices = clnInvoices(cln, o);
  const node: Omit<WalletNode, 'guard' | 'resume'> = {
    ...messages,
    ...invoices,
    nodeId: cln.nodeId,
    network: cln.network,
    minFinalCltvExpiryDelta: cln.cltvFinal,
    toSelfDelayBlocks: cln.watchtimeBlocks,
    // It tells where a channel is funded, but not by which script.
    namesFunding: false,
    channels: () => walletChannels(cln),
    // The gates refuse it; lightningd must not take it either, should nobody ask them.
    async withdraw(hash) {
      if ((await cln.invoice(hash))?.status === 'unpaid') await cln.removeInvoice(labelOf(hash));
    },
  };
  return { messages, node };
}

/**
 * What stands in lightningd's books. It takes no invoice that has only the hash of a description; and over one that has ended it fails what the
 * gates have judged, so that in its books an invoice ends later than in the payer's hands.
 */
export const booksText = (
  { textWith, description }: Unsigned,
  amount: Msat | undefined,
  longerBySeconds: number,
): string =>
  textWith({
    amount,
    description: description ?? 'its description is in the invoice of the payer',
    longerBySeconds,
  });
